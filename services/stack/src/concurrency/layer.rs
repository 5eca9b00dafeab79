//! The adaptive limit as a layer: a place is taken in `call`, the call is timed to its head, and the place is kept to
//! the end of its body.

use std::error::Error;
use std::future::Future;
use std::iter;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{BoxError, Layer, Service};

use super::{Limiter, Overloaded, Permit};
use crate::body::{End, Guard, GuardedBody};
use crate::classify::GRPC_STATUS;
use crate::deadline::DeadlineExceeded;
use crate::priority::Priority;
use crate::retry::is_good;

/// Whether the call to a path is exempt.
type Exempt = fn(path: &str) -> bool;

/// Lets calls in as long as a [`Limiter`] has room for their [`Priority`].
#[derive(Clone, Debug)]
pub struct ConcurrencyLayer {
    limiter: Limiter,
    exempt: Exempt,
}

/// The service that [`ConcurrencyLayer`] makes.
#[derive(Clone, Debug)]
pub struct Concurrency<S> {
    inner: S,
    layer: ConcurrencyLayer,
}

pin_project! {
    /// The response, or [`Overloaded`].
    #[project = ConcurrencyFutureProj]
    #[derive(Debug)]
    pub enum ConcurrencyFuture<F> {
        /// The call is under way; without a permit if it is exempt.
        #[doc(hidden)]
        Running { #[pin] call: F, permit: Option<Permit> },
        /// The call was not made.
        #[doc(hidden)]
        Refused { error: Option<Overloaded> },
    }
}

// === impl ConcurrencyLayer ===

impl ConcurrencyLayer {
    /// All services this layer makes share `limiter`. `exempt` says, by the path of a call (for gRPC
    /// `/package.Service/Method`), which calls always pass: health, reflection, operations, streams without an end.
    #[must_use]
    pub const fn new(limiter: Limiter, exempt: fn(path: &str) -> bool) -> Self {
        Self { limiter, exempt }
    }

    fn admit<A>(&self, request: &Request<A>) -> Result<Option<Permit>, Overloaded> {
        if (self.exempt)(request.uri().path()) {
            return Ok(None);
        }
        self.limiter.try_acquire(Priority::of(request.extensions())).map(Some)
    }
}

impl<S> Layer<S> for ConcurrencyLayer {
    type Service = Concurrency<S>;

    fn layer(&self, inner: S) -> Concurrency<S> {
        Concurrency { inner, layer: self.clone() }
    }
}

// === impl Concurrency ===

impl<S, A, B> Service<Request<A>> for Concurrency<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body,
{
    type Response = Response<GuardedBody<B, Permit>>;
    type Error = BoxError;
    type Future = ConcurrencyFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        match self.layer.admit(&request) {
            Ok(permit) => ConcurrencyFuture::Running { call: self.inner.call(request), permit },
            Err(error) => ConcurrencyFuture::Refused { error: Some(error) },
        }
    }
}

// === impl ConcurrencyFuture ===

impl<F, B, E> Future for ConcurrencyFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: Body,
{
    type Output = Result<Response<GuardedBody<B, Permit>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            ConcurrencyFutureProj::Refused { error } => {
                Poll::Ready(Err(error.take().expect("polled after it was ready").into()))
            }
            ConcurrencyFutureProj::Running { call, permit } => {
                let result = ready!(call.poll(cx)).map_err(Into::into);
                Poll::Ready(match permit.take() {
                    None => result.map(|response| response.map(GuardedBody::unguarded)),
                    Some(permit) => time(result, permit),
                })
            }
        }
    }
}

/// Says how the call went; its place goes with the body.
fn time<B: Body>(
    result: Result<Response<B>, BoxError>,
    permit: Permit,
) -> Result<Response<GuardedBody<B, Permit>>, BoxError> {
    match &result {
        Ok(response) if is_good(response) => permit.answered(),
        Ok(response) if says_too_late(response) => permit.ran_out_of_time(),
        Err(error) if is_too_late(&**error) => permit.ran_out_of_time(),
        Ok(_) | Err(_) => permit.failed(),
    }
    result.map(|response| response.map(|body| GuardedBody::new(body, permit)))
}

fn says_too_late<B>(response: &Response<B>) -> bool {
    const DEADLINE_EXCEEDED: &str = "4";
    response.status() == StatusCode::GATEWAY_TIMEOUT
        || response.headers().get(&GRPC_STATUS).is_some_and(|status| status == DEADLINE_EXCEEDED)
}

fn is_too_late(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source()).any(|error| error.is::<DeadlineExceeded>())
}

// === impl Permit ===

impl Guard for Permit {
    /// The place is free again, however the body ended.
    fn end(self, _end: End<'_>) {}
}
