//! A full outage seen over two hops, in simulated time: how many calls are sent for each that is asked for.
//!
//! ```text
//! callers → gateway ══ edge ══> orchestrator ══ edge ══> memory, which is down
//! ```
//!
//! Both edges are built alike: retry within a budget, breaker, bulkhead. The gateway retries, so the orchestrator does
//! not; and once the breaker on the way to the memory is open, nobody does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until};
use tower::{BoxError, ServiceBuilder, ServiceExt, service_fn};

use super::details::{DETAILS, encode};
use super::*;
use crate::breaker::{self, Mode, State};
use crate::bulkhead;
use crate::{Breaker, BreakerLayer, Bulkhead, BulkheadLayer, CircuitOpen, Deadline, GrpcClassifier};

type Req = Request<Full<Bytes>>;
type Rsp = Response<Full<Bytes>>;

/// Calls per second.
const RATE: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(2);

/// One hop, and what went over it.
struct Edge {
    retry: RetryLayer,
    budget: Budget,
    breaker: Breaker,
    bulkhead: Bulkhead,
    asked: AtomicU64,
    sent: AtomicU64,
}

impl Edge {
    fn new(name: &str, mode: Mode) -> Self {
        let budget = Budget::new(name, BudgetConfig::default());
        let breaker = Breaker::new(name, breaker::Config::internal());
        breaker.set_mode(mode);
        Self {
            retry: RetryLayer::new(Policy::default(), budget.clone()).with_dice(|| 0.5),
            budget,
            breaker,
            bulkhead: Bulkhead::new(name, bulkhead::Config::default()),
            asked: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }
    }

    /// Asks for one call over this edge; `callee` is sent the attempts.
    async fn call<F>(
        &self,
        request: Req,
        callee: impl Fn(http::HeaderMap) -> F + Clone,
    ) -> Result<(), BoxError>
    where
        F: Future<Output = Rsp>,
    {
        self.asked.fetch_add(1, Relaxed);
        let stack = ServiceBuilder::new()
            .layer(self.retry.clone())
            .layer(BreakerLayer::new(self.breaker.clone(), GrpcClassifier))
            .layer(BulkheadLayer::new(self.bulkhead.clone()))
            .service(service_fn(|request: Request<ReplayBody<Full<Bytes>>>| {
                self.sent.fetch_add(1, Relaxed);
                let answer = callee(request.headers().clone());
                async { Ok::<_, BoxError>(answer.await) }
            }));
        let response = stack.oneshot(request).await?;
        let status = response.headers().get("grpc-status").cloned();
        status.filter(|status| status != "0").map_or(Ok(()), |status| Err(format!("{status:?}").into()))
    }

    fn counts(&self) -> Counts {
        Counts { asked: self.asked.load(Relaxed), sent: self.sent.load(Relaxed) }
    }
}

#[derive(Clone, Copy, Debug)]
struct Counts {
    asked: u64,
    sent: u64,
}

impl Counts {
    fn since(self, before: Self) -> Self {
        Self { asked: self.asked - before.asked, sent: self.sent - before.sent }
    }
}

/// The two hops and the service at their end.
struct Mesh {
    upper: Edge,
    lower: Edge,
    down: AtomicBool,
    answered: AtomicU64,
}

impl Mesh {
    fn new(upper: Mode, lower: Mode) -> Arc<Self> {
        Arc::new(Self {
            upper: Edge::new("gateway->orchestrator", upper),
            lower: Edge::new("orchestrator->memory", lower),
            down: AtomicBool::new(false),
            answered: AtomicU64::new(0),
        })
    }

    /// Calls at [`RATE`] for so many seconds, whatever becomes of them, and the time for the last of them to end.
    async fn run(self: &Arc<Self>, seconds: u64) {
        let (start, calls) = (Instant::now(), LocalSet::new());
        let asking = async {
            for n in 0..RATE * seconds {
                sleep_until(start + Duration::from_secs(1) * n as u32 / RATE as u32).await;
                let mesh = Arc::clone(self);
                calls.spawn_local(async move { mesh.gateway().await });
            }
            sleep(PATIENCE).await;
        };
        calls.run_until(asking).await;
    }

    async fn gateway(&self) {
        let answer = self.upper.call(read(), |headers| self.orchestrator(headers)).await;
        self.answered.fetch_add(u64::from(answer.is_ok()), Relaxed);
    }

    /// Reads from the memory, and answers as the runtime makes a service answer.
    async fn orchestrator(&self, inbound: http::HeaderMap) -> Rsp {
        let mut request = read();
        request.extensions_mut().extend(Upstream::from_headers(&inbound).map(extension).unwrap_or_default());
        match self.lower.call(request, |_| self.memory()).await {
            Ok(()) => answer("0", None),
            Err(error) if is_circuit_open(&error) => answer("14", Some("CIRCUIT_OPEN")),
            Err(_) => answer("14", None),
        }
    }

    async fn memory(&self) -> Rsp {
        sleep(Duration::from_millis(2)).await;
        answer(if self.down.load(Relaxed) { "14" } else { "0" }, None)
    }

    fn counts(&self) -> [Counts; 2] {
        [self.upper.counts(), self.lower.counts()]
    }
}

fn extension(upstream: Upstream) -> http::Extensions {
    let mut extensions = http::Extensions::new();
    extensions.insert(upstream);
    extensions
}

fn read() -> Req {
    let mut request = Request::new(Full::new(Bytes::from_static(b"which reviews are alike?")));
    request.extensions_mut().insert(Idempotent);
    request.extensions_mut().insert(Deadline::after(PATIENCE));
    request
}

fn answer(status: &'static str, reason: Option<&str>) -> Rsp {
    let mut response = Response::new(Full::default());
    response.headers_mut().insert("grpc-status", HeaderValue::from_static(status));
    if let Some(reason) = reason {
        let delay = prost_types::Duration { seconds: 0, nanos: 100_000_000 }; // well within the deadline
        let details = encode(Some(delay), Some(reason)).parse().expect("base64");
        response.headers_mut().insert(DETAILS, details);
    }
    response
}

fn is_circuit_open(error: &BoxError) -> bool {
    error.is::<CircuitOpen>()
        || error.downcast_ref().is_some_and(|gave_up: &GaveUp| gave_up.source.is::<CircuitOpen>())
}

/// Healthy for 10 s, down for 50 s: what went over the edges while it was down.
async fn outage(mesh: &Arc<Mesh>) -> [Counts; 2] {
    mesh.run(10).await;
    assert_eq!(mesh.answered.load(Relaxed), RATE * 10, "all is well before");
    let before = mesh.counts();
    mesh.down.store(true, Relaxed);
    mesh.run(50).await;
    assert_eq!(mesh.answered.load(Relaxed), RATE * 10, "the fault fired: nothing was answered");
    let after = mesh.counts();
    std::array::from_fn(|hop| after[hop].since(before[hop]))
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_the_mesh_sends_no_more_than_a_twentieth_above_what_was_asked() {
    let mesh = Mesh::new(Mode::Normal, Mode::Normal);
    let [upper, lower] = outage(&mesh).await;
    println!("gateway -> orchestrator {upper:?}; orchestrator -> memory {lower:?}");
    assert_eq!(mesh.lower.breaker.snapshot().state, State::Open);
    let (asked, sent) = (upper.asked + lower.asked, upper.sent + lower.sent);
    assert!(sent as f64 <= asked as f64 * 1.05, "{sent} sent for {asked} asked");
    assert!(lower.sent < 20, "{} reached the memory before the breaker opened", lower.sent);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_below_is_not_insisted_upon_from_above() {
    let mesh = Mesh::new(Mode::Disabled, Mode::Normal); // the gateway keeps asking the orchestrator
    let [upper, lower] = outage(&mesh).await;
    assert_eq!(upper.asked, RATE * 50);
    assert!(upper.sent as f64 <= upper.asked as f64 * 1.05, "{upper:?}");
    assert!(lower.sent < 20, "{lower:?}");
}

#[tokio::test(start_paused = true)]
async fn without_any_breaker_only_one_hop_retries_and_within_its_budget() {
    let mesh = Mesh::new(Mode::Disabled, Mode::Disabled);
    let [upper, lower] = outage(&mesh).await;
    assert_eq!(lower.sent, lower.asked, "the lower hop leaves it to the upper one");
    assert_eq!(mesh.lower.budget.snapshot().sent, 0);
    let retries = (upper.sent - upper.asked) as f64;
    let allowed = upper.asked as f64 * 0.1 + 10.0 * 53.0; // a tenth, and ten a second
    assert!(retries <= allowed, "{retries} retries, {allowed} allowed");
    assert!(retries > allowed * 0.8, "{retries}: the gateway did not retry, so this proves nothing");
}

#[tokio::test(start_paused = true)]
async fn a_moment_of_trouble_is_hidden_by_the_retries() {
    let mesh = Mesh::new(Mode::Normal, Mode::Normal);
    mesh.run(1).await;
    mesh.down.store(true, Relaxed);
    let call = mesh.gateway();
    let heals = async {
        sleep(Duration::from_millis(10)).await;
        mesh.down.store(false, Relaxed);
    };
    tokio::join!(call, heals);
    assert_eq!(mesh.answered.load(Relaxed), RATE + 1);
    assert_eq!(mesh.upper.counts().sent, RATE + 2);
}
