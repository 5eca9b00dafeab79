//! The known traps of resilience in an RPC mesh, one test each, named after the trap. Those about the layers are here;
//! those about sockets, servers and tonic are in `bsm-runtime`, the provider's is in `bsm-models`.
//!
//! | trap | test |
//! |---|---|
//! | 1: tonic reports its own timeout as CANCELLED, and a deadline has to be handed on | `runtime/src/tests/traps.rs`: `trap_01_…` |
//! | 2: a timeout on the head does not cover a streaming body | here: `trap_02_…` |
//! | 3: a failed RPC is `Ok(response)` with a status | here: `trap_03_…` |
//! | 4: readiness is driven for each attempt, and never of a clone | `retry/tests.rs`: `trap_04_…`; every layer in `contract.rs` |
//! | 5: a permit taken in `poll_ready` is held by idle connections, a limit per connection is none | here: `trap_05_…` |
//! | 6: the wait in a queue counts towards the deadline, not as slowness | here: `trap_06_…` |
//! | 7: a dropped connection drops the handler | `runtime/src/tests/traps.rs`: `trap_07_…` |
//! | 8: a lazy connection through a restart | `runtime/src/tests/traps.rs`: `trap_08_…` |
//! | 9: a quiet peer holds a graceful end open | `runtime/src/tests/traps.rs`: `trap_09_…` |
//! | 10: small frames wait for acknowledgements | `runtime/src/tests/traps.rs`: `trap_10_…` |
//! | 11: a health watch on an unknown name | `runtime/src/tests/traps.rs`: `trap_11_…` |
//! | 12: header timeouts without a timer | `runtime/src/tests/traps.rs`: `trap_12_…` |
//! | 13: what providers do to their callers | `models/src/gateway/tests/traps.rs`: `trap_13_…` |

use tower::Layer;
use tower::load_shed::LoadShed;

use super::*;
use crate::testing::{streaming, trailers_only};

#[tokio::test(start_paused = true)]
async fn trap_02_the_deadline_ends_a_body_that_hangs_after_its_head_and_first_message() {
    let (edge, mut endpoint) = Edge::new();
    let start = Instant::now();
    let serve = async {
        let (_, send) = endpoint.next_request().await.expect("sent");
        let (feeder, response) = streaming();
        send.send_response(response);
        feeder.data();
        feeder // and then nothing more
    };
    let (result, feeder) = tokio::join!(edge.call(Request::new(())), serve);
    assert!(result.expect_err("the body hangs").is::<DeadlineExceeded>());
    assert_eq!(start.elapsed(), DEADLINE, "the attempt's timeout is long over, the deadline is not");
    assert!(feeder.abandoned(), "its source is let go");
    edge.assert_untouched();
}

#[tokio::test(start_paused = true)]
async fn trap_03_a_failed_rpc_is_an_ok_response_and_opens_the_breaker() {
    for (status, state) in [("5", State::Closed), ("14", State::Open)] {
        for answer in [answer, trailers_only] {
            let (edge, mut endpoint) = Edge::new();
            let serve = async {
                let (_, send) = endpoint.next_request().await.expect("sent");
                send.send_response(answer(status));
            };
            let (result, ()) = tokio::join!(edge.call(Request::new(())), serve);
            result.expect("for HTTP all went well");
            assert_eq!(edge.breaker.snapshot().state, state, "grpc-status {status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn trap_05_idle_connections_hold_no_slot_and_all_connections_share_the_slots() {
    let bulkhead = Bulkhead::new("memory", bulkhead::Config { max_in_flight: 2, max_queue: 0 });
    let (mock, mut endpoint) = endpoint();
    let connection = || LoadShed::new(BulkheadLayer::new(bulkhead.clone()).layer(mock.clone()));
    let mut idle: Vec<_> = (0..10).map(|_| connection()).collect();
    for connection in &mut idle {
        ServiceExt::<Req>::ready(connection).await.expect("ready, and then silent");
    }
    assert_eq!(bulkhead.snapshot().in_flight, 0);

    let answers =
        [connection(), connection()].map(|connection| tokio::spawn(connection.oneshot(Request::new(()))));
    let (first, second) = (endpoint.next_request().await, endpoint.next_request().await);
    let error = connection().oneshot(Request::new(())).await.expect_err("two connections have the two slots");
    assert!(matches!(error.downcast_ref(), Some(Rejected::Full { .. })), "no false shedding: {error}");
    let (_feeder, response) = streaming();
    first.expect("sent").1.send_response(response);
    second.expect("sent").1.send_response(answer("0"));
    let [streams, ended] = answers;
    let _streams = streams.await.expect("no panic").expect("a head");
    drain(ended.await.expect("no panic").expect("a head").into_body()).await.expect("whole");
    assert_eq!(bulkhead.snapshot().in_flight, 1, "a stream has its slot beyond its head");
}

#[tokio::test(start_paused = true)]
async fn trap_06_the_wait_in_the_queue_counts_towards_the_deadline_and_not_as_slowness() {
    let (edge, mut endpoint) = Edge::new();
    let held = edge.bulkhead.try_acquire().expect("free");
    let serve = async {
        advance(ATTEMPT * 2).await; // longer than an attempt may take
        drop(held);
        let (request, send) = endpoint.next_request().await.expect("sent");
        send.send_response(answer("0"));
        request.extensions().get::<Deadline>().expect("told").remaining(Instant::now())
    };
    let (result, left) = tokio::join!(edge.call(Request::new(())), serve);
    result.expect("the attempt began when its turn came");
    assert_eq!(left, DEADLINE - ATTEMPT * 2, "the wait was the caller's time");
    edge.assert_untouched();

    let held = edge.bulkhead.try_acquire().expect("free");
    let expired = edge.call(within(ATTEMPT)).await.expect_err("its deadline passes in the queue");
    assert!(matches!(expired.downcast_ref(), Some(Rejected::Expired { .. })), "{expired}");
    drop(held);
    assert!(endpoint.poll_request().is_pending(), "expired work does not start");
    edge.assert_untouched();
    assert_eq!(edge.breaker.snapshot().slow, 0);
}
