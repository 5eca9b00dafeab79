use std::time::Duration;

use http::Request;
use tokio::time::advance;
use tower::{Layer, ServiceExt};
use tower_test::mock::Mock;

use super::*;
use crate::breaker::{Config, State};
use crate::bulkhead::Rejected;
use crate::classify::GrpcClassifier;
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

/// One call whose answer is `response`; the head as the caller gets it.
async fn call(
    client: &Client,
    endpoint: &mut Endpoint,
    response: Result<Rsp, BoxError>,
) -> Result<<Client as Service<Req>>::Response, BoxError> {
    let reply = async {
        let (_, send) = endpoint.next_request().await.expect("the call is sent");
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
    let open = CircuitOpen { breaker: "models".into(), retry_in: OPEN };
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
