use std::sync::Arc;

use http::Request;
use proptest::prelude::*;
use tower::{BoxError, Layer, ServiceExt};

use super::*;
use crate::DeadlineExceeded;
use crate::testing::{Endpoint, Req, Rsp, answer, endpoint, next, streaming, trailers_only};

/// A limit that stays at `limit`.
fn fixed(limit: usize) -> Limiter {
    Limiter::new("memory inbound", Config { initial: limit, min: limit, max: limit, ..Config::default() })
}

fn health(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.Health/")
}

fn request(path: &'static str, priority: Priority) -> Req {
    let mut request = Request::builder().uri(path).body(()).expect("a request");
    request.extensions_mut().insert(priority);
    request
}

/// Sends a call that is let in, answers it, and hands its response over.
async fn admitted(
    layer: &ConcurrencyLayer,
    endpoint: &mut Endpoint,
    mock: &tower_test::mock::Mock<Req, Rsp>,
    response: Rsp,
) -> Result<http::Response<GuardedFeed>, BoxError> {
    let call = tokio::spawn(layer.layer(mock.clone()).oneshot(request("/x", Priority::Normal)));
    endpoint.next_request().await.expect("let in").1.send_response(response);
    call.await.expect("no panic")
}

type GuardedFeed = crate::body::GuardedBody<crate::testing::Feed, Permit>;

#[test]
fn the_least_important_are_turned_away_first() {
    let rows = [(10, [false; 3]), (9, [false, false, true]), (6, [false, true, true]), (5, [true; 3])];
    for (in_flight, expected) in rows {
        let limiter = fixed(10);
        let _busy: Vec<_> =
            (0..in_flight).map(|_| limiter.try_acquire(Priority::Critical).expect("room")).collect();
        let admitted = Priority::ALL.map(|priority| limiter.try_acquire(priority).is_ok());
        assert_eq!(admitted, expected, "{in_flight} of 10 in flight");
    }
}

#[test]
fn a_refusal_says_who_was_refused_and_how_full_it_was() {
    let limiter = fixed(10);
    let _held: Vec<_> = (0..6).map(|_| limiter.try_acquire(Priority::Normal).expect("room")).collect();
    let error = limiter.try_acquire(Priority::Batch).expect_err("no room");
    let expected =
        Overloaded { limiter: "memory inbound".into(), priority: Priority::Batch, in_flight: 6, room: 6 };
    assert_eq!(error, expected);
    assert_eq!(
        error.to_string(),
        "\"memory inbound\" is overloaded: 6 calls in flight, of 6 that leave room for batch calls",
    );
    assert_eq!(limiter.snapshot().refused, [1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_place_is_held_until_the_body_has_ended() {
    let (mock, mut endpoint) = endpoint();
    let limiter = fixed(1);
    let layer = ConcurrencyLayer::new(limiter.clone(), health);
    let (feeder, response) = streaming();
    let mut body = admitted(&layer, &mut endpoint, &mock, response).await.expect("a head").into_body();
    assert_eq!(limiter.snapshot().in_flight, 1, "the stream goes on");
    feeder.trailers("0");
    next(&mut body).await.expect("a frame").expect("trailers");
    assert_eq!(limiter.snapshot().in_flight, 0, "free although the body is not dropped yet");
}

#[tokio::test(start_paused = true)]
async fn a_call_or_a_body_that_is_dropped_frees_its_place() {
    let (mock, mut endpoint) = endpoint();
    let limiter = fixed(1);
    let layer = ConcurrencyLayer::new(limiter.clone(), health);
    let response = admitted(&layer, &mut endpoint, &mock, streaming().1).await.expect("a head");
    drop(response);
    assert_eq!(limiter.snapshot().in_flight, 0);
    let call = tokio::spawn(layer.layer(mock).oneshot(request("/x", Priority::Normal)));
    let _unanswered = endpoint.next_request().await.expect("let in");
    assert_eq!(limiter.snapshot().in_flight, 1);
    call.abort();
    let _ = call.await;
    assert_eq!(limiter.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn exempt_calls_pass_a_full_house_uncounted_and_others_do_not_reach_the_handler() {
    let (mock, mut endpoint) = endpoint();
    let limiter = fixed(1);
    let layer = ConcurrencyLayer::new(limiter.clone(), health);
    let _held = limiter.try_acquire(Priority::Normal).expect("room");
    let refused = layer.layer(mock.clone()).oneshot(request("/x", Priority::Critical)).await;
    assert!(refused.expect_err("full").is::<Overloaded>());
    let check = request("/grpc.health.v1.Health/Check", Priority::Batch);
    let call = tokio::spawn(layer.layer(mock).oneshot(check));
    endpoint.next_request().await.expect("let in").1.send_response(answer("0"));
    call.await.expect("no panic").expect("a head");
    assert_eq!(limiter.snapshot().in_flight, 1);
}

#[tokio::test(start_paused = true)]
async fn readiness_takes_no_place() {
    let (mock, _endpoint) = endpoint();
    let limiter = fixed(1);
    let mut idle = ConcurrencyLayer::new(limiter.clone(), health).layer(mock);
    ServiceExt::<Req>::ready(&mut idle).await.expect("ready");
    assert_eq!(limiter.snapshot().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn good_heads_are_timed_late_ones_cost_and_other_failures_say_nothing() {
    let limit_after = async |answer: fn() -> Result<Rsp, BoxError>| {
        let (mock, mut endpoint) = endpoint();
        let limiter = Limiter::new("memory inbound", Config { min_samples: 1, ..Config::default() });
        let layer = ConcurrencyLayer::new(limiter.clone(), health);
        let _busy: Vec<_> = (0..40).map(|_| limiter.try_acquire(Priority::Normal).expect("room")).collect();
        let call = tokio::spawn(layer.layer(mock.clone()).oneshot(request("/x", Priority::Normal)));
        let (_, send) = endpoint.next_request().await.expect("let in");
        tokio::time::advance(Duration::from_millis(100)).await; // which a window lasts
        match answer() {
            Ok(response) => send.send_response(response),
            Err(error) => send.send_error(error),
        }
        let _ = call.await.expect("no panic");
        limiter.snapshot().limit
    };
    assert!(limit_after(|| Ok(answer("0"))).await > 64);
    assert!(limit_after(|| Ok(trailers_only("4"))).await < 64);
    assert!(limit_after(|| Err(DeadlineExceeded { given: Duration::ZERO }.into())).await < 64);
    assert_eq!(limit_after(|| Ok(trailers_only("13"))).await, 64);
    assert_eq!(limit_after(|| Err("reset".into())).await, 64);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_after_waiting_in_vain_costs_and_one_who_leaves_early_does_not() {
    let limit_after = async |waited: Duration| {
        let limiter = Limiter::new("memory inbound", Config { min_samples: 1, ..Config::default() });
        for _ in 0..2 {
            let permit = limiter.try_acquire(Priority::Normal).expect("room");
            tokio::time::advance(waited).await;
            drop(permit);
        }
        limiter.snapshot().limit
    };
    assert_eq!(limit_after(Duration::from_millis(300)).await, 64);
    assert!(limit_after(Duration::from_secs(2)).await < 64);
}

proptest! {
    /// Whatever comes and goes: never more than the limit, and nobody is let in where somebody less important would
    /// have been turned away for less.
    #[test]
    fn there_are_never_more_calls_than_the_limit_and_never_a_batch_call_where_a_normal_one_has_no_room(
        limit in 1usize..30, events in proptest::collection::vec((0usize..3, any::<bool>()), 1..300),
    ) {
        let limiter = fixed(limit);
        let mut held = vec![];
        for (index, arrives) in events {
            if !arrives {
                held.pop();
                continue;
            }
            let admitted = Priority::ALL.map(|priority| limiter.try_acquire(priority).is_ok());
            prop_assert!(admitted.is_sorted(), "{admitted:?}: the important are let in wherever others are");
            held.extend(limiter.try_acquire(Priority::ALL[index]));
            prop_assert_eq!(limiter.snapshot().in_flight, held.len());
            prop_assert!(held.len() <= limit);
        }
    }
}

#[test]
fn on_many_threads_there_are_never_more_than_the_limit() {
    let limiter = fixed(5);
    let most = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5000 {
                    let permit = limiter.try_acquire(Priority::Critical);
                    most.fetch_max(limiter.snapshot().in_flight, std::sync::atomic::Ordering::Relaxed);
                    drop(permit);
                }
            });
        }
    });
    assert!(most.load(std::sync::atomic::Ordering::Relaxed) <= 5);
    assert_eq!(limiter.snapshot().in_flight, 0);
}
