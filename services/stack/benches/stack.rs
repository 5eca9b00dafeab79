//! What a whole call costs on its way through the layers, around a service that does nothing.
//!
//! `cargo bench -p bsm-stack --bench stack`
//!
//! The order is that of `bsm-runtime`'s edges, with a request of the size of a small gRPC message. Each layer is added
//! to those before it, from the inside out, so that the difference of two rows is the price of one.

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bsm_stack::balance::{Balance, Endpoint, Endpoints, View, pick};
use bsm_stack::breaker::{self, Breaker, BreakerLayer, SentLayer};
use bsm_stack::bulkhead::{self, Bulkhead, BulkheadLayer};
use bsm_stack::deadline::OutboundLayer;
use bsm_stack::hedge::{self, HedgeLayer, Hedging};
use bsm_stack::retry::{Budget, BudgetConfig, Idempotent, Policy, RetryLayer};
use bsm_stack::{GrpcClassifier, TimeoutLayer};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{Empty, Full};
use tower::{Service, ServiceBuilder};

/// Answers at once, with a head that says all is well. A handle, as connections are: layers that send again clone it.
#[derive(Clone)]
struct NoOp(Arc<HeaderMap>);

impl NoOp {
    fn new() -> Self {
        Self(Arc::new(HeaderMap::from_iter([(
            "grpc-status".parse().expect("a name"),
            HeaderValue::from_static("0"),
        )])))
    }
}

impl<A> Service<Request<A>> for NoOp {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<A>) -> Self::Future {
        let mut response = Response::new(Empty::new());
        *response.headers_mut() = HeaderMap::clone(&self.0);
        ready(Ok(response))
    }
}

/// As tonic makes one: a few headers and a message.
fn request(is_idempotent: bool) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(Bytes::from_static(b"question")));
    let headers = request.headers_mut();
    headers.reserve(8);
    headers.insert("te", HeaderValue::from_static("trailers"));
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    headers.insert("user-agent", HeaderValue::from_static("tonic"));
    if is_idempotent {
        request.extensions_mut().insert(Idempotent);
    }
    request
}

/// One call that has to be over at the first look.
fn call<S, R>(service: &mut S, request: R) -> S::Response
where
    S: Service<R>,
    S::Error: Debug,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    match pin!(service.call(request)).poll(&mut cx) {
        Poll::Ready(result) => result.expect("all is well"),
        Poll::Pending => panic!("the service answers at once"),
    }
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

fn hedge() -> HedgeLayer {
    let after = Some(Duration::from_secs(1));
    HedgeLayer::new(Hedging::new("memory", hedge::Config { after, ..Default::default() }, budget()))
}

fn balanced(count: usize) -> impl Service<Request<Full<Bytes>>, Response = impl Sized, Error: Debug> {
    let endpoints = Endpoints::new();
    let guarded =
        || ServiceBuilder::new().layer(breaker()).layer(bulkhead()).layer(TIMEOUT).service(NoOp::new());
    endpoints.set((0..count).map(|at| Endpoint::new(at.to_string(), guarded())).collect());
    Balance::new(endpoints)
}

const TIMEOUT: TimeoutLayer = TimeoutLayer::new(Duration::from_secs(5));
const DEADLINE: OutboundLayer = OutboundLayer::new(Duration::from_secs(10), Duration::from_millis(5));

/// Rows in nanoseconds per call. The request is part of each; what it costs alone stands first.
fn stacks(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _entered = runtime.enter();
    let retry = || RetryLayer::new(Policy::default(), budget());
    let mut group = c.benchmark_group("stack");
    macro_rules! row {
        ($name:literal, $stack:expr, $idempotent:expr) => {
            let mut service = $stack;
            group.bench_function($name, |b| {
                b.iter(|| drop(black_box(call(&mut service, request($idempotent)))));
            });
        };
    }
    row!("nothing", NoOp::new(), false);
    row!("timeout", ServiceBuilder::new().layer(TIMEOUT).service(NoOp::new()), false);
    row!(
        "bulkhead, timeout",
        ServiceBuilder::new().layer(bulkhead()).layer(TIMEOUT).service(NoOp::new()),
        false
    );
    row!(
        "breaker, bulkhead, timeout",
        ServiceBuilder::new().layer(breaker()).layer(bulkhead()).layer(TIMEOUT).service(NoOp::new()),
        false
    );
    row!(
        "retry, breaker, bulkhead, timeout",
        ServiceBuilder::new()
            .layer(retry())
            .layer(breaker())
            .layer(bulkhead())
            .layer(TIMEOUT)
            .service(NoOp::new()),
        false
    );
    let whole = || {
        ServiceBuilder::new()
            .layer(DEADLINE)
            .layer(retry())
            .layer(breaker())
            .layer(bulkhead())
            .layer(TIMEOUT)
            .service(NoOp::new())
    };
    row!("deadline, retry, breaker, bulkhead, timeout", whole(), false);
    row!("the same, for a call that may be repeated", whole(), true);
    let hedged = || {
        ServiceBuilder::new()
            .layer(DEADLINE)
            .layer(retry())
            .layer(hedge())
            .layer(breaker())
            .layer(bulkhead())
            .layer(SentLayer)
            .layer(TIMEOUT)
            .service(NoOp::new())
    };
    row!("with hedge", hedged(), false);
    row!("with hedge, for a call that may be repeated", hedged(), true);
    row!("balance to one, breaker, bulkhead, timeout", balanced(1), false);
    row!("balance to three, breaker, bulkhead, timeout", balanced(3), false);
    group.finish();
}

/// The choice among endpoints of which nothing sets one apart, which takes the longest.
fn picks(c: &mut Criterion) {
    let mut group = c.benchmark_group("pick");
    for count in [2, 3, 10, 100] {
        let views = vec![View { admits: true, rests: false, tried: false, load: 1.0 }; count];
        group.bench_function(format!("one of {count}"), |b| {
            b.iter(|| pick(black_box(&views), black_box([0.9, 0.4])));
        });
    }
    group.finish();
}

criterion_group!(benches, stacks, picks);
criterion_main!(benches);
