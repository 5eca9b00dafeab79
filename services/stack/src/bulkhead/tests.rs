use std::time::Duration;

use http::Request;
use tokio::task::yield_now;
use tokio::time::advance;
use tower::{BoxError, Layer, ServiceExt};

use super::*;
use crate::testing::{drain, endpoint, next, streaming};

const WAIT: Duration = Duration::from_secs(1);

fn bulkhead(max_in_flight: usize, max_queue: usize) -> Bulkhead {
    Bulkhead::new("openai", Config { max_in_flight, max_queue })
}

/// A task that waits for a slot, already in the queue.
async fn waiter(bulkhead: &Bulkhead) -> tokio::task::JoinHandle<Result<Permit, Rejected>> {
    let queued = bulkhead.snapshot().queued;
    let bulkhead = bulkhead.clone();
    let task = tokio::spawn({
        let bulkhead = bulkhead.clone();
        async move { bulkhead.acquire(None).await }
    });
    while bulkhead.snapshot().queued == queued {
        yield_now().await;
    }
    task
}

#[tokio::test(start_paused = true)]
async fn slots_and_queue_are_bounded() {
    let bulkhead = bulkhead(2, 1);
    let _held = (bulkhead.acquire(None).await.expect("free"), bulkhead.try_acquire().expect("free"));
    let _waiting = waiter(&bulkhead).await;
    let full = Rejected::Full { bulkhead: "openai".into(), max_in_flight: 2, max_queue: 1 };
    assert_eq!(bulkhead.acquire(None).await.err(), Some(full.clone()));
    assert_eq!(bulkhead.try_acquire().err(), Some(full));
    let expected = Snapshot {
        name: "openai".into(),
        in_flight: 2,
        queued: 1,
        max_in_flight: 2,
        max_queue: 1,
        rejected_total: 2,
    };
    assert_eq!(bulkhead.snapshot(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_queue_is_first_in_first_out_and_nobody_overtakes_it() {
    let bulkhead = bulkhead(1, 2);
    let held = bulkhead.try_acquire().expect("free");
    let (first, second) = (waiter(&bulkhead).await, waiter(&bulkhead).await);
    drop(held);
    assert!(bulkhead.try_acquire().is_err(), "the slot belongs to the first in the queue");
    let permit = first.await.expect("no panic").expect("its turn");
    assert!(!second.is_finished());
    drop(permit);
    second.await.expect("no panic").expect("its turn");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_away_leaves_its_place() {
    let bulkhead = bulkhead(1, 1);
    let held = bulkhead.try_acquire().expect("free");
    let gone = waiter(&bulkhead).await;
    gone.abort();
    assert!(gone.await.expect_err("aborted").is_cancelled());
    assert_eq!(bulkhead.snapshot().queued, 0);
    let next = waiter(&bulkhead).await;
    drop(held);
    next.await.expect("no panic").expect("its turn");
    assert_eq!(bulkhead.snapshot().in_flight, 0, "nothing leaked");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_away_with_its_turn_hands_it_on() {
    let bulkhead = bulkhead(1, 2);
    let held = bulkhead.try_acquire().expect("free");
    let (gone, next) = (waiter(&bulkhead).await, waiter(&bulkhead).await);
    drop(held); // the slot is now the first waiter's, which has not run yet
    gone.abort();
    next.await.expect("no panic").expect("its turn");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_deadline() {
    let bulkhead = bulkhead(1, 1);
    let held = bulkhead.try_acquire().expect("free");
    let expired = Some(Rejected::Expired { bulkhead: "openai".into() });
    let start = Instant::now();
    assert_eq!(bulkhead.acquire(Some(Deadline::after(WAIT))).await.err(), expired);
    assert_eq!(start.elapsed().as_secs(), WAIT.as_secs());
    assert_eq!(bulkhead.snapshot().queued, 0);

    drop(held);
    let past = Deadline::at(Instant::now());
    assert_eq!(bulkhead.acquire(Some(past)).await.err(), expired, "even with a free slot");
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_comes_after_the_deadline_is_not_taken() {
    let bulkhead = bulkhead(1, 1);
    let held = bulkhead.try_acquire().expect("free");
    let mut late = queued(bulkhead.acquire(Some(Deadline::after(WAIT)))).await;
    drop(held);
    advance(WAIT).await; // both at once
    assert!(matches!(late.as_mut().await, Err(Rejected::Expired { .. })));
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

/// Polls once, so that the future stands in the queue.
async fn queued<F: Future>(future: F) -> std::pin::Pin<Box<F>> {
    let mut future = Box::pin(future);
    std::future::poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    future
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_without_slots_is_one_with_a_single_slot() {
    assert!(bulkhead(0, 0).try_acquire().is_ok());
}

// === the layer ===

#[tokio::test(start_paused = true)]
async fn the_slot_is_held_until_the_body_has_ended() {
    let bulkhead = bulkhead(1, 0);
    let (mock, mut endpoint) = endpoint();
    let service = BulkheadLayer::new(bulkhead.clone()).layer(mock);
    let call = tokio::spawn(service.oneshot(Request::new(())));
    let (_, send) = endpoint.next_request().await.expect("sent");
    let (feeder, response) = streaming();
    send.send_response(response);
    let mut body = call.await.expect("no panic").expect("a head").into_body();
    feeder.data();
    next(&mut body).await.expect("a frame").expect("data");
    assert_eq!(bulkhead.snapshot().in_flight, 1, "the stream goes on");
    feeder.trailers("0");
    next(&mut body).await.expect("a frame").expect("trailers");
    assert_eq!(bulkhead.snapshot().in_flight, 0, "free although the body is not dropped yet");
}

#[tokio::test(start_paused = true)]
async fn a_body_or_a_call_that_is_dropped_frees_the_slot() {
    let bulkhead = bulkhead(1, 0);
    let (mock, mut endpoint) = endpoint();
    let service = BulkheadLayer::new(bulkhead.clone()).layer(mock);
    let call = tokio::spawn(service.clone().oneshot(Request::new(())));
    let (_, send) = endpoint.next_request().await.expect("sent");
    let (_feeder, response) = streaming();
    send.send_response(response);
    let response = call.await.expect("no panic").expect("a head");
    assert_eq!(bulkhead.snapshot().in_flight, 1);
    drop(response);
    assert_eq!(bulkhead.snapshot().in_flight, 0);

    let call = tokio::spawn(service.oneshot(Request::new(())));
    let _unanswered = endpoint.next_request().await.expect("sent");
    assert_eq!(bulkhead.snapshot().in_flight, 1);
    call.abort();
    let _ = call.await;
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn readiness_takes_no_slot() {
    let bulkhead = bulkhead(1, 0);
    let (mock, _endpoint) = endpoint();
    let mut idle = BulkheadLayer::new(bulkhead.clone()).layer(mock);
    ServiceExt::<Request<()>>::ready(&mut idle).await.expect("ready");
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_queued_call_is_sent_when_its_turn_comes_and_never_after_its_deadline() {
    let bulkhead = bulkhead(1, 2);
    let (mock, mut endpoint) = endpoint();
    let service = BulkheadLayer::new(bulkhead.clone()).layer(mock);
    let held = bulkhead.try_acquire().expect("free");

    let patient = tokio::spawn(service.clone().oneshot(Request::new(())));
    let mut hasty = Request::new(());
    hasty.extensions_mut().insert(Deadline::after(WAIT));
    let error: BoxError = service.oneshot(hasty).await.expect_err("its deadline passes in the queue");
    assert!(matches!(error.downcast_ref(), Some(Rejected::Expired { .. })));

    drop(held);
    let (_, send) = endpoint.next_request().await.expect("the patient one");
    let (feeder, response) = streaming();
    send.send_response(response);
    drop(feeder);
    drain(patient.await.expect("no panic").expect("a head").into_body()).await.expect("whole");
    drop(endpoint);
    assert_eq!(bulkhead.snapshot().in_flight, 0);
}
