use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use proptest::prelude::*;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::advance;
use tower::{BoxError, Layer, Service, ServiceExt};
use tower_test::mock::{self, Handle, Mock, SendResponse};

use super::*;
use crate::AttemptTimedOut;
use crate::retry::{BudgetConfig, Idempotent, PREVIOUS_ATTEMPTS, Policy, ReplayBody, RetryLayer};
use crate::switches::Switches;
use crate::testing::{Rsp, answer, streaming, trailers_only};

type Sent = Request<ReplayBody<Full<Bytes>>>;
type Callee = Handle<Sent, Rsp>;
type Call = JoinHandle<Result<Rsp, BoxError>>;

const AFTER: Duration = Duration::from_millis(100);

struct Edge {
    mock: Mock<Sent, Rsp>,
    hedging: Hedging,
}

impl Edge {
    fn new() -> (Self, Callee) {
        Self::with(Config { after: Some(AFTER), ..Config::default() }, BudgetConfig::default())
    }

    fn with(config: Config, budget: BudgetConfig) -> (Self, Callee) {
        let (mock, callee) = mock::pair();
        (Self { mock, hedging: Hedging::new("memory", config, Budget::new("memory", budget)) }, callee)
    }

    fn call(&self, request: Request<Full<Bytes>>) -> Call {
        tokio::spawn(HedgeLayer::new(self.hedging.clone()).layer(self.mock.clone()).oneshot(request))
    }

    fn counts(&self) -> (u64, u64) {
        let Snapshot { sent, won, .. } = self.hedging.snapshot();
        (sent, won)
    }
}

fn request() -> Request<Full<Bytes>> {
    Request::new(Full::new(Bytes::from_static(b"question")))
}

fn idempotent() -> Request<Full<Bytes>> {
    let mut request = request();
    request.extensions_mut().insert(Idempotent);
    request
}

async fn sent(callee: &mut Callee) -> (Sent, SendResponse<Rsp>) {
    callee.next_request().await.expect("sent")
}

async fn quiet(callee: &mut Callee) -> bool {
    tokio::time::timeout(AFTER * 100, callee.next_request()).await.is_err()
}

/// A call of which both attempts are out.
async fn both(edge: &Edge, callee: &mut Callee) -> (Call, [SendResponse<Rsp>; 2]) {
    let call = edge.call(idempotent());
    let (first, second) = (sent(callee).await.1, sent(callee).await.1);
    (call, [first, second])
}

/// The answer that the test calls `name`.
fn named(name: &'static str) -> Rsp {
    let mut response = answer("0");
    response.headers_mut().insert("name", http::HeaderValue::from_static(name));
    response
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_is_sent_when_the_first_is_late_with_the_same_message() {
    let (edge, mut callee) = Edge::new();
    let start = Instant::now();
    let call = edge.call(idempotent());
    let (first, _unanswered) = sent(&mut callee).await;
    let (second, send) = sent(&mut callee).await;
    assert_eq!(start.elapsed(), AFTER);
    assert!(!first.headers().contains_key(PREVIOUS_ATTEMPTS));
    assert_eq!(second.headers()[PREVIOUS_ATTEMPTS], "1");
    assert_eq!(second.into_body().collect().await.expect("whole").to_bytes(), "question");
    send.send_response(named("second"));
    assert_eq!(call.await.expect("no panic").expect("a head").headers()["name"], "second");
    assert_eq!(edge.counts(), (1, 1));
}

/// Below a retry layer, which has put the request aside already.
#[tokio::test(start_paused = true)]
async fn each_attempt_of_a_retry_may_be_late_with_the_same_message_and_the_count_of_those_before() {
    let (mock, mut callee) = mock::pair::<Request<ReplayBody<ReplayBody<Full<Bytes>>>>, Rsp>();
    let budget = Budget::new("memory", BudgetConfig::default());
    let retry = |config| {
        let hedge = HedgeLayer::new(Hedging::new("memory", config, budget.clone()));
        RetryLayer::new(Policy::default(), budget.clone()).layer(hedge.layer(mock.clone()))
    };
    let config = Config { after: Some(AFTER), max_body: "question".len(), ..Config::default() };
    let call = tokio::spawn(retry(config).oneshot(idempotent()));
    let mut unanswered = Vec::new();
    for before in [None, Some("1"), Some("1"), Some("2")] {
        let (request, send) = callee.next_request().await.expect("sent");
        let (head, body) = request.into_parts();
        assert_eq!(head.headers.get(PREVIOUS_ATTEMPTS).map(|count| count.to_str().expect("digits")), before);
        assert_eq!(body.collect().await.expect("whole").to_bytes(), "question");
        unanswered.push(send);
        if unanswered.len() == 2 {
            let status = if before == Some("2") { "0" } else { "14" };
            unanswered.drain(..).for_each(|send| send.send_response(trailers_only(status)));
        }
    }
    call.await.expect("no panic").expect("a head");

    let call = tokio::spawn(retry(Config { max_body: "question".len() - 1, ..config }).oneshot(idempotent()));
    let (_, send) = callee.next_request().await.expect("sent");
    assert!(
        tokio::time::timeout(AFTER * 100, callee.next_request()).await.is_err(),
        "too large for a second"
    );
    send.send_response(answer("0"));
    call.await.expect("no panic").expect("a head");
}

#[tokio::test(start_paused = true)]
async fn a_first_attempt_in_time_stays_alone() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(idempotent());
    let (_, send) = sent(&mut callee).await;
    advance(AFTER / 2).await;
    send.send_response(answer("0"));
    call.await.expect("no panic").expect("a head");
    assert!(quiet(&mut callee).await);
    assert_eq!(edge.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_one_does_not_end_the_other() {
    let (edge, mut callee) = Edge::new();
    let (call, [first, second]) = both(&edge, &mut callee).await;
    first.send_response(trailers_only("3"));
    yield_now().await;
    assert!(!call.is_finished(), "a fatal answer of the first");
    second.send_response(named("second"));
    assert_eq!(call.await.expect("no panic").expect("a head").headers()["name"], "second");

    let (call, [first, second]) = both(&edge, &mut callee).await;
    second.send_error("connection reset");
    yield_now().await;
    assert!(!call.is_finished(), "an error of the second");
    first.send_response(named("first"));
    assert_eq!(call.await.expect("no panic").expect("a head").headers()["name"], "first");
}

#[tokio::test(start_paused = true)]
async fn a_failure_whose_body_is_still_to_come_ends_the_race_because_it_would_hold_its_slot() {
    let (edge, mut callee) = Edge::new();
    let (call, [first, _second]) = both(&edge, &mut callee).await;
    let (_feeder, mut busy) = streaming();
    *busy.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
    first.send_response(busy);
    assert_eq!(call.await.expect("no panic").expect("its answer").status(), 503);
    assert_eq!(edge.counts(), (1, 0), "nobody won");
}

#[tokio::test(start_paused = true)]
async fn when_both_have_failed_the_more_telling_failure_is_the_answer() {
    let (edge, mut callee) = Edge::new();
    let (call, [first, second]) = both(&edge, &mut callee).await;
    first.send_error(AttemptTimedOut { after: AFTER });
    second.send_error("connection reset");
    assert!(call.await.expect("no panic").expect_err("the first one's").is::<AttemptTimedOut>());

    let (call, [first, second]) = both(&edge, &mut callee).await;
    first.send_error(AttemptTimedOut { after: AFTER });
    second.send_response(trailers_only("5"));
    assert_eq!(call.await.expect("no panic").expect("an answer").headers()["grpc-status"], "5");
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_the_second_attempt_is_for_the_layer_above() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(idempotent());
    sent(&mut callee).await.1.send_response(trailers_only("14"));
    assert_eq!(call.await.expect("no panic").expect("an answer").headers()["grpc-status"], "14");
    assert!(quiet(&mut callee).await);
}

#[tokio::test(start_paused = true)]
async fn only_idempotent_calls_with_hedging_switched_on_are_asked_twice() {
    let (edge, mut callee) = Edge::new();
    let mut switched_off = idempotent();
    switched_off.extensions_mut().insert(Switches { hedging: false, ..Switches::default() });
    for request in [request(), switched_off] {
        let call = edge.call(request);
        let (_, send) = sent(&mut callee).await;
        assert!(quiet(&mut callee).await);
        send.send_response(answer("0"));
        call.await.expect("no panic").expect("a head");
    }
}

#[tokio::test(start_paused = true)]
async fn without_budget_there_is_no_second_attempt() {
    let config = Config { after: Some(AFTER), ..Config::default() };
    let (edge, mut callee) = Edge::with(config, BudgetConfig { percent: 0, floor_per_second: 0 });
    let (call, [first, _second]) = both(&edge, &mut callee).await; // the last token
    first.send_response(answer("0"));
    call.await.expect("no panic").expect("a head");
    let call = edge.call(idempotent());
    let (_, send) = sent(&mut callee).await;
    assert!(quiet(&mut callee).await);
    send.send_response(answer("0"));
    call.await.expect("no panic").expect("a head");
    assert_eq!(edge.counts(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_fixed_time_the_observed_one_decides_and_nothing_is_hedged_before_it_is_known() {
    let (edge, mut callee) = Edge::with(Config::default(), BudgetConfig::default());
    for _ in 0..20 {
        assert_eq!(edge.hedging.snapshot().after, None);
        let call = edge.call(idempotent());
        let (_, send) = sent(&mut callee).await;
        advance(Duration::from_millis(40)).await;
        send.send_response(answer("0"));
        call.await.expect("no panic").expect("a head");
    }
    let after = edge.hedging.snapshot().after.expect("known by now");
    assert!((Duration::from_millis(40)..Duration::from_millis(50)).contains(&after), "{after:?}");
    let start = Instant::now();
    let _call = edge.call(idempotent());
    let (_first, _second) = (sent(&mut callee).await, sent(&mut callee).await);
    assert!(start.elapsed().abs_diff(after) < Duration::from_millis(2), "to a tick of the clock");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_answer_is_passed_on_as_it_is() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(idempotent());
    let (feeder, response) = streaming();
    sent(&mut callee).await.1.send_response(response);
    let response = call.await.expect("no panic").expect("a head");
    feeder.data();
    feeder.trailers("0");
    drop(feeder);
    assert_eq!(response.into_body().collect().await.expect("whole").to_bytes(), "message");
    assert!(quiet(&mut callee).await, "a head in time is enough");
}

// === races ===

/// How one attempt goes: it gives its head after so many milliseconds.
#[derive(Clone, Copy, Debug)]
struct Script {
    ms: u64,
    good: bool,
}

impl Script {
    const fn good(ms: u64) -> Self {
        Self { ms, good: true }
    }

    const fn bad(ms: u64) -> Self {
        Self { ms, good: false }
    }
}

/// What became of a call whose attempts follow a script.
#[derive(Debug, PartialEq)]
struct Race {
    winner: Option<&'static str>,
    took: Duration,
    sent: usize,
    /// Attempts that still ran when the caller had its answer in hand.
    left: usize,
}

/// An attempt that is out; whatever ends it, it is counted off.
struct Running(Arc<AtomicU64>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

async fn race(first: Script, second: Script) -> Race {
    let (running, sent) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let callee = tower::service_fn({
        let (running, sent) = (Arc::clone(&running), Arc::clone(&sent));
        move |_: Sent| {
            running.fetch_add(1, Relaxed);
            let guard = Running(Arc::clone(&running));
            let (name, script) = [("first", first), ("second", second)][sent.fetch_add(1, Relaxed) as usize];
            async move {
                tokio::time::sleep(Duration::from_millis(script.ms)).await;
                drop(guard);
                Ok::<_, BoxError>(if script.good { named(name) } else { trailers_only("14") })
            }
        }
    });
    let config = Config { after: Some(AFTER), ..Config::default() };
    let hedging = Hedging::new("memory", config, Budget::new("memory", BudgetConfig::default()));
    let start = Instant::now();
    let mut call = Box::pin(HedgeLayer::new(hedging).layer(callee).call(idempotent())); // always ready
    let response = call.as_mut().await.expect("every script ends in an answer");
    // The future is still held: the loser is gone already, not when somebody gets round to dropping it.
    let left = running.load(Relaxed) as usize;
    let winner = ["first", "second"]
        .into_iter()
        .find(|name| response.headers().get("name").is_some_and(|n| n == name));
    Race { winner, took: start.elapsed(), sent: sent.load(Relaxed) as usize, left }
}

#[tokio::test(start_paused = true)]
async fn the_first_good_head_wins_and_the_loser_is_dropped_at_once() {
    let ms = Duration::from_millis;
    let first = Race { winner: Some("first"), took: ms(150), sent: 2, left: 0 };
    assert_eq!(race(Script::good(150), Script::good(1000)).await, first);
    let second = Race { winner: Some("second"), took: ms(110), sent: 2, left: 0 };
    assert_eq!(race(Script::good(150), Script::good(10)).await, second);
    assert_eq!(race(Script::bad(105), Script::good(10)).await, second);
    let none = Race { winner: None, took: ms(150), sent: 2, left: 0 };
    assert_eq!(race(Script::bad(150), Script::bad(10)).await, none);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_takes_both_attempts_with_it() {
    let (edge, mut callee) = Edge::new();
    let (call, _sends) = both(&edge, &mut callee).await;
    call.abort();
    assert!(call.await.expect_err("aborted").is_cancelled());
    drop(edge);
    assert!(callee.next_request().await.is_none(), "nobody holds the way to the callee any more");
}

fn script() -> impl Strategy<Value = Script> {
    (0u64..300, any::<bool>()).prop_map(|(ms, good)| Script { ms, good })
}

/// What the rules say about a race, read off the scripts.
fn expected(first: Script, second: Script) -> Race {
    let after = AFTER.as_millis() as u64;
    if first.ms <= after {
        let winner = first.good.then_some("first");
        return Race { winner, took: Duration::from_millis(first.ms), sent: 1, left: 0 };
    }
    let (a, b) = (first.ms, after + second.ms);
    let (winner, ms) = match (first.good, second.good) {
        (true, true) if b < a => (Some("second"), b),
        (true, _) => (Some("first"), a),
        (false, true) => (Some("second"), b),
        (false, false) => (None, a.max(b)),
    };
    Race { winner, took: Duration::from_millis(ms), sent: 2, left: 0 }
}

proptest! {
    #[test]
    fn whatever_the_attempts_do_there_is_one_winner_and_no_survivor(first in script(), second in script()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let race = runtime.expect("a runtime").block_on(race(first, second));
        prop_assert_eq!(race, expected(first, second));
    }
}
