//! What tower asks of every layer: readiness is driven before each call and again for each attempt, what it reserved is
//! used by that very call, its errors are passed on, and dropping a ready service frees what it reserved.
//!
//! One row per layer at the end; each is held to all of it over a service that cannot be fooled and over tower's own
//! limit, buffer and load shedding.

use std::error::Error;
use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tower::buffer::Buffer;
use tower::limit::ConcurrencyLimit;
use tower::load_shed::{LoadShed, error::Overloaded};
use tower::{Layer, Service};

use super::*;
use crate::balance::{Balance, Endpoint, Endpoints};
use crate::concurrency::{self, ConcurrencyLayer, Limiter};
use crate::deadline::InboundLayer;
use crate::hedge::{self, HedgeLayer, Hedging};
use crate::rate_limit::{self, Key, RateLimitLayer, RateLimiter};
use crate::retry::{Budget, BudgetConfig, Idempotent, Policy, RetryLayer};

/// The inner service of these tests: panics when it is called without having said that it is ready, and counts.
struct Picky {
    seen: Arc<Seen>,
    reserved: Option<Reserved>,
}

#[derive(Default)]
struct Seen {
    /// What `poll_ready` says.
    mood: Mutex<Mood>,
    /// Heads of the answers to come, first to last; `None` never comes. When they are used up, all is well.
    answers: Mutex<Vec<Option<&'static str>>>,
    calls: AtomicUsize,
    reservations: AtomicUsize,
    held: AtomicUsize,
}

#[derive(Clone, Copy, Default)]
enum Mood {
    #[default]
    Ready,
    Busy,
    Gone,
}

#[derive(Debug, thiserror::Error)]
#[error("the inner service is gone")]
struct Gone;

/// What readiness holds on to, like the permit of a concurrency limit.
struct Reserved(Arc<Seen>);

// === impl Picky ===

impl Picky {
    fn new() -> (Self, Arc<Seen>) {
        let seen = Arc::<Seen>::default();
        (Self { seen: Arc::clone(&seen), reserved: None }, seen)
    }
}

impl Clone for Picky {
    /// Readiness is not cloned, as it never is.
    fn clone(&self) -> Self {
        Self { seen: Arc::clone(&self.seen), reserved: None }
    }
}

impl<A> Service<Request<A>> for Picky {
    type Response = Rsp;
    type Error = BoxError;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Rsp, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let mood = *self.seen.mood.lock().expect("unpoisoned");
        match mood {
            Mood::Ready => {
                let seen = &self.seen;
                self.reserved.get_or_insert_with(|| Reserved::new(seen));
                Poll::Ready(Ok(()))
            }
            Mood::Busy => Poll::Pending,
            Mood::Gone => Poll::Ready(Err(Gone.into())),
        }
    }

    fn call(&mut self, _: Request<A>) -> Self::Future {
        let reserved = self.reserved.take().expect("called without having said that it is ready");
        self.seen.calls.fetch_add(1, SeqCst);
        let mut answers = self.seen.answers.lock().expect("unpoisoned");
        let answer = if answers.is_empty() { Some("0") } else { answers.remove(0) };
        Box::pin(async move {
            let _reserved = reserved;
            match answer {
                Some(status) => Ok(crate::testing::trailers_only(status)),
                None => std::future::pending().await,
            }
        })
    }
}

// === impl Reserved ===

impl Reserved {
    fn new(seen: &Arc<Seen>) -> Self {
        seen.reservations.fetch_add(1, SeqCst);
        seen.held.fetch_add(1, SeqCst);
        Self(Arc::clone(seen))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, SeqCst);
    }
}

// === impl Seen ===

impl Seen {
    fn set(&self, mood: Mood) {
        *self.mood.lock().expect("unpoisoned") = mood;
    }

    fn script(&self, answers: &[Option<&'static str>]) {
        *self.answers.lock().expect("unpoisoned") = answers.to_vec();
    }

    /// Calls made, readiness reserved, and how much of it is still held.
    fn counts(&self) -> [usize; 3] {
        [&self.calls, &self.reservations, &self.held].map(|count| count.load(SeqCst))
    }
}

// === the rules ===

fn request() -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    request.extensions_mut().insert(Idempotent);
    request
}

/// A service of a layer under test.
trait Guarded<B>: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = BoxError> {}

impl<S, B> Guarded<B> for S where S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = BoxError> {}

fn is_ready<S: Service<Request<Empty<Bytes>>>>(service: &mut S) -> bool {
    service.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn says<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source()).any(|error| error.is::<E>())
}

/// Calls once and lets go of the answer.
async fn round<S: Guarded<B>, B>(service: &mut S) {
    service.ready().await.expect("ready").call(request()).await.expect("answered");
}

async fn over_a_picky_service<S: Guarded<B>, B>(wrap: impl Fn(Picky) -> S) {
    let (picky, seen) = Picky::new();
    let mut service = wrap(picky);
    assert_eq!(seen.counts(), [0, 0, 0], "nothing happens unasked");
    assert!(is_ready(&mut service) && is_ready(&mut service));
    assert_eq!(seen.counts(), [0, 1, 1], "readiness is the inner service's, and kept");
    let answer = service.call(request());
    assert_eq!(seen.counts(), [1, 1, 1], "the call uses what was reserved for it");
    answer.await.expect("answered");
    assert_eq!(seen.counts(), [1, 1, 0]);
    round(&mut service).await;
    assert_eq!(seen.counts(), [2, 2, 0], "and each further call drives it again");

    drop(service.call_ready().await);
    assert_eq!(seen.counts(), [3, 3, 0], "a call that is dropped lets go of it");
    assert!(is_ready(&mut service));
    drop(service);
    assert_eq!(seen.counts(), [3, 4, 0], "a ready service that is dropped, too");
}

/// Calls, and drops the call unpolled.
trait CallReady<B>: Guarded<B> + Sized {
    async fn call_ready(&mut self) -> Self::Future {
        self.ready().await.expect("ready").call(request())
    }
}

impl<S: Guarded<B>, B> CallReady<B> for S {}

async fn passes_on_what_readiness_says<S: Guarded<B>, B>(wrap: impl Fn(Picky) -> S) {
    let (picky, seen) = Picky::new();
    let mut service = wrap(picky);
    seen.set(Mood::Busy);
    assert!(!is_ready(&mut service), "as busy as the inner service");
    seen.set(Mood::Gone);
    let error = service.ready().await.map(drop).expect_err("the inner service is gone");
    assert!(says::<Gone>(&*error), "{error}");
    assert_eq!(seen.counts(), [0, 0, 0]);
}

async fn over_a_concurrency_limit<S: Guarded<B>, B>(wrap: impl Fn(ConcurrencyLimit<Picky>) -> S) {
    let limit = ConcurrencyLimit::new(Picky::new().0, 1);
    let mut other = limit.clone();
    let mut service = wrap(limit.clone());
    assert!(is_ready(&mut service));
    assert!(!is_ready(&mut other), "the only permit is reserved");
    let answer = service.call(request());
    assert!(!is_ready(&mut other), "and the call has it now");
    drop(answer.await.expect("answered"));
    assert!(is_ready(&mut other));
    drop(other); // which was holding it
    for _ in 0..3 {
        round(&mut service).await;
    }
    assert!(is_ready(&mut service));
    drop(service);
    assert!(is_ready(&mut limit.clone()), "a ready service that is dropped gives it back");
}

async fn over_a_load_shed<S: Guarded<B>, B>(wrap: impl Fn(LoadShed<ConcurrencyLimit<Picky>>) -> S) {
    let limit = ConcurrencyLimit::new(Picky::new().0, 1);
    let mut other = limit.clone();
    let mut service = wrap(LoadShed::new(limit));
    round(&mut service).await;
    assert!(is_ready(&mut other));
    let ready = service.ready().await.expect("load shedding is always ready");
    let error = ready.call(request()).await.map(drop).expect_err("shed");
    assert!(says::<Overloaded>(&*error), "{error}");
    drop(other);
    round(&mut service).await;
}

/// A buffer panics when it is called without readiness, and reports the death of its worker through it.
macro_rules! over_a_buffer {
    ($layer:expr) => {{
        let (picky, seen) = Picky::new();
        let mut service = $layer.layer(Buffer::new(picky, 1));
        for _ in 0..3 {
            service.ready().await.expect("ready").call(request()).await.expect("answered");
        }
        assert_eq!(seen.counts()[0], 3);
        let mut idle = service.clone();
        idle.ready().await.expect("the only place");
        drop(idle);
        service.ready().await.expect("is free again").call(request()).await.expect("answered");

        seen.set(Mood::Gone);
        let told = async {
            // The first call meets the worker's end, the next readiness reports it.
            let _ = service.ready().await?.call(request()).await?;
            service.ready().await.map(drop)
        };
        let error = told.await.expect_err("the worker is gone");
        assert!(says::<Gone>(&*error) || error.to_string().contains("failed"), "{error}");
    }};
}

/// The rules for one layer.
macro_rules! row {
    ($name:ident, $layer:expr) => {
        mod $name {
            use super::*;

            #[tokio::test(start_paused = true)]
            async fn readiness_is_driven_and_used_by_the_call_it_was_for() {
                over_a_picky_service(|inner| $layer.layer(inner)).await;
            }

            #[tokio::test(start_paused = true)]
            async fn what_readiness_says_is_passed_on() {
                passes_on_what_readiness_says(|inner| $layer.layer(inner)).await;
            }

            #[tokio::test(start_paused = true)]
            async fn a_permit_is_reserved_used_and_given_back() {
                over_a_concurrency_limit(|inner| $layer.layer(inner)).await;
            }

            #[tokio::test(start_paused = true)]
            async fn a_buffer_is_called_only_when_it_has_a_place() {
                over_a_buffer!($layer);
            }

            #[tokio::test(start_paused = true)]
            async fn what_is_shed_below_is_told() {
                over_a_load_shed(|inner| $layer.layer(inner)).await;
            }
        }
    };
}

fn breaker() -> BreakerLayer<GrpcClassifier> {
    BreakerLayer::new(Breaker::new("memory", breaker::Config::internal()), GrpcClassifier)
}

fn bulkhead() -> BulkheadLayer {
    BulkheadLayer::new(Bulkhead::new("memory", bulkhead::Config::default()))
}

fn budget() -> Budget {
    Budget::new("memory", BudgetConfig::default())
}

fn retry() -> RetryLayer {
    RetryLayer::new(Policy::default(), budget())
}

fn hedge() -> HedgeLayer {
    let after = Some(Duration::from_millis(100));
    HedgeLayer::new(Hedging::new("memory", hedge::Config { after, ..Default::default() }, budget()))
}

fn rate_limit() -> RateLimitLayer {
    let quota = rate_limit::Quota { limit: 100, per: Duration::from_secs(1), burst: 100 };
    let limiter = RateLimiter::new("callers", rate_limit::Config { quota, max_keys: 10 });
    RateLimitLayer::new(limiter, |_| Some(Key::caller("somebody")))
}

fn concurrency() -> ConcurrencyLayer {
    ConcurrencyLayer::new(Limiter::new("memory", concurrency::Config::default()), |_| false)
}

row!(of_the_breaker, breaker());
row!(of_the_breaker_above_a_queue, breaker().above_a_queue());
row!(of_the_sent_mark, breaker::SentLayer);
row!(of_the_bulkhead, bulkhead());
row!(of_the_inbound_deadline, InboundLayer::new(DEADLINE, DEADLINE));
row!(of_the_outbound_deadline, OutboundLayer::new(DEADLINE, MARGIN));
row!(of_the_attempt_timeout, TimeoutLayer::new(ATTEMPT));
row!(of_the_retry, retry());
row!(of_the_hedge, hedge());
row!(of_the_rate_limit, rate_limit());
row!(of_the_adaptive_concurrency, concurrency());

// === what only some layers do ===

#[tokio::test(start_paused = true)]
async fn each_attempt_of_a_retry_drives_readiness_for_itself() {
    let (picky, seen) = Picky::new();
    seen.script(&[Some("14"), Some("14"), Some("0")]);
    let mut service = retry().layer(picky);
    round(&mut service).await;
    assert_eq!(seen.counts(), [3, 3, 0]);
    round(&mut service).await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_finds_nobody_ready_ends_with_that_error() {
    let (picky, seen) = Picky::new();
    seen.script(&[Some("14")]);
    let mut service = retry().layer(picky);
    let call = service.call_ready().await;
    seen.set(Mood::Gone);
    assert!(says::<Gone>(&*call.await.map(drop).expect_err("gone")));
    assert_eq!(seen.counts(), [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_drives_readiness_for_its_second_attempt() {
    let (picky, seen) = Picky::new();
    seen.script(&[None, Some("0")]);
    let mut service = hedge().layer(picky);
    round(&mut service).await;
    assert_eq!(seen.counts(), [2, 2, 0], "the loser has let go");
    round(&mut service).await;
}

#[tokio::test(start_paused = true)]
async fn a_hedge_waits_for_readiness_without_forgetting_its_first_attempt() {
    let (picky, seen) = Picky::new();
    seen.script(&[None]);
    let mut service = hedge().layer(picky);
    let call = service.call_ready().await;
    seen.set(Mood::Busy);
    assert!(tokio::time::timeout(DEADLINE, call).await.is_err(), "neither answered nor sent again");
    assert_eq!(seen.counts(), [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_call_in_the_queue_takes_its_readiness_with_it() {
    let bulkhead = Bulkhead::new("memory", bulkhead::Config { max_in_flight: 1, max_queue: 2 });
    let (picky, seen) = Picky::new();
    let mut service = BulkheadLayer::new(bulkhead.clone()).layer(picky);
    let held = bulkhead.try_acquire().expect("free");
    let queued = service.call_ready().await;
    assert_eq!(seen.counts(), [0, 1, 1], "ready and not yet called");
    let gone = service.call_ready().await;
    assert_eq!(seen.counts(), [0, 2, 2], "the next one has a readiness of its own");
    drop(gone);
    assert_eq!(seen.counts(), [0, 2, 1]);
    drop(held);
    queued.await.expect("answered");
    assert_eq!(seen.counts(), [1, 2, 0]);
}

fn balanced<S>(inner: S) -> Balance<breaker::BreakerService<S, GrpcClassifier>> {
    let endpoints = Endpoints::new();
    endpoints.set(vec![Endpoint::new("the only one", breaker().layer(inner))]);
    Balance::new(endpoints)
}

/// A balancer knows only with the request whose readiness matters, so that one busy endpoint keeps nobody waiting who
/// goes elsewhere.
#[tokio::test(start_paused = true)]
async fn a_balancer_is_always_ready_and_drives_the_endpoint_it_picked_within_the_call() {
    let (picky, seen) = Picky::new();
    let mut service = balanced(picky);
    let call = service.call_ready().await;
    assert_eq!(seen.counts(), [0, 0, 0], "nothing is reserved before somebody waits for it");
    call.await.expect("answered");
    round(&mut service).await;
    assert_eq!(seen.counts(), [2, 2, 0], "each call drives it, uses it and lets go");

    seen.set(Mood::Busy);
    assert!(is_ready(&mut service));
    let waits = service.call_ready().await;
    assert!(tokio::time::timeout(DEADLINE, waits).await.is_err(), "as busy as the endpoint");
    seen.set(Mood::Gone);
    let error = service.call_ready().await.await.map(drop).expect_err("the inner service is gone");
    assert!(says::<Gone>(&*error), "{error}");
    assert_eq!(seen.counts(), [2, 2, 0], "who was never ready was never called");
    seen.set(Mood::Ready);
    round(&mut service).await;
}

#[tokio::test(start_paused = true)]
async fn a_balancer_reserves_uses_and_gives_back_what_its_endpoint_has() {
    let limit = ConcurrencyLimit::new(Picky::new().0, 1);
    let mut service = balanced(limit.clone());
    let answer = service.call_ready().await.await.expect("answered");
    round(&mut service).await;
    drop(answer);
    let mut other = limit;
    assert!(is_ready(&mut other));
    let waits = service.call_ready().await;
    assert!(tokio::time::timeout(DEADLINE, waits).await.is_err(), "the only permit is taken");
    drop(other);
    round(&mut service).await;
}

/// All the layers at once: what holds for each holds for the stack.
#[tokio::test(start_paused = true)]
async fn the_whole_stack_is_as_good_as_its_layers() {
    let stack = |inner: Picky| {
        ServiceBuilder::new()
            .layer(OutboundLayer::new(DEADLINE, MARGIN))
            .layer(retry())
            .layer(hedge())
            .layer(breaker())
            .layer(bulkhead())
            .layer(TimeoutLayer::new(ATTEMPT))
            .service(inner)
    };
    over_a_picky_service(stack).await;
    passes_on_what_readiness_says(stack).await;
}
