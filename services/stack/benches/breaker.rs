//! What a breaker costs: admitting a call, refusing one, and a whole call; tower-resilience's beside ours.
//!
//! `cargo bench -p bsm-stack --bench breaker`
//!
//! Reading the clock is most of it, so its cost stands beside the rest, and `_at` is what is left without it.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bsm_stack::breaker::{Breaker, BreakerLayer, Config};
use bsm_stack::classify::{Classify, Outcome};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use http::response::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::Empty;
use tokio::time::Instant;
use tower::{Layer, Service};
use tower_resilience_circuitbreaker::CircuitBreakerLayer;

type Answer = Response<Empty<Bytes>>;

/// What comes with a head is healthy, so that only the breaker is measured.
#[derive(Clone)]
struct AnyHead;

impl Classify for AnyHead {
    fn head(&self, _: &Parts) -> Option<Outcome> {
        Some(Outcome::Healthy)
    }

    fn trailers(&self, _: Option<&HeaderMap>) -> Outcome {
        Outcome::Healthy
    }

    fn error(&self, _: &(dyn Error + 'static)) -> Outcome {
        Outcome::Failure
    }
}

/// Answers at once.
#[derive(Clone)]
struct NoOp;

impl Service<Request<()>> for NoOp {
    type Response = Answer;
    type Error = Infallible;
    type Future = Ready<Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(Empty::new())))
    }
}

/// Fails at once.
#[derive(Clone)]
struct Broken;

impl Service<Request<()>> for Broken {
    type Response = Answer;
    type Error = &'static str;
    type Future = Ready<Result<Answer, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Err("connection refused"))
    }
}

/// One call that has to be over at the first look.
fn call<S: Service<Request<()>>>(service: &mut S) -> Result<S::Response, S::Error> {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut cx).is_ready());
    match pin!(service.call(Request::new(()))).poll(&mut cx) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the service answers at once"),
    }
}

/// Never trips, although the bench holds permits longer than calls last.
fn closed() -> Breaker {
    Breaker::new("memory", Config { slow_call: Duration::MAX, ..Config::internal() })
}

fn open() -> Breaker {
    let breaker = Breaker::new("memory", Config { consecutive_failures: 1, ..Config::internal() });
    breaker.acquire().expect("closed").record(Outcome::Failure);
    breaker
}

fn theirs() -> CircuitBreakerLayer {
    let settings = CircuitBreakerLayer::builder().failure_rate_threshold(0.5).sliding_window_size(100);
    let settings = settings.minimum_number_of_calls(20).slow_call_duration_threshold(Duration::from_secs(5));
    settings.wait_duration_in_open(Duration::from_secs(60)).build().expect("valid settings")
}

fn decisions(c: &mut Criterion) {
    let mut group = c.benchmark_group("breaker");
    let (closed, open, now) = (closed(), open(), Instant::now());
    group.bench_function("clock", |b| b.iter(|| black_box(Instant::now())));
    group.bench_function("closed/acquire", |b| b.iter_with_large_drop(|| closed.acquire()));
    group.bench_function("closed/acquire_at", |b| b.iter_with_large_drop(|| closed.acquire_at(now)));
    group.bench_function("open/acquire", |b| b.iter(|| drop(black_box(open.acquire()))));
    group.bench_function("open/acquire_at", |b| b.iter(|| drop(black_box(open.acquire_at(now)))));
    group.bench_function("cycle/acquire_record", |b| {
        b.iter(|| closed.acquire().expect("closed").record(Outcome::Healthy));
    });
    group.bench_function("cycle/acquire_record_at", |b| {
        b.iter(|| closed.acquire_at(now).expect("closed").record_at(Outcome::Healthy, now));
    });
    group.finish();
}

fn layers(c: &mut Criterion) {
    let mut group = c.benchmark_group("layer");
    group.bench_function("no breaker/flows", |b| b.iter(|| call(&mut NoOp)));

    let breaker = closed();
    let mut ours = BreakerLayer::new(breaker.clone(), AnyHead).layer(NoOp);
    group.bench_function("ours/flows", |b| b.iter(|| drop(black_box(call(&mut ours)))));
    assert!(breaker.snapshot().rejected == 0, "calls flowed all along");
    let mut refusing = BreakerLayer::new(open(), AnyHead).layer(NoOp);
    group.bench_function("ours/refuses", |b| b.iter(|| drop(black_box(call(&mut refusing)))));

    let mut theirs_flows = theirs().layer(NoOp);
    group.bench_function("tower-resilience/flows", |b| b.iter(|| drop(black_box(call(&mut theirs_flows)))));
    let mut theirs_refuses = theirs().layer(Broken);
    (0..100).for_each(|_| drop(call(&mut theirs_refuses)));
    group.bench_function("tower-resilience/refuses", |b| {
        b.iter(|| drop(black_box(call(&mut theirs_refuses))))
    });
    group.finish();
}

criterion_group!(benches, decisions, layers);
criterion_main!(benches);
