use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::{BoxError, Layer, ServiceBuilder, ServiceExt};
use tower_test::mock::{self, Handle, Mock};

use super::*;
use crate::breaker::{self, BreakerService, Mode};
use crate::hedge::{self, Hedging};
use crate::retry::{Attempts, Budget, BudgetConfig, Idempotent, NotSent, Policy, ReplayBody, Upstream};
use crate::testing::{Feeder, Rsp, answer, next, streaming, trailers_only};
use crate::{Breaker, BreakerLayer, CircuitOpen, GrpcClassifier, HedgeLayer, RetryLayer};

type Sent = Request<ReplayBody<ReplayBody<Full<Bytes>>>>;
type Callee = Handle<Sent, Rsp>;
type Body = crate::body::GuardedBody<
    crate::body::GuardedBody<crate::testing::Feed, breaker::Verdict<GrpcClassifier>>,
    Held,
>;
type Call = JoinHandle<Result<Response<Body>, BoxError>>;
type Guarded = BreakerService<Mock<Sent, Rsp>, GrpcClassifier>;

const SECOND: Duration = Duration::from_secs(1);

/// An edge to so many endpoints, each behind a breaker that trips on the first failure. Draws take the first.
struct Edge {
    endpoints: Endpoints<Guarded>,
    breakers: Vec<Breaker>,
    budget: Budget,
}

impl Edge {
    fn to<const N: usize>() -> (Self, [Callee; N]) {
        let mut edge = Self {
            endpoints: Endpoints::new(),
            breakers: Vec::new(),
            budget: Budget::new("memory", BudgetConfig { percent: 0, floor_per_second: 0 }),
        };
        assert!(edge.budget.withdraw(Instant::now()), "the one that is always there"); // no second chances
        let mut list = Vec::new();
        let callees = std::array::from_fn(|at| {
            let (mock, callee) = mock::pair();
            let config =
                breaker::Config { consecutive_failures: 1, jitter: 0.0, ..breaker::Config::internal() };
            let breaker = Breaker::new(at.to_string(), config);
            edge.breakers.push(breaker.clone());
            list.push(Endpoint::new(at.to_string(), BreakerLayer::new(breaker, GrpcClassifier).layer(mock)));
            callee
        });
        edge.endpoints.set(list);
        (edge, callees)
    }

    fn call(&self, request: Request<Full<Bytes>>) -> Call {
        let config = hedge::Config { after: Some(SECOND * 3), ..hedge::Config::default() };
        let hedging = Hedging::new("memory", config, Budget::new("memory", BudgetConfig::default()));
        let stack = ServiceBuilder::new()
            .layer(RetryLayer::new(Policy::default(), self.budget.clone()).with_dice(|| 0.0))
            .layer(HedgeLayer::new(hedging))
            .service(Balance::new(self.endpoints.clone()).with_dice(|| 0.0));
        tokio::spawn(stack.oneshot(request))
    }
}

fn request() -> Request<Full<Bytes>> {
    Request::new(Full::new(Bytes::from_static(b"question")))
}

fn with<T: Clone + Send + Sync + 'static>(extension: T) -> Request<Full<Bytes>> {
    let mut request = request();
    request.extensions_mut().insert(extension);
    request
}

async fn answers(callee: &mut Callee) {
    callee.next_request().await.expect("sent").1.send_response(answer("0"));
}

async fn turns_away(callee: &mut Callee) {
    callee.next_request().await.expect("sent").1.send_error(NotSent("nobody listens".into()));
}

async fn streams(callee: &mut Callee) -> Feeder {
    let (feeder, response) = streaming();
    callee.next_request().await.expect("sent").1.send_response(response);
    feeder
}

async fn good(call: Call) -> Response<Body> {
    call.await.expect("no panic").expect("an answer")
}

async fn refused(call: Call) -> BoxError {
    call.await.expect("no panic").expect_err("no answer")
}

#[tokio::test(start_paused = true)]
async fn a_stream_counts_as_something_to_do_until_its_end() {
    let (edge, [mut a, mut b]) = Edge::to();
    let call = edge.call(request());
    let feeder = streams(&mut a).await;
    let mut body = good(call).await.into_body();
    feeder.data();
    next(&mut body).await.expect("a frame").expect("data");
    let call = edge.call(request());
    answers(&mut b).await; // the first one is busy, though its head came long ago
    good(call).await.into_body().collect().await.expect("whole");
    feeder.trailers("0");
    drop(feeder);
    body.collect().await.expect("whole");
    let call = edge.call(request());
    answers(&mut a).await;
    good(call).await;
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_dropped_is_nothing_to_do_any_more() {
    let (edge, [mut a, _b]) = Edge::to();
    let call = edge.call(request());
    let _feeder = streams(&mut a).await;
    drop(good(call).await);
    let call = edge.call(request());
    answers(&mut a).await;
    good(call).await;
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_gone_around() {
    let (edge, [_a, mut b]) = Edge::to();
    for mode in [Mode::ForcedOpen, Mode::Normal] {
        edge.breakers[0].set_mode(mode);
        if mode == Mode::Normal {
            edge.breakers[0].acquire().expect("just closed").record(crate::Outcome::Failure);
        }
        let call = edge.call(request());
        answers(&mut b).await;
        good(call).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_out_sends_the_others_elsewhere() {
    let (edge, [mut a, mut b]) = Edge::to();
    edge.breakers[0].acquire().expect("closed").record(crate::Outcome::Failure);
    tokio::time::advance(SECOND * 60).await;
    let probe = edge.call(request());
    let (_, unanswered) = a.next_request().await.expect("the probe");
    let call = edge.call(request());
    answers(&mut b).await;
    good(call).await;
    unanswered.send_response(answer("0"));
    good(probe).await;
}

#[tokio::test(start_paused = true)]
async fn when_every_circuit_is_open_the_call_ends_at_once_with_the_one_that_opens_first() {
    let (edge, [_a, _b, _c]) = Edge::to();
    for breaker in [1, 0, 2] {
        edge.breakers[breaker].acquire().expect("closed").record(crate::Outcome::Failure);
        tokio::time::advance(SECOND).await;
    }
    let start = Instant::now();
    let error = refused(edge.call(with(Idempotent))).await;
    let open = error.downcast_ref::<CircuitOpen>().expect("our own refusal, and no second attempt");
    assert_eq!((&*open.breaker, open.retry_in), ("1", SECOND * 57));
    assert_eq!(start.elapsed(), Duration::ZERO);
    let rejected: Vec<_> = edge.breakers.iter().map(|breaker| breaker.snapshot().rejected).collect();
    assert_eq!(rejected, [0, 1, 0], "counted once");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_turned_away_moves_on_at_once_and_outside_of_the_budget() {
    let (edge, [mut a, mut b]) = Edge::to();
    for extension in [None, Some(Upstream)] {
        let start = Instant::now();
        let call = edge.call(extension.map_or_else(request, with));
        turns_away(&mut a).await;
        answers(&mut b).await;
        assert_eq!(good(call).await.extensions().get(), Some(&Attempts(2)));
        assert!(start.elapsed() < Duration::from_millis(5), "{extension:?}");
        edge.breakers[0].reset();
        tokio::time::advance(SECOND).await;
    }
    assert_eq!(edge.budget.snapshot().tokens, 0.0, "there was nothing to pay with");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_it_drains_has_turned_the_call_away() {
    let (edge, [mut a, mut b]) = Edge::to();
    let call = edge.call(request());
    let mut draining = trailers_only("14");
    let details = crate::retry::encode_details("DRAINING").parse().expect("a header");
    draining.headers_mut().insert("grpc-status-details-bin", details);
    a.next_request().await.expect("sent").1.send_response(draining);
    answers(&mut b).await;
    good(call).await;
}

#[tokio::test(start_paused = true)]
async fn who_turned_a_call_away_rests_while_there_is_another() {
    let (edge, [mut a, mut b]) = Edge::to();
    edge.breakers[0].set_mode(Mode::Disabled); // it is not the breaker that keeps calls away
    let call = edge.call(request());
    turns_away(&mut a).await;
    answers(&mut b).await;
    let busy = good(call).await; // the other one has more to do
    for _ in 0..3 {
        let call = edge.call(request());
        answers(&mut b).await;
        good(call).await;
    }
    tokio::time::advance(SECOND).await;
    let call = edge.call(request());
    answers(&mut a).await;
    good(call).await;
    drop(busy);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_turned_away_tries_every_endpoint_once() {
    let (edge, [mut a, mut b]) = Edge::to();
    edge.breakers.iter().for_each(|breaker| breaker.set_mode(Mode::Disabled));
    for _ in 0..2 {
        let call = edge.call(request()); // the second finds both at rest
        turns_away(&mut a).await;
        turns_away(&mut b).await;
        let error = refused(call).await;
        assert!(error.to_string().contains("2 attempts"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_move_on_to_an_open_circuit() {
    let (edge, [mut a, _b]) = Edge::to();
    edge.breakers[1].acquire().expect("closed").record(crate::Outcome::Failure);
    let call = edge.call(request());
    turns_away(&mut a).await;
    assert!(refused(call).await.is::<NotSent>(), "one attempt");
}

#[tokio::test(start_paused = true)]
async fn a_second_chance_is_taken_elsewhere() {
    let (mut edge, [mut a, mut b]) = Edge::to();
    edge.budget = Budget::new("memory", BudgetConfig::default());
    edge.breakers.iter().for_each(|breaker| breaker.set_mode(Mode::Disabled));
    let busy = edge.call(request());
    let _feeder = streams(&mut a).await;
    let busy = good(busy).await;
    let call = edge.call(with(Idempotent));
    b.next_request().await.expect("sent").1.send_response(trailers_only("14"));
    answers(&mut a).await; // though it is the busy one
    good(call).await;
    drop(busy);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_goes_elsewhere() {
    let (edge, [mut a, mut b]) = Edge::to();
    let call = edge.call(with(Idempotent));
    let _late = a.next_request().await.expect("sent");
    answers(&mut b).await;
    good(call).await;
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_the_first_look_and_fail_at_once_when_it_found_nobody() {
    let (edge, [_a]) = Edge::to();
    let unknown = Edge { endpoints: Endpoints::new(), ..edge };
    let call = unknown.call(request());
    tokio::task::yield_now().await;
    assert!(!call.is_finished());
    unknown.endpoints.set(vec![]);
    let error = refused(call).await;
    let NotSent(cause) = error.downcast_ref().expect("it was not sent");
    assert!(cause.is::<NoEndpoint>());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_gone_gets_no_calls() {
    let (edge, [_a, mut b]) = Edge::to();
    let list = edge.endpoints.get();
    edge.endpoints.set(vec![Arc::clone(&list[1])]);
    let call = edge.call(request());
    answers(&mut b).await;
    good(call).await;
}
