use std::time::Duration;

use http::Request;
use tokio::time::advance;
use tower::{Layer, ServiceExt};
use tower_test::mock::{Mock, SendResponse};

use super::*;
use crate::breaker::{Config, SentLayer, State};
use crate::bulkhead::{self, Bulkhead, BulkheadLayer, Rejected};
use crate::classify::{GrpcClassifier, HttpClassifier};
use crate::deadline::DeadlineExceeded;
use crate::testing::{Endpoint, Req, Rsp, answer, drain, endpoint, next, streaming, trailers_only};
use crate::timeout::AttemptTimedOut;

const OPEN: Duration = Duration::from_secs(60);

type Client = BreakerService<Mock<Req, Rsp>, GrpcClassifier>;

/// A breaker that trips on the first failure, around a mock.
fn client() -> (Client, Endpoint, Breaker) {
    let config = Config { consecutive_failures: 1, jitter: 0.0, ..Config::internal() };
    let breaker = Breaker::new("memory", config);
    let (mock, endpoint) = endpoint();
    (BreakerLayer::new(breaker.clone(), GrpcClassifier).layer(mock), endpoint, breaker)
}

/// The call at the other end. Time passes only when nobody has anything to do, so a call that was never sent is noticed.
async fn sent(endpoint: &mut Endpoint) -> (Req, SendResponse<Rsp>) {
    let request = tokio::time::timeout(OPEN * 1000, endpoint.next_request()).await;
    request.expect("the call is sent").expect("the client is there")
}

/// One call whose answer is `response`; the head as the caller gets it.
async fn call(
    client: &Client,
    endpoint: &mut Endpoint,
    response: Result<Rsp, BoxError>,
) -> Result<<Client as Service<Req>>::Response, BoxError> {
    let reply = async {
        let (_, send) = sent(endpoint).await;
        match response {
            Ok(response) => send.send_response(response),
            Err(error) => send.send_error(error),
        }
    };
    tokio::join!(client.clone().oneshot(Request::new(())), reply).0
}

/// One call, read to the end; the state it leaves behind.
async fn state_after(response: Result<Rsp, BoxError>) -> State {
    let (client, mut endpoint, breaker) = client();
    if let Ok(response) = call(&client, &mut endpoint, response).await {
        let _ = drain(response.into_body()).await;
    }
    breaker.snapshot().state
}

async fn refused(client: &Client) -> bool {
    let error = client.clone().oneshot(Request::new(())).await.expect_err("nobody answers");
    error.is::<CircuitOpen>()
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_is_an_ok_response_with_a_status() {
    assert_eq!(state_after(Ok(trailers_only("14"))).await, State::Open, "in the head");
    assert_eq!(state_after(Ok(answer("14"))).await, State::Open, "in the trailers");
    assert_eq!(state_after(Ok(answer("0"))).await, State::Closed);
    assert_eq!(state_after(Ok(answer("5"))).await, State::Closed, "NOT_FOUND is a healthy answer");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_or_ends_without_a_status_is_a_failure() {
    let (feeder, response) = streaming();
    feeder.data();
    feeder.fail("connection reset");
    assert_eq!(state_after(Ok(response)).await, State::Open);

    let (feeder, response) = streaming();
    feeder.data();
    drop(feeder);
    assert_eq!(state_after(Ok(response)).await, State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_connection_error_and_our_attempt_timeout_are_failures() {
    assert_eq!(state_after(Err("connection refused".into())).await, State::Open);
    assert_eq!(state_after(Err(AttemptTimedOut { after: OPEN }.into())).await, State::Open);
}

#[tokio::test(start_paused = true)]
async fn our_own_refusals_are_invisible() {
    let full = Rejected::Full { bulkhead: "memory".into(), max_in_flight: 1, max_queue: 0 };
    let expired = Rejected::Expired { bulkhead: "memory".into() };
    let deadline = DeadlineExceeded { given: OPEN };
    let open = CircuitOpen { breaker: "models".into(), retry_in: OPEN, forced: false };
    let errors: [BoxError; 4] = [full.into(), expired.into(), deadline.into(), open.into()];
    for error in errors {
        let text = error.to_string();
        let (client, mut endpoint, breaker) = client();
        call(&client, &mut endpoint, Err(error)).await.expect_err("passed on");
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.failures, snapshot.successes), (State::Closed, 0, 0), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_open_a_call_is_refused_unsent() {
    let (client, mut endpoint, _) = client();
    let _ = call(&client, &mut endpoint, Err("connection refused".into())).await;
    assert!(refused(&client).await);
    assert!(tokio::time::timeout(OPEN / 2, endpoint.next_request()).await.is_err(), "nothing was sent");
}

#[tokio::test(start_paused = true)]
async fn the_verdict_on_a_stream_comes_at_its_end() {
    let (client, mut endpoint, breaker) = client();
    let _ = call(&client, &mut endpoint, Err("connection refused".into())).await;
    advance(OPEN).await;

    let (feeder, response) = streaming();
    let mut body = call(&client, &mut endpoint, Ok(response)).await.expect("the probe").into_body();
    feeder.data();
    next(&mut body).await.expect("a frame").expect("data");
    assert!(refused(&client).await, "the head and a message decide nothing");
    feeder.trailers("0");
    next(&mut body).await.expect("a frame").expect("trailers");
    assert_eq!(breaker.snapshot().state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_gives_the_probes_turn_back() {
    let (client, mut endpoint, breaker) = client();
    let _ = call(&client, &mut endpoint, Err("connection refused".into())).await;
    advance(OPEN).await;

    let waiting =
        tokio::time::timeout(Duration::from_secs(1), client.clone().oneshot(Request::new(()))).await;
    assert!(waiting.is_err(), "gave up before the head");
    let (_, unanswered) = endpoint.next_request().await.expect("the probe that was given up");
    drop(unanswered);

    let (_feeder, response) = streaming();
    drop(call(&client, &mut endpoint, Ok(response)).await.expect("the next probe")); // gave up before the end
    assert_eq!(breaker.snapshot().state, State::HalfOpen);

    let body = call(&client, &mut endpoint, Ok(answer("0"))).await.expect("the third").into_body();
    drain(body).await.expect("whole");
    assert_eq!(breaker.snapshot().state, State::Closed);
}

// === slowness ===

const SLOW: Duration = Duration::from_secs(5);

/// A client whose breaker trips on the first slow call.
fn impatient() -> (Client, Endpoint, Breaker) {
    let config = Config { min_calls: 1, slow_call: SLOW, jitter: 0.0, ..Config::internal() };
    let breaker = Breaker::new("memory", config);
    let (mock, endpoint) = endpoint();
    (BreakerLayer::new(breaker.clone(), GrpcClassifier).layer(mock), endpoint, breaker)
}

/// One call whose answer comes after `wait`.
async fn call_after(wait: Duration, client: &Client, endpoint: &mut Endpoint, response: Rsp) {
    let reply = async {
        let (_, send) = sent(endpoint).await;
        advance(wait).await;
        send.send_response(response);
    };
    let (response, ()) = tokio::join!(client.clone().oneshot(Request::new(())), reply);
    drain(response.expect("a head").into_body()).await.expect("whole");
}

#[tokio::test(start_paused = true)]
async fn a_call_is_slow_by_the_time_to_its_head() {
    let (client, mut endpoint, breaker) = impatient();
    call_after(SLOW - Duration::from_millis(1), &client, &mut endpoint, answer("0")).await;
    assert_eq!((breaker.snapshot().state, breaker.snapshot().slow), (State::Closed, 0));
    call_after(SLOW, &client, &mut endpoint, answer("0")).await;
    assert_eq!((breaker.snapshot().state, breaker.snapshot().slow), (State::Open, 1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_only_a_head_is_slow_too() {
    let (client, mut endpoint, breaker) = impatient();
    call_after(SLOW, &client, &mut endpoint, trailers_only("0")).await;
    assert_eq!(breaker.snapshot().slow, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_last_longer_than_a_slow_call() {
    let (client, mut endpoint, breaker) = impatient();
    for ends in [true, false] {
        let (feeder, response) = streaming();
        let mut body = call(&client, &mut endpoint, Ok(response)).await.expect("a head").into_body();
        advance(SLOW * 10).await;
        feeder.trailers("0");
        if ends {
            next(&mut body).await.expect("a frame").expect("trailers");
        }
        drop(body);
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.slow, snapshot.successes), (State::Closed, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_left_is_slow_only_if_the_call_had_lasted_too_long() {
    for (patience, slow) in [(SLOW - Duration::from_millis(2), 0), (SLOW, 1)] {
        let (client, mut endpoint, breaker) = impatient();
        let leaving = tokio::time::timeout(patience, client.clone().oneshot(Request::new(())));
        let (left, _unanswered) = tokio::join!(leaving, endpoint.next_request());
        assert!(left.is_err());
        assert_eq!(breaker.snapshot().slow, slow, "{patience:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_own_deadline_ran_out_is_slow_and_one_we_refused_is_not() {
    let deadline: BoxError = DeadlineExceeded { given: SLOW }.into();
    let expired: BoxError = Rejected::Expired { bulkhead: "memory".into() }.into();
    for (error, slow) in [(deadline, 1), (expired, 0)] {
        let (client, mut endpoint, breaker) = impatient();
        let reply = async {
            let (_, send) = sent(&mut endpoint).await;
            advance(SLOW).await;
            send.send_error(error);
        };
        let (result, ()) = tokio::join!(client.clone().oneshot(Request::new(())), reply);
        result.expect_err("passed on");
        assert_eq!(breaker.snapshot().slow, slow);
    }
}

#[tokio::test(start_paused = true)]
async fn time_in_our_own_queue_is_not_the_peers_slowness() {
    let (inner, mut handle) = endpoint();
    let config = Config { min_calls: 1, slow_call: SLOW, ..Config::internal() };
    let breaker = Breaker::new("memory", config);
    let bulkhead = Bulkhead::new("memory", bulkhead::Config { max_in_flight: 1, max_queue: 1 });
    let stack = tower::ServiceBuilder::new()
        .layer(BreakerLayer::new(breaker.clone(), GrpcClassifier).above_a_queue())
        .layer(BulkheadLayer::new(bulkhead.clone()))
        .layer(SentLayer)
        .service(inner);
    let held = bulkhead.try_acquire().expect("free");

    let waiting = tokio::time::timeout(SLOW * 2, stack.clone().oneshot(Request::new(()))).await;
    assert!(waiting.is_err(), "gave up in the queue");
    assert_eq!(breaker.snapshot().slow, 0, "never sent, never slow");

    let serve = async {
        advance(SLOW * 2).await;
        drop(held);
        let (_, send) = handle.next_request().await.expect("sent");
        send.send_response(answer("0"));
    };
    let (response, ()) = tokio::join!(stack.clone().oneshot(Request::new(())), serve);
    drain(Box::pin(response.expect("a head").into_body())).await.expect("whole");
    assert_eq!(breaker.snapshot().slow, 0, "answered as soon as it was sent");

    let leaving = tokio::time::timeout(SLOW, stack.oneshot(Request::new(())));
    let (_, _unanswered) = tokio::join!(leaving, handle.next_request());
    assert_eq!(breaker.snapshot().slow, 1, "sent, and left hanging");
}

// === long streams as probes ===

/// A client in need of a probe.
async fn in_need_of_a_probe() -> (Client, Endpoint, Breaker) {
    let (client, mut endpoint, breaker) = client();
    let _ = call(&client, &mut endpoint, Err("connection refused".into())).await;
    advance(OPEN).await;
    (client, endpoint, breaker)
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_brought_a_message_and_goes_on_has_proved_the_peer() {
    for waits in [true, false] {
        let (client, mut endpoint, breaker) = in_need_of_a_probe().await;
        let (feeder, response) = streaming();
        let mut body = call(&client, &mut endpoint, Ok(response)).await.expect("the probe").into_body();
        feeder.data();
        next(&mut body).await.expect("a frame").expect("data");
        assert_eq!(breaker.snapshot().state, State::HalfOpen, "its status may come next");
        if waits {
            assert!(tokio::time::timeout(Duration::ZERO, next(&mut body)).await.is_err());
        } else {
            feeder.data();
            next(&mut body).await.expect("a frame").expect("data");
        }
        assert_eq!(breaker.snapshot().state, State::Closed);
        feeder.fail("connection reset");
        next(&mut body).await.expect("a frame").expect_err("broken");
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.failures), (State::Closed, 1), "it has had its say");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_message_is_followed_by_a_bad_status_has_failed() {
    let (client, mut endpoint, breaker) = in_need_of_a_probe().await;
    let body = call(&client, &mut endpoint, Ok(answer("14"))).await.expect("the probe").into_body();
    drain(body).await.expect("whole");
    assert_eq!(breaker.snapshot().state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_is_no_lost_probe() {
    let (client, mut endpoint, breaker) = in_need_of_a_probe().await;
    let (_feeder, response) = streaming();
    let _body = call(&client, &mut endpoint, Ok(response)).await.expect("the probe").into_body();
    advance(Config::internal().probe_lease).await;
    assert_eq!(breaker.snapshot().state, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn where_heads_are_proof_a_quiet_stream_passes_as_a_probe_at_once() {
    let (mock, mut endpoint) = endpoint();
    let config = Config { consecutive_failures: 1, jitter: 0.0, ..Config::internal() };
    let breaker = Breaker::new("models", config);
    let client = BreakerLayer::new(breaker.clone(), GrpcClassifier).probed_by_heads().layer(mock);
    let _ = call(&client, &mut endpoint, Err("connection refused".into())).await;
    advance(OPEN).await;
    let (feeder, response) = streaming();
    let mut body = call(&client, &mut endpoint, Ok(response)).await.expect("the probe").into_body();
    assert_eq!(breaker.snapshot().state, State::Closed);
    feeder.fail("connection reset");
    next(&mut body).await.expect("a frame").expect_err("broken");
    assert_eq!(breaker.snapshot().state, State::Closed, "it has had its say");

    advance(Config::internal().ramp).await; // all calls are let through again
    let (feeder, response) = streaming();
    let mut body = call(&client, &mut endpoint, Ok(response)).await.expect("no probe").into_body();
    feeder.fail("connection reset");
    next(&mut body).await.expect("a frame").expect_err("broken");
    assert_eq!(breaker.snapshot().state, State::Open, "no probe is judged by its end");
}

// === switched off ===

#[tokio::test(start_paused = true)]
async fn a_call_with_the_breaker_switched_off_is_neither_refused_nor_judged() {
    let (client, mut endpoint, breaker) = client();
    let _ = call(&client, &mut endpoint, Err("connection refused".into())).await;
    let before = breaker.snapshot();
    assert_eq!(before.state, State::Open);

    for status in ["0", "14"] {
        let mut request = Request::new(());
        request.extensions_mut().insert(Switches { breaker: false, ..Switches::default() });
        let reply = async {
            let (_, send) = sent(&mut endpoint).await;
            send.send_response(answer(status));
        };
        let (response, ()) = tokio::join!(client.clone().oneshot(request), reply);
        drain(response.expect("a head").into_body()).await.expect("whole");
    }
    assert_eq!(breaker.snapshot(), before);
}

/// A breaker over an HTTP server, which leaves the judgement of a success to its reader.
fn judged() -> (BreakerService<Mock<Req, Rsp>, HttpClassifier>, Endpoint, Breaker) {
    let config = Config { consecutive_failures: 1, jitter: 0.0, ..Config::provider() };
    let breaker = Breaker::new("openai", config);
    let (mock, endpoint) = endpoint();
    let layer = BreakerLayer::new(breaker.clone(), HttpClassifier).judged_by_its_reader();
    (layer.layer(mock), endpoint, breaker)
}

/// The head of a success over [`judged`], and whoever feeds its body.
async fn success(
    client: &BreakerService<Mock<Req, Rsp>, HttpClassifier>,
    endpoint: &mut Endpoint,
) -> (Response<impl Body<Error = BoxError> + Unpin + use<>>, crate::testing::Feeder) {
    let (feeder, response) = streaming();
    let reply = async { sent(endpoint).await.1.send_response(response) };
    (tokio::join!(client.clone().oneshot(Request::new(())), reply).0.expect("a head"), feeder)
}

#[tokio::test(start_paused = true)]
async fn who_reads_a_success_overrules_its_head_even_after_its_end() {
    let (client, mut endpoint, breaker) = judged();
    let (response, feeder) = success(&client, &mut endpoint).await;
    let permit = response.extensions().get::<Judge>().expect("offered").take().expect("not taken yet");
    feeder.data();
    drop(feeder);
    drain(response.into_body()).await.expect("whole");
    assert_eq!(
        (breaker.snapshot().successes, breaker.snapshot().failures),
        (0, 0),
        "the reader has not spoken"
    );
    permit.record(Outcome::Failure); // HTML
    assert_eq!(breaker.snapshot().state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_success_that_nobody_judges_is_judged_by_its_end() {
    let (client, mut endpoint, breaker) = judged();
    let (response, feeder) = success(&client, &mut endpoint).await;
    let judge = response.extensions().get::<Judge>().expect("offered").clone();
    feeder.data();
    drop(feeder);
    drain(response.into_body()).await.expect("whole");
    assert_eq!(breaker.snapshot().successes, 1);
    assert!(judge.take().is_none(), "too late");

    let (response, feeder) = success(&client, &mut endpoint).await;
    feeder.fail("connection reset");
    drain(response.into_body()).await.expect_err("broken");
    assert_eq!(breaker.snapshot().state, State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_leaves_says_nothing() {
    let (client, mut endpoint, breaker) = judged();
    let (response, _feeder) = success(&client, &mut endpoint).await;
    drop(response);
    let (response, _feeder) = success(&client, &mut endpoint).await;
    drop(response.extensions().get::<Judge>().expect("offered").take());
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.successes, snapshot.failures, snapshot.state), (0, 0, State::Closed));
}
