//! The rate limit as a layer: whoever made the request is charged for it before anything else happens.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::request::Parts;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

use super::{Key, RateLimiter, Refused, Remaining};

/// Says who is charged for a request; `None` for those that are not limited.
type Charge = dyn Fn(&Parts) -> Option<Key> + Send + Sync;

/// Refuses calls of whoever made too many, and tells the others what they have left.
#[derive(Clone)]
pub struct RateLimitLayer {
    limiter: RateLimiter,
    charge: Arc<Charge>,
}

/// The service that [`RateLimitLayer`] makes.
#[derive(Clone)]
pub struct RateLimit<S> {
    inner: S,
    layer: RateLimitLayer,
}

pin_project! {
    /// The response, with the `ratelimit-*` headers; or [`Refused`].
    #[project = RateLimitFutureProj]
    #[derive(Debug)]
    pub enum RateLimitFuture<F> {
        /// The call is under way.
        #[doc(hidden)]
        Admitted { #[pin] call: F, remaining: Option<(Remaining, RateLimiter)> },
        /// The call was not made.
        #[doc(hidden)]
        Refused { refused: Refused },
    }
}

// === impl RateLimitLayer ===

impl RateLimitLayer {
    /// All services this layer makes share `limiter`; `charge` says whose call it is. Two of these layers limit per
    /// caller and per address.
    #[must_use]
    pub fn new(limiter: RateLimiter, charge: impl Fn(&Parts) -> Option<Key> + Send + Sync + 'static) -> Self {
        Self { limiter, charge: Arc::new(charge) }
    }

    fn decide(&self, head: &Parts) -> Result<Option<(Remaining, RateLimiter)>, Refused> {
        let Some(key) = (self.charge)(head) else { return Ok(None) };
        let remaining = self.limiter.decide(&key, Instant::now())?;
        Ok(Some((remaining, self.limiter.clone())))
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimit<S>;

    fn layer(&self, inner: S) -> RateLimit<S> {
        RateLimit { inner, layer: self.clone() }
    }
}

impl fmt::Debug for RateLimitLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateLimitLayer").field(&self.limiter).finish()
    }
}

// === impl RateLimit ===

impl<S, A, B> Service<Request<A>> for RateLimit<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = RateLimitFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (head, body) = request.into_parts();
        match self.layer.decide(&head) {
            Err(refused) => RateLimitFuture::Refused { refused },
            Ok(remaining) => {
                let call = self.inner.call(Request::from_parts(head, body));
                RateLimitFuture::Admitted { call, remaining }
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for RateLimit<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}

// === impl RateLimitFuture ===

impl<F, B, E> Future for RateLimitFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<B>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            RateLimitFutureProj::Refused { refused } => Poll::Ready(Err((*refused).into())),
            RateLimitFutureProj::Admitted { call, remaining } => {
                let mut response = ready!(call.poll(cx)).map_err(Into::into)?;
                if let Some((remaining, limiter)) = remaining {
                    remaining.write(response.headers_mut());
                    limiter.write_policy(response.headers_mut());
                }
                Poll::Ready(Ok(response))
            }
        }
    }
}
