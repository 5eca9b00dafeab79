//! The layers together, in the order of an outbound call.

use std::time::Duration;

use http::Request;
use tokio::time::{Instant, advance};
use tower::{BoxError, ServiceBuilder, ServiceExt};
use tower_test::mock::Mock;

use crate::breaker::{self, State};
use crate::bulkhead::{self, Rejected};
use crate::deadline::{GRPC_TIMEOUT, OutboundLayer, parse_grpc_timeout};
use crate::testing::{Endpoint, Req, Rsp, answer, drain, endpoint};
use crate::{
    AttemptTimedOut, Breaker, BreakerLayer, Bulkhead, BulkheadLayer, CircuitOpen, Deadline, DeadlineExceeded,
    GrpcClassifier, TimeoutLayer,
};

mod cancelled;
mod contract;
mod interleavings;
mod traps;

const DEADLINE: Duration = Duration::from_secs(10);
const MARGIN: Duration = Duration::from_millis(100);
const ATTEMPT: Duration = Duration::from_secs(4);

/// One edge of the mesh with room for one call at a time, whose breaker trips on the first failure.
struct Edge {
    mock: Mock<Req, Rsp>,
    breaker: Breaker,
    bulkhead: Bulkhead,
}

impl Edge {
    fn new() -> (Self, Endpoint) {
        let (mock, endpoint) = endpoint();
        let trips_at_once = breaker::Config { consecutive_failures: 1, ..breaker::Config::internal() };
        let breaker = Breaker::new("memory", trips_at_once);
        let bulkhead = Bulkhead::new("memory", bulkhead::Config { max_in_flight: 1, max_queue: 1 });
        (Self { mock, breaker, bulkhead }, endpoint)
    }

    /// Makes one call and reads the answer to its end.
    async fn call(&self, request: Req) -> Result<(), BoxError> {
        let stack = ServiceBuilder::new()
            .layer(OutboundLayer::new(DEADLINE, MARGIN)) // covers the queue and the body
            .layer(BreakerLayer::new(self.breaker.clone(), GrpcClassifier).above_a_queue()) // sees the timeout below
            .layer(BulkheadLayer::new(self.bulkhead.clone())) // its queue is not the upstream's slowness
            .layer(breaker::SentLayer)
            .layer(TimeoutLayer::new(ATTEMPT))
            .service(self.mock.clone());
        let response = stack.oneshot(request).await?;
        drain(Box::pin(response.into_body())).await
    }

    fn assert_untouched(&self) {
        let snapshot = self.breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.failures), (State::Closed, 0));
        assert_eq!(self.bulkhead.snapshot().in_flight, 0, "every slot is free again");
    }
}

fn within(timeout: Duration) -> Req {
    let mut request = Request::new(());
    request.extensions_mut().insert(Deadline::after(timeout));
    request
}

#[tokio::test(start_paused = true)]
async fn a_call_passes_and_leaves_nothing_behind() {
    let (edge, mut endpoint) = Edge::new();
    let serve = async {
        let (request, send) = endpoint.next_request().await.expect("sent");
        send.send_response(answer("0"));
        parse_grpc_timeout(request.headers()[GRPC_TIMEOUT].to_str().expect("text"))
    };
    let (result, told) = tokio::join!(edge.call(Request::new(())), serve);
    result.expect("whole");
    assert_eq!(told, Some(DEADLINE - MARGIN));
    edge.assert_untouched();
    assert_eq!(edge.breaker.snapshot().successes, 1);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_hangs_opens_the_breaker_and_then_nobody_waits_for_it() {
    let (edge, mut endpoint) = Edge::new();
    let (result, _unanswered) = tokio::join!(edge.call(Request::new(())), endpoint.next_request());
    assert!(result.expect_err("hangs").is::<AttemptTimedOut>());
    let start = Instant::now();
    assert!(edge.call(Request::new(())).await.expect_err("refused").is::<CircuitOpen>());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_short_deadline_says_nothing_about_the_upstream() {
    let (edge, mut endpoint) = Edge::new();
    let (result, _unanswered) =
        tokio::join!(edge.call(within(Duration::from_secs(1))), endpoint.next_request());
    assert!(result.expect_err("too late").is::<DeadlineExceeded>());
    edge.assert_untouched();
}

#[tokio::test(start_paused = true)]
async fn a_full_bulkhead_does_not_open_the_breaker() {
    let (edge, _endpoint) = Edge::new();
    let held = edge.bulkhead.try_acquire().expect("free");
    let waiting = edge.call(within(DEADLINE));
    let turned_away = async { edge.call(Request::new(())).await };
    let (waiting, turned_away) = tokio::join!(waiting, turned_away);
    assert!(matches!(turned_away.expect_err("full").downcast_ref(), Some(Rejected::Full { .. })));
    assert!(waiting.is_err(), "its deadline passed in the queue");
    drop(held);
    edge.assert_untouched();
}
