//! Outbound: what is left of this call's deadline becomes the callee's `grpc-timeout`.

use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

use super::grpc_timeout::grpc_timeout;
use super::inbound::requested;
use super::{Deadline, DeadlineBody, DeadlineFuture, GRPC_TIMEOUT};

/// Bounds an outbound call, all its attempts and waits together, and tells the callee how long it has.
#[derive(Clone, Copy, Debug)]
pub struct OutboundLayer {
    default: Duration,
    margin: Duration,
}

/// The service that [`OutboundLayer`] makes.
#[derive(Clone, Debug)]
pub struct Outbound<S> {
    inner: S,
    layer: OutboundLayer,
}

// === impl OutboundLayer ===

impl OutboundLayer {
    /// No call lasts longer than `default`, nor than the [`Deadline`] in its extensions, nor than a `grpc-timeout`
    /// that it already carries. The callee is told `margin` less, so that its answer ("too late") still arrives
    /// in time; a call that has no more than `margin` left is not sent.
    #[must_use]
    pub const fn new(default: Duration, margin: Duration) -> Self {
        Self { default, margin }
    }

    fn deadline<A>(&self, request: &Request<A>, now: Instant) -> Deadline {
        let asked = requested(request.headers()).unwrap_or(self.default);
        let own = Deadline::counting_from(now, self.default.min(asked));
        request.extensions().get::<Deadline>().map_or(own, |inherited| inherited.earlier(own))
    }
}

impl<S> Layer<S> for OutboundLayer {
    type Service = Outbound<S>;

    fn layer(&self, inner: S) -> Outbound<S> {
        Outbound { inner, layer: *self }
    }
}

// === impl Outbound ===

impl<S, A, B> Service<Request<A>> for Outbound<S>
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
        let deadline = self.layer.deadline(&request, now);
        let given = deadline.remaining(now);
        let callee = given.saturating_sub(self.layer.margin);
        if callee.is_zero() {
            return DeadlineFuture::expired();
        }
        request.headers_mut().insert(GRPC_TIMEOUT, grpc_timeout(callee));
        request.extensions_mut().insert(deadline); // the layers below bound their own waits by it
        DeadlineFuture::running(self.inner.call(request), deadline, given)
    }
}
