use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::{BoxError, Layer, ServiceExt};
use tower_test::mock::{self, Handle, Mock, SendResponse};

use super::*;
use crate::switches::Switches;
use crate::testing::{Feed, Rsp, answer, streaming, trailers_only};
use crate::{AttemptTimedOut, Breaker, BreakerLayer, CircuitOpen, Deadline, GrpcClassifier, breaker};

type Sent = Request<ReplayBody<Full<Bytes>>>;
type Callee = Handle<Sent, Rsp>;
type Call = JoinHandle<Result<Rsp, BoxError>>;

const SECOND: Duration = Duration::from_secs(1);

/// An edge with a generous budget, and jitter that always takes the whole backoff: 50 ms, then 100 ms.
struct Edge {
    mock: Mock<Sent, Rsp>,
    layer: RetryLayer,
    budget: Budget,
}

impl Edge {
    fn new() -> (Self, Callee) {
        Self::with(BudgetConfig::default())
    }

    fn with(budget: BudgetConfig) -> (Self, Callee) {
        let (mock, callee) = mock::pair();
        let budget = Budget::new("memory", budget);
        let layer = RetryLayer::new(Policy::default(), budget.clone()).with_dice(|| 1.0);
        (Self { mock, layer, budget }, callee)
    }

    fn call(&self, request: Request<Full<Bytes>>) -> Call {
        tokio::spawn(self.layer.layer(self.mock.clone()).oneshot(request))
    }
}

fn request() -> Request<Full<Bytes>> {
    Request::new(Full::new(Bytes::from_static(b"question")))
}

fn idempotent() -> Request<Full<Bytes>> {
    with(request(), Idempotent)
}

fn with<T: Clone + Send + Sync + 'static, B>(mut request: Request<B>, extension: T) -> Request<B> {
    request.extensions_mut().insert(extension);
    request
}

async fn sent(callee: &mut Callee) -> (Sent, SendResponse<Rsp>) {
    callee.next_request().await.expect("sent")
}

/// No attempt is sent any more: the call has its answer.
async fn done(call: Call, callee: &mut Callee) -> Result<Rsp, BoxError> {
    let result = call.await.expect("no panic");
    assert!(futures_are_quiet(callee).await, "sent again after the answer");
    result
}

async fn futures_are_quiet(callee: &mut Callee) -> bool {
    tokio::time::timeout(SECOND * 60, callee.next_request()).await.map_or(true, |request| request.is_none())
}

fn attempts(response: &Rsp) -> u32 {
    Attempts::of(response.extensions()).0
}

fn unavailable_after(ms: &'static str) -> Rsp {
    let mut response = trailers_only("14");
    response.headers_mut().insert("grpc-retry-pushback-ms", HeaderValue::from_static(ms));
    response
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_followed_by_another_with_the_same_message_and_the_count_of_those_before() {
    let (edge, mut callee) = Edge::new();
    let start = Instant::now();
    let call = edge.call(idempotent());
    for (before, wait) in [(None, 0), (Some("1"), 50), (Some("2"), 150)] {
        let (request, send) = sent(&mut callee).await;
        assert_eq!(start.elapsed(), Duration::from_millis(wait));
        let count = request.headers().get(PREVIOUS_ATTEMPTS).map(|value| value.to_str().expect("text"));
        assert_eq!(count, before);
        assert!(request.extensions().get::<Idempotent>().is_some());
        assert_eq!(request.into_body().collect().await.expect("whole").to_bytes(), "question");
        send.send_response(if before == Some("2") { answer("0") } else { trailers_only("14") });
    }
    let response = done(call, &mut callee).await.expect("the third answer");
    assert_eq!(attempts(&response), 3);
    let budget = edge.budget.snapshot();
    assert_eq!((budget.asked, budget.sent, budget.refused), (1, 2, 0));
}

#[tokio::test(start_paused = true)]
async fn after_the_last_attempt_its_failure_is_the_answer() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(idempotent());
    for _ in 0..3 {
        sent(&mut callee).await.1.send_response(trailers_only("14"));
    }
    let response = done(call, &mut callee).await.expect("a gRPC failure is a response");
    assert_eq!((&response.headers()["grpc-status"], attempts(&response)), (&"14".parse().unwrap(), 3));

    let call = edge.call(idempotent());
    for _ in 0..3 {
        sent(&mut callee).await.1.send_error(AttemptTimedOut { after: SECOND });
    }
    let error = done(call, &mut callee).await.expect_err("the last error");
    let gave_up = error.downcast_ref::<GaveUp>().expect("with the number of attempts");
    assert_eq!(gave_up.attempts, 3);
    assert!(gave_up.source.is::<AttemptTimedOut>(), "and its kind");
    assert!(gave_up.before.is_none(), "the last attempt speaks for itself");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_have_been_processed_is_not_repeated() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(request());
    sent(&mut callee).await.1.send_response(trailers_only("14"));
    assert_eq!(attempts(&done(call, &mut callee).await.expect("its answer")), 1);
    let call = edge.call(request());
    sent(&mut callee).await.1.send_error(AttemptTimedOut { after: SECOND });
    assert!(done(call, &mut callee).await.expect_err("its error").is::<AttemptTimedOut>(), "as it is");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_provably_not_processed_is_repeated_even_if_it_is_not_idempotent() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(request());
    sent(&mut callee).await.1.send_error(NotSent("nobody listens".into()));
    sent(&mut callee).await.1.send_response(answer("0"));
    assert_eq!(attempts(&done(call, &mut callee).await.expect("the second answer")), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_never_repeated_whatever_its_body_ends_in() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(idempotent());
    let (feeder, response) = streaming();
    sent(&mut callee).await.1.send_response(response);
    feeder.data();
    feeder.fail("connection reset");
    let response = done(call, &mut callee).await.expect("a head");
    response.into_body().collect().await.expect_err("the caller sees the failure");
}

#[tokio::test(start_paused = true)]
async fn a_pushback_is_waited_for_and_never_means_never() {
    let (edge, mut callee) = Edge::new();
    let start = Instant::now();
    let call = edge.call(idempotent());
    sent(&mut callee).await.1.send_response(unavailable_after("2000"));
    sent(&mut callee).await.1.send_response(unavailable_after("-1"));
    assert_eq!(start.elapsed(), SECOND * 2 + Duration::from_millis(50));
    assert_eq!(attempts(&done(call, &mut callee).await.expect("the second answer")), 2);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_retry_after_is_not_waited_for() {
    let (edge, mut callee) = Edge::new();
    let start = Instant::now();
    let call = edge.call(with(idempotent(), Deadline::after(SECOND * 10)));
    let mut busy = streaming().1;
    *busy.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
    busy.headers_mut().insert("retry-after", HeaderValue::from_static("999999"));
    sent(&mut callee).await.1.send_response(busy);
    assert_eq!(call.await.expect("no panic").expect("its answer").status(), 429);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn no_backoff_ends_after_the_deadline() {
    let (edge, mut callee) = Edge::new();
    let start = Instant::now();
    let call = edge.call(with(idempotent(), Deadline::after(Duration::from_millis(120))));
    sent(&mut callee).await.1.send_response(trailers_only("14")); // 50 ms fit
    sent(&mut callee).await.1.send_response(trailers_only("14")); // 100 ms more do not
    assert_eq!(attempts(&call.await.expect("no panic").expect("its answer")), 2);
    assert_eq!(start.elapsed(), Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_ends_the_attempts_at_once() {
    let (mock, mut callee) = mock::pair::<Sent, Rsp>();
    let trips_at_once = breaker::Config { consecutive_failures: 1, ..breaker::Config::internal() };
    let breaker = BreakerLayer::new(Breaker::new("memory", trips_at_once), GrpcClassifier);
    let retry = RetryLayer::new(Policy::default(), Budget::new("memory", BudgetConfig::default()));
    let call = tokio::spawn(retry.with_dice(|| 1.0).layer(breaker.layer(mock)).oneshot(idempotent()));
    sent(&mut callee).await.1.send_response(trailers_only("14"));
    let start = Instant::now();
    let error = call.await.expect("no panic").expect_err("refused");
    let gave_up = error.downcast_ref::<GaveUp>().expect("after two attempts");
    assert!(gave_up.attempts == 2 && gave_up.source.is::<CircuitOpen>());
    let said =
        matches!(&gave_up.before, Some(Before::Answered(_, headers)) if headers["grpc-status"] == "14");
    assert!(said, "the callee's last word is kept: {gave_up:?}");
    assert_eq!(start.elapsed(), Duration::from_millis(50), "one backoff, and no second");
    assert!(futures_are_quiet(&mut callee).await);
}

#[tokio::test(start_paused = true)]
async fn without_budget_the_first_failure_is_the_answer() {
    let (edge, mut callee) = Edge::with(BudgetConfig { percent: 0, floor_per_second: 0 });
    for expected in [2, 1] {
        let call = edge.call(idempotent());
        for _ in 0..expected {
            sent(&mut callee).await.1.send_response(trailers_only("14"));
        }
        assert_eq!(attempts(&done(call, &mut callee).await.expect("its answer")), expected);
    }
    assert_eq!(edge.budget.snapshot().refused, 2, "the third attempt of the first, the second of the other");
}

#[tokio::test(start_paused = true)]
async fn only_one_hop_retries() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(idempotent());
    let (request, send) = sent(&mut callee).await;
    assert!(Upstream::from_headers(request.headers()).is_some(), "those below are told");
    send.send_response(answer("0"));
    done(call, &mut callee).await.expect("an answer");

    let mut told_by_header = idempotent();
    told_by_header.headers_mut().insert(RETRIES, HeaderValue::from_static("0"));
    for inherited in [with(idempotent(), Upstream), told_by_header] {
        let call = edge.call(inherited);
        let (request, send) = sent(&mut callee).await;
        assert!(Upstream::from_headers(request.headers()).is_some(), "those further below too");
        send.send_response(trailers_only("14"));
        assert_eq!(attempts(&done(call, &mut callee).await.expect("its answer")), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_only_those_below_may_repeat_is_left_to_them() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(request());
    let (request, send) = sent(&mut callee).await;
    assert!(!request.headers().contains_key(RETRIES));
    send.send_response(trailers_only("14"));
    assert_eq!(attempts(&done(call, &mut callee).await.expect("its answer")), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_somebody_else_to_ask_is_not_held_up_by_a_429() {
    let (edge, mut callee) = Edge::new();
    let busy = || {
        let mut busy = streaming().1;
        *busy.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        busy.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
        busy
    };
    let call = edge.call(with(idempotent(), RatherElsewhere));
    sent(&mut callee).await.1.send_response(busy());
    assert_eq!(attempts(&done(call, &mut callee).await.expect("its answer")), 1);
    let call = edge.call(idempotent());
    sent(&mut callee).await.1.send_response(busy());
    sent(&mut callee).await.1.send_response(answer("0"));
    assert_eq!(attempts(&done(call, &mut callee).await.expect("the second answer")), 2);
}

#[tokio::test(start_paused = true)]
async fn switched_off_there_is_one_attempt_and_those_below_may_do_as_they_like() {
    let (edge, mut callee) = Edge::new();
    let call = edge.call(with(idempotent(), Switches { retry: false, ..Switches::default() }));
    let (request, send) = sent(&mut callee).await;
    assert!(!request.headers().contains_key(RETRIES));
    send.send_response(trailers_only("14"));
    assert_eq!(attempts(&done(call, &mut callee).await.expect("its answer")), 1);
}

#[tokio::test(start_paused = true)]
async fn a_streaming_request_is_sent_once() {
    let (mock, mut callee) = mock::pair::<Request<ReplayBody<Feed>>, Rsp>();
    let layer = RetryLayer::new(Policy::default(), Budget::new("memory", BudgetConfig::default()));
    let (feeder, response) = streaming();
    let request = with(Request::new(response.into_body()), Idempotent);
    let call = tokio::spawn(layer.layer(mock).oneshot(request));
    let (request, send) = callee.next_request().await.expect("sent before its end");
    feeder.data();
    assert!(request.into_body().frame().await.expect("a frame").is_ok());
    send.send_response(trailers_only("14"));
    assert_eq!(attempts(&call.await.expect("no panic").expect("its answer")), 1);
}

#[tokio::test(start_paused = true)]
async fn trap_04_each_attempt_drives_readiness_again_on_the_service_that_was_ready() {
    let (edge, mut callee) = Edge::new();
    callee.allow(1);
    let call = edge.call(idempotent());
    sent(&mut callee).await.1.send_response(trailers_only("14"));
    let early = tokio::time::timeout(SECOND, callee.next_request()).await;
    assert!(early.is_err(), "the callee is not ready for a second attempt");
    callee.allow(1);
    sent(&mut callee).await.1.send_response(answer("0"));
    assert_eq!(attempts(&call.await.expect("no panic").expect("its answer")), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_let_go_before_the_backoff() {
    let (edge, mut callee) = Edge::new();
    let _call = edge.call(idempotent());
    let (feeder, mut response) = streaming();
    response.headers_mut().insert("grpc-status", HeaderValue::from_static("14"));
    sent(&mut callee).await.1.send_response(response);
    tokio::task::yield_now().await;
    assert!(feeder.abandoned(), "it holds no slot while the next one waits");
}
