//! Inbound: the caller's `grpc-timeout` becomes this call's deadline.

use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

use super::{Deadline, DeadlineBody, DeadlineFuture, GRPC_TIMEOUT, parse_grpc_timeout};

/// Gives every inbound call a deadline, puts it into the request's extensions and enforces it.
#[derive(Clone, Copy, Debug)]
pub struct InboundLayer {
    default: Duration,
    max: Duration,
}

/// The service that [`InboundLayer`] makes.
#[derive(Clone, Debug)]
pub struct Inbound<S> {
    inner: S,
    layer: InboundLayer,
}

// === impl InboundLayer ===

impl InboundLayer {
    /// `default` is for callers that name no deadline (or one that cannot be read); nobody gets more than `max`.
    #[must_use]
    pub const fn new(default: Duration, max: Duration) -> Self {
        Self { default, max }
    }

    fn allowed(&self, headers: &HeaderMap) -> Duration {
        requested(headers).unwrap_or(self.default).min(self.max)
    }
}

impl<S> Layer<S> for InboundLayer {
    type Service = Inbound<S>;

    fn layer(&self, inner: S) -> Inbound<S> {
        Inbound { inner, layer: *self }
    }
}

// === impl Inbound ===

impl<S, A, B> Service<Request<A>> for Inbound<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    type Response = Response<DeadlineBody<B>>;
    type Error = BoxError;
    type Future = DeadlineFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let now = Instant::now();
        let own = Deadline::counting_from(now, self.layer.allowed(request.headers()));
        // A layer above (a bulkhead whose queue the call stood in) may have known the deadline already.
        let deadline = request.extensions().get::<Deadline>().map_or(own, |known| known.earlier(own));
        if deadline.expired(now) {
            return DeadlineFuture::expired(); // nobody waits for it: the handler never sees it
        }
        request.extensions_mut().insert(deadline);
        DeadlineFuture::running(self.inner.call(request), deadline, deadline.remaining(now))
    }
}

/// What the `grpc-timeout` header asks for; a header that cannot be read asks for nothing.
pub(super) fn requested(headers: &HeaderMap) -> Option<Duration> {
    parse_grpc_timeout(headers.get(GRPC_TIMEOUT)?.to_str().ok()?)
}
