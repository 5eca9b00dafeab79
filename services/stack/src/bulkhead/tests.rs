use std::time::Duration;

use http::Request;
use tokio::task::yield_now;
use tokio::time::advance;
use tower::{BoxError, Layer, ServiceExt};

use super::*;
use crate::switches::Switches;
use crate::testing::{answer, drain, endpoint, next, streaming};

mod sequences;

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

#[tokio::test(start_paused = true)]
async fn a_call_whose_switches_leave_the_bulkhead_out_takes_no_slot() {
    let bulkhead = bulkhead(1, 0);
    let (mock, mut endpoint) = endpoint();
    let held = bulkhead.try_acquire().expect("free");
    let mut request = Request::new(());
    request.extensions_mut().insert(Switches { bulkhead: false, ..Switches::default() });
    let call = tokio::spawn(BulkheadLayer::new(bulkhead.clone()).layer(mock).oneshot(request));
    let (_, send) = endpoint.next_request().await.expect("sent although the bulkhead is full");
    send.send_response(answer("0"));
    let response = call.await.expect("no panic").expect("a head");
    drop(held);
    assert_eq!(bulkhead.snapshot().in_flight, 0, "its body holds no slot either");
    drain(response.into_body()).await.expect("whole");
    assert_eq!(bulkhead.snapshot().rejected_total, 0);
}

// === the queue under overload ===

#[tokio::test(start_paused = true)]
async fn under_overload_the_newest_goes_first() {
    let bulkhead = bulkhead(1, 4);
    let held = bulkhead.try_acquire().expect("free");
    let (oldest, _second) = (waiter(&bulkhead).await, waiter(&bulkhead).await);
    let newest = waiter(&bulkhead).await;
    drop(held);
    let _permit = newest.await.expect("no panic").expect("its turn");
    assert!(!oldest.is_finished());
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_was_passed_over_because_it_expired_hears_of_it() {
    let bulkhead = bulkhead(1, 2);
    let held = bulkhead.try_acquire().expect("free");
    let mut late = queued(bulkhead.acquire(Some(Deadline::after(WAIT)))).await;
    let mut next = queued(bulkhead.acquire(None)).await;
    advance(WAIT).await;
    drop(held);
    assert!(matches!(late.as_mut().await, Err(Rejected::Expired { .. })));
    let _permit = next.as_mut().await.expect("its turn");
    assert_eq!((bulkhead.snapshot().in_flight, bulkhead.snapshot().queued), (1, 0));
}

/// What one caller of the crowd does: after how many polls of the others it arrives, how long it is willing to wait,
/// how long it works, and after how long it goes away, whatever it is doing.
type Caller = (u64, Option<u64>, u64, Option<u64>);

async fn crowd(callers: Vec<Caller>) {
    let bulkhead = bulkhead(2, 6);
    let busy = Arc::new(AtomicU64::new(0));
    let tasks =
        callers.into_iter().map(|caller| tokio::spawn(visit(bulkhead.clone(), Arc::clone(&busy), caller)));
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    let after = bulkhead.snapshot();
    assert_eq!((after.in_flight, after.queued), (0, 0), "nothing leaked");
    assert!(bulkhead.try_acquire().is_ok());
}

async fn visit(bulkhead: Bulkhead, busy: Arc<AtomicU64>, (arrives, patience, works, leaves): Caller) {
    let ms = Duration::from_millis;
    tokio::time::sleep(ms(arrives)).await;
    let work = async {
        let deadline = patience.map(|patience| Deadline::after(ms(patience)));
        let Ok(_permit) = bulkhead.acquire(deadline).await else { return };
        let _working = Working::start(&busy);
        tokio::time::sleep(ms(works)).await;
    };
    // A minute is more than the whole crowd can take: whoever still waits then was forgotten.
    match leaves {
        Some(leaves) => drop(tokio::time::timeout(ms(leaves), work).await),
        None => tokio::time::timeout(Duration::from_secs(60), work).await.expect("nobody waits for ever"),
    }
}

/// Counts those that work, and fails when they are more than there are slots.
struct Working<'a>(&'a AtomicU64);

impl<'a> Working<'a> {
    fn start(busy: &'a AtomicU64) -> Self {
        assert!(busy.fetch_add(1, Relaxed) < 2, "more in flight than slots");
        Self(busy)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

proptest::proptest! {
    #[test]
    fn a_crowd_that_comes_and_goes_at_random_leaves_every_slot_free_and_nobody_waiting(
        callers in proptest::collection::vec(
            (0u64..40, proptest::option::of(0u64..60), 0u64..30, proptest::option::of(0u64..40)), 1..40,
        ),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(crowd(callers));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_many_threads_no_turn_is_lost() {
    let bulkhead = bulkhead(2, 64);
    let tasks = (0..64).map(|n| {
        let bulkhead = bulkhead.clone();
        tokio::spawn(async move {
            for round in 0..200 {
                let turn = bulkhead.acquire(None);
                if (n + round) % 3 == 0 {
                    let _ = tokio::time::timeout(Duration::ZERO, turn).await; // comes, looks and goes
                } else {
                    let _permit = turn.await.expect("64 places for 64 callers");
                    yield_now().await;
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    assert_eq!((bulkhead.snapshot().in_flight, bulkhead.snapshot().queued), (0, 0));
}
