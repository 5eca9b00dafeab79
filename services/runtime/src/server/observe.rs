//! What every call gets first: its identity, a span that puts the correlation id on each line, a log line and
//! metrics once the last byte of its answer is out.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bsm_stack::body::{End, Guard, GuardedBody};
use http::{HeaderMap, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tracing::{Span, debug, error_span, info, warn};

use super::{kind, plain_refusal::reworded};
use crate::{
    call::{CORRELATION_HEADER, Call},
    layer_status::is_turned_away,
    metrics::Metrics,
    role::Role,
    status::reason,
    trace,
};

/// Watches every call of a role.
#[derive(Clone, Debug)]
pub(super) struct ObserveLayer {
    role: Role,
    metrics: Metrics,
}

/// The service that [`ObserveLayer`] makes.
#[derive(Clone, Debug)]
pub(super) struct Observe<S> {
    inner: S,
    layer: ObserveLayer,
}

impl ObserveLayer {
    pub(super) fn new(role: Role, metrics: Metrics) -> ObserveLayer {
        ObserveLayer { role, metrics }
    }

    /// The gateway is the first to be called: what its callers say of the account is a stranger's word.
    fn call(&self, headers: &HeaderMap) -> Call {
        if self.role == Role::Gateway { Call::from_headers(headers) } else { Call::handed_on(headers) }
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { inner, layer: self.clone() }
    }
}

impl<S> Service<Request<Body>> for Observe<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Status>,
{
    type Response = Response<Body>;
    type Error = Status;
    type Future = ObserveFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let call = self.layer.call(request.headers());
        let method: Arc<str> = request.uri().path().trim_start_matches('/').into();
        let role = self.layer.role.name();
        // At the level of errors, so that every line has its id whatever is filtered.
        // Of nobody but its caller's trace, whose task this may be.
        let span =
            error_span!(parent: None, "call", role, rpc = &*method, correlation_id = call.correlation_id());
        trace::set_parent(&span, request.headers());
        let watch = Watch {
            role,
            known: kind::is_known(request.uri().path()),
            method,
            span: span.clone(),
            metrics: self.layer.metrics.clone(),
            began: Instant::now(),
            ended: false,
            turned_away: false,
        };
        let correlation = HeaderValue::from_str(call.correlation_id()).ok();
        request.extensions_mut().insert(call);
        let inner = span.in_scope(|| self.inner.call(request));
        ObserveFuture { inner, span, watch: Some(watch), correlation }
    }
}

pin_project! {
    /// The call inside its span.
    pub(super) struct ObserveFuture<F> {
        #[pin]
        inner: F,
        span: Span,
        watch: Option<Watch>,
        correlation: Option<HeaderValue>,
    }
}

impl<F> Future for ObserveFuture<F>
where
    F: Future<Output = Result<Response<Body>, Status>>,
{
    type Output = Result<Response<Body>, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let entered = this.span.enter();
        let answer = ready!(this.inner.poll(cx));
        drop(entered);
        let mut response = answer?;
        let Some(mut watch) = this.watch.take() else { return Poll::Ready(Ok(response)) };
        let refused = Status::from_header_map(response.headers()); // a head without a body: all is said
        let reworded = refused.as_ref().and_then(|status| reworded(status, &watch.method));
        if let Some(status) = &reworded {
            response = status.clone().into_http();
        }
        if let Some(id) = this.correlation.take() {
            response.headers_mut().insert(CORRELATION_HEADER, id);
        }
        Poll::Ready(Ok(match reworded.or(refused) {
            Some(status) => {
                watch.turned_away = reason(&status).is_some_and(|reason| is_turned_away(&reason));
                watch.done(status.code());
                response
            }
            None => response.map(|body| Body::new(GuardedBody::new(body, watch))),
        }))
    }
}

/// Tells of one call, once.
struct Watch {
    role: &'static str,
    method: Arc<str>,
    /// Methods that clients make up share one label: inventing names must not grow the metrics.
    known: bool,
    span: Span,
    metrics: Metrics,
    began: Instant,
    ended: bool,
    /// By a guard.
    turned_away: bool,
}

impl Watch {
    fn done(&mut self, code: Code) {
        self.ended = true;
        let took = self.began.elapsed();
        let method = if self.known { &self.method } else { "unknown" };
        self.metrics.served(self.role, method, &format!("{code:?}"), took);
        self.span.in_scope(|| log(code, self.turned_away, took));
    }
}

/// One line a call. What the caller did wrong is not the operator's alarm; whom a guard turned away, the metrics count.
fn log(code: Code, turned_away: bool, took: Duration) {
    let ms = took.as_secs_f64() * 1e3;
    match code {
        _ if turned_away => debug!(code = ?code, ms, "turned away"),
        Code::Ok => debug!(code = ?code, ms, "served"),
        Code::Internal | Code::Unknown | Code::DataLoss => warn!(code = ?code, ms, "served"),
        _ => info!(code = ?code, ms, "served"),
    }
}

impl Guard for Watch {
    fn end(mut self, end: End<'_>) {
        let code = match end {
            End::Complete(trailers) => code_of(trailers),
            End::Failed(err) => crate::layer_status::status_of(err).code(),
        };
        self.done(code);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.ended {
            self.done(Code::Cancelled); // the caller went away
        }
    }
}

fn code_of(trailers: Option<&HeaderMap>) -> Code {
    let status = trailers.and_then(Status::from_header_map);
    status.map_or(Code::Unknown, |status| status.code())
}
