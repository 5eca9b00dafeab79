//! Tells a breaker above a queue when a call has left the queue.

use std::task::{Context, Poll};

use http::Request;
use tower::{Layer, Service};

use super::Stopwatch;

/// Starts the [`Stopwatch`] that [`BreakerLayer::above_a_queue`](super::BreakerLayer::above_a_queue) has put into the
/// request. Belongs right below the queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentLayer;

/// The service that [`SentLayer`] makes.
#[derive(Clone, Debug)]
pub struct Sent<S> {
    inner: S,
}

// === impl SentLayer ===

impl<S> Layer<S> for SentLayer {
    type Service = Sent<S>;

    fn layer(&self, inner: S) -> Sent<S> {
        Sent { inner }
    }
}

// === impl Sent ===

impl<S, A> Service<Request<A>> for Sent<S>
where
    S: Service<Request<A>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> S::Future {
        if let Some(stopwatch) = request.extensions().get::<Stopwatch>() {
            stopwatch.start();
        }
        self.inner.call(request)
    }
}
