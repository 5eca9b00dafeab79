//! The layers together in any order of steps, with callers who give up at any await.
//!
//! Whatever the order: no more calls are out than there are slots, and no more probes than the breaker allows; when all
//! are done, every slot is free, nobody waits, and the breaker lets a call through after its longest rest. A waiter
//! whose turn is lost would hang, which is reported.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use http_body_util::Empty;
use shuttle::future::{JoinHandle, block_on, spawn};
use shuttle::rand::{Rng, thread_rng};
use tokio::runtime::Runtime;
use tower::Service;

use super::*;
use crate::Outcome;
use crate::body::{End, Guard, GuardedBody};
use crate::cache::{self, Cache, World};
use crate::hedge::{self, HedgeLayer, Hedging};
use crate::interleave::{explore, patiently, pause};
use crate::retry::{Budget, BudgetConfig, Idempotent, Policy, RetryLayer};
use crate::testing::sequences;
use crate::testing::trailers_only;

const SLOTS: usize = 2;
const PROBES: u32 = 2;
const STEP: Duration = Duration::from_millis(200);
/// Longer than the breaker ever rests and than anybody's patience.
const LONG: Duration = Duration::from_secs(60);

thread_local! {
    // Never dropped: after a failure it would wake tasks of an order that is over.
    static CLOCK: &'static Runtime = Box::leak(Box::new(sequences::paused()));
}

/// Whether the callee may hang, so that only time helps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Callee {
    Answers,
    MayHang,
}

/// What everybody in a scene shares.
struct Scene {
    callee: Callee,
    breaker: Breaker,
    bulkhead: Bulkhead,
    budget: Budget,
    hedging: Hedging,
    out: Arc<Out>,
    /// Loads of the cache.
    loads: Mutex<Vec<JoinHandle<()>>>,
    asked: AtomicUsize,
    is_over: AtomicBool,
}

/// What is out at the callee.
#[derive(Default)]
struct Out {
    calls: AtomicUsize,
    received: AtomicUsize,
    /// By the generation of the breaker that admitted them.
    probes: Mutex<HashMap<u64, u32>>,
}

type Loaded = Cache<u8, (), String>;

// === impl Scene ===

impl Scene {
    fn new(callee: Callee) -> Arc<Self> {
        let at_once = Duration::ZERO;
        let breaker = breaker::Config {
            consecutive_failures: 2,
            open: STEP,
            max_open: STEP * 4,
            jitter: 0.0,
            probes: PROBES,
            probe_lease: STEP * 10,
            ramp: at_once,
            ..breaker::Config::internal()
        };
        let budget = Budget::new("explored", BudgetConfig::default());
        let hedging = hedge::Config { after: Some(STEP), ..hedge::Config::default() };
        Arc::new(Self {
            callee,
            breaker: Breaker::new("explored", breaker),
            bulkhead: Bulkhead::new("explored", bulkhead::Config { max_in_flight: SLOTS, max_queue: 2 }),
            hedging: Hedging::new("explored", hedging, budget.clone()),
            budget,
            out: Arc::default(),
            loads: Mutex::default(),
            asked: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        })
    }

    /// Makes one call through all the layers and reads the answer to its end.
    async fn call(&self) -> Result<(), BoxError> {
        self.asked.fetch_add(1, SeqCst);
        let policy = Policy { base: Duration::ZERO, ..Policy::default() };
        let stack = ServiceBuilder::new()
            .layer(OutboundLayer::new(STEP * 20, MARGIN))
            .layer(RetryLayer::new(policy, self.budget.clone()))
            .layer(HedgeLayer::new(self.hedging.clone()))
            .layer(BreakerLayer::new(self.breaker.clone(), GrpcClassifier).above_a_queue())
            .layer_fn(|inner| Spy { inner, breaker: self.breaker.clone(), out: Arc::clone(&self.out) })
            .layer(BulkheadLayer::new(self.bulkhead.clone()))
            .layer(breaker::SentLayer)
            .layer(TimeoutLayer::new(STEP * 3))
            .service(Peer { callee: self.callee, out: Arc::clone(&self.out) });
        let mut request = Request::new(Empty::<Bytes>::new());
        request.extensions_mut().insert(Idempotent);
        let response = stack.oneshot(request).await?;
        drain(Box::pin(response.into_body())).await
    }

    /// A cache that loads by calling.
    fn cache(self: &Arc<Self>) -> Loaded {
        let (scene, keeper) = (Arc::clone(self), Arc::clone(self));
        let spawn = move |load| keeper.loads.lock().expect("unpoisoned").push(spawn(load));
        let world = World { roll: Box::new(|| 0.0), spawn: Box::new(spawn) };
        let config = cache::Config { max_stale: Duration::ZERO, ..cache::Config::with_ttl(STEP) };
        Cache::in_world(world, "explored", config, move |_key| {
            let scene = Arc::clone(&scene);
            async move { scene.call().await.map_err(|error| error.to_string()) }
        })
    }

    /// Calls twice, by way of the cache or not, and gives up whenever it likes.
    async fn visit(self: Arc<Self>, cache: Loaded) {
        for _ in 0..2 {
            let patience = thread_rng().gen_bool(0.4).then(|| thread_rng().gen_range(0..12));
            if thread_rng().gen_bool(0.4) {
                patiently(patience, cache.get(&0)).await;
            } else {
                patiently(patience, self.call()).await;
            }
        }
    }

    /// Time passes for a while; where calls may hang, until all are done.
    async fn pass_time(self: Arc<Self>) {
        for step in 0.. {
            let goes_on = match self.callee {
                Callee::Answers => step < 6,
                Callee::MayHang => !self.is_over.load(SeqCst),
            };
            if !goes_on {
                return;
            }
            for _ in 0..thread_rng().gen_range(1..6) {
                shuttle::future::yield_now().await; // after all the others, if they like
            }
            tick(STEP);
        }
    }

    /// Waits for the loads, those included that begin meanwhile.
    async fn loads_are_done(&self) {
        loop {
            let next = self.loads.lock().expect("unpoisoned").pop();
            let Some(load) = next else { return };
            let _ = load.await;
        }
    }

    /// Nothing of the calls is left.
    fn assert_at_rest(&self) {
        let slots = self.bulkhead.snapshot();
        assert_eq!((slots.in_flight, slots.queued), (0, 0), "a slot leaked");
        assert_eq!(self.out.calls.load(SeqCst), 0);
        assert!(self.out.probes.lock().expect("unpoisoned").values().all(|out| *out == 0));
        let (asked, received) = (self.asked.load(SeqCst) as u64, self.out.received.load(SeqCst) as u64);
        let paid = self.budget.snapshot();
        assert!(paid.asked <= asked && received <= paid.asked + paid.sent, "{received} of {asked}, {paid:?}");
        tick(LONG);
        self.breaker.acquire().expect("wedged").record(Outcome::Healthy);
    }
}

/// Moves the clock, and wakes those who waited for it.
fn tick(time: Duration) {
    CLOCK.with(|clock| clock.block_on(advance(time)));
}

/// Right below the breaker: counts the probes that are out.
#[derive(Clone)]
struct Spy<S> {
    inner: S,
    breaker: Breaker,
    out: Arc<Out>,
}

/// A probe that is out, if the call is one.
struct Probe(Option<(u64, Arc<Out>)>);

impl Out {
    fn probe(self: &Arc<Self>, generation: u64) -> Probe {
        let mut probes = self.probes.lock().expect("unpoisoned");
        let out = probes.entry(generation).or_default();
        *out += 1;
        assert!(*out <= PROBES, "{out} probes at once");
        Probe(Some((generation, Arc::clone(self))))
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some((generation, out)) = self.0.take() {
            *out.probes.lock().expect("unpoisoned").get_mut(&generation).expect("it went out") -= 1;
        }
    }
}

impl Guard for Probe {
    fn end(self, _: End<'_>) {}
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<Response<T>, BoxError>> + Send>>;

impl<S, A, B> Service<Request<A>> for Spy<S>
where
    S: Service<Request<A>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
{
    type Response = Response<GuardedBody<B, Probe>>;
    type Error = BoxError;
    type Future = BoxFuture<GuardedBody<B, Probe>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    /// Comes in the same step as the admission, so the breaker is still in the state that admitted the call.
    fn call(&mut self, request: Request<A>) -> Self::Future {
        let now = self.breaker.snapshot();
        let probe = match now.state {
            State::HalfOpen => self.out.probe(now.generation),
            State::Closed | State::Open => Probe(None),
        };
        let call = self.inner.call(request);
        Box::pin(async move { Ok(call.await?.map(|body| GuardedBody::new(body, probe))) })
    }
}

/// The callee: answers well, badly, late, with a body that takes its time, or not at all.
#[derive(Clone)]
struct Peer {
    callee: Callee,
    out: Arc<Out>,
}

/// A call that is out.
struct Busy(Arc<Out>);

impl Busy {
    fn new(out: &Arc<Out>) -> Self {
        out.received.fetch_add(1, SeqCst);
        assert!(out.calls.fetch_add(1, SeqCst) < SLOTS, "more calls than slots");
        Self(Arc::clone(out))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, SeqCst);
    }
}

/// A body with one message, pauses around it, and a status.
struct Tail {
    frames: Vec<Option<Frame<Bytes>>>,
    busy: Option<Busy>,
}

impl Tail {
    fn new(status: &'static str, busy: Option<Busy>) -> Self {
        let trailers = HeaderMap::from_iter([(
            "grpc-status".parse().expect("a name"),
            status.parse().expect("a value"),
        )]);
        // Last to first; `None` is a pause.
        let frames = vec![
            Some(Frame::trailers(trailers)),
            None,
            Some(Frame::data(Bytes::from_static(b"message"))),
            None,
        ];
        Self { frames, busy }
    }
}

impl Body for Tail {
    type Data = Bytes;
    type Error = BoxError;

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty()
    }

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.frames.pop() {
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Some(frame)) => {
                if self.frames.is_empty() {
                    self.busy = None;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            None => Poll::Ready(None),
        }
    }
}

impl<A> Service<Request<A>> for Peer {
    type Response = Response<Tail>;
    type Error = BoxError;
    type Future = BoxFuture<Tail>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<A>) -> Self::Future {
        let (busy, callee) = (Busy::new(&self.out), self.callee);
        Box::pin(async move {
            pause(thread_rng().gen_range(0..3)).await;
            match thread_rng().gen_range(0..10) {
                0 | 1 => Err("connection reset".into()),
                2 => Ok(trailers_only("14").map(|_| Tail { frames: Vec::new(), busy: None })),
                5 => Ok(trailers_only("14").map(|_| Tail::new("14", Some(busy)))),
                3 => Ok(Response::new(Tail::new("13", Some(busy)))),
                4 if callee == Callee::MayHang => std::future::pending().await,
                _ => Ok(Response::new(Tail::new("0", Some(busy)))),
            }
        })
    }
}

// === the scenes ===

fn visitors(callee: Callee) {
    let scene = Scene::new(callee);
    let cache = scene.cache();
    let visitors: Vec<_> = (0..4).map(|_| spawn(Arc::clone(&scene).visit(cache.clone()))).collect();
    let time = spawn(Arc::clone(&scene).pass_time());
    let operator = Arc::clone(&scene);
    let operator = spawn(async move {
        pause(thread_rng().gen_range(0..20)).await;
        if thread_rng().gen_bool(0.3) {
            operator.breaker.reset();
        }
    });
    block_on(async {
        for visitor in visitors.into_iter().chain([operator]) {
            visitor.await.expect("nobody kills a visitor");
        }
        scene.loads_are_done().await;
        scene.is_over.store(true, SeqCst);
        time.await.expect("time goes on");
    });
    scene.assert_at_rest();
}

fn explored(scene: fn()) {
    let handle = CLOCK.with(|clock| clock.handle().clone());
    let _entered = handle.enter();
    explore(scene);
}

#[test]
fn no_slot_leaks_no_waiter_is_lost_and_no_probe_is_one_too_many() {
    explored(|| visitors(Callee::Answers));
}

#[test]
fn nor_when_calls_hang_and_only_time_ends_them() {
    explored(|| visitors(Callee::MayHang));
}
