//! The attempt timeout: how long one attempt may take to answer with a head.
//!
//! It is about the upstream's slowness, so it sits right above the connection: below the bulkhead, whose queue is
//! our own affair, and below the breaker, which counts [`AttemptTimedOut`] as a failure. The body of a streaming
//! answer may take longer; the deadline of the whole call bounds that.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower::{BoxError, Layer, Service};

/// The upstream gave no answer within the time of one attempt. It may or may not have done the work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {after:?}, the time allowed for one attempt")]
pub struct AttemptTimedOut {
    /// How long the attempt was given.
    pub after: Duration,
}

/// Bounds the time to the head of a response.
#[derive(Clone, Copy, Debug)]
pub struct TimeoutLayer {
    attempt: Duration,
}

/// The service that [`TimeoutLayer`] makes.
#[derive(Clone, Debug)]
pub struct Timeout<S> {
    inner: S,
    attempt: Duration,
}

pin_project! {
    /// The response, or [`AttemptTimedOut`].
    #[derive(Debug)]
    pub struct TimeoutFuture<F> {
        #[pin]
        call: F,
        #[pin]
        alarm: Option<Sleep>, // set by the first poll that has to wait
        attempt: Duration,
    }
}

// === impl TimeoutLayer ===

impl TimeoutLayer {
    /// Gives each attempt `attempt` to its response head, from the first poll of its future.
    #[must_use]
    pub const fn new(attempt: Duration) -> Self {
        Self { attempt }
    }
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = Timeout<S>;

    fn layer(&self, inner: S) -> Timeout<S> {
        Timeout { inner, attempt: self.attempt }
    }
}

// === impl Timeout ===

impl<S, R> Service<R> for Timeout<S>
where
    S: Service<R>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = TimeoutFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: R) -> Self::Future {
        TimeoutFuture { call: self.inner.call(request), alarm: None, attempt: self.attempt }
    }
}

// === impl TimeoutFuture ===

impl<F, T, E> Future for TimeoutFuture<F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError>,
{
    type Output = Result<T, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(result) = this.call.poll(cx) {
            return Poll::Ready(result.map_err(Into::into)); // an answer in the last moment is an answer
        }
        if this.alarm.is_none() {
            this.alarm.set(Some(sleep(*this.attempt)));
        }
        ready!(this.alarm.as_pin_mut().expect("set above").poll(cx));
        Poll::Ready(Err(AttemptTimedOut { after: *this.attempt }.into()))
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tokio::time::Instant;
    use tower::ServiceExt;

    use super::*;
    use crate::testing::{endpoint, next, streaming};

    const ATTEMPT: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn an_attempt_without_an_answer_ends() {
        let (mock, mut endpoint) = endpoint();
        let start = Instant::now();
        let call = tokio::spawn(TimeoutLayer::new(ATTEMPT).layer(mock).oneshot(Request::new(())));
        let _unanswered = endpoint.next_request().await.expect("sent");
        let error = call.await.expect("no panic").expect_err("nobody answers");
        assert_eq!(error.downcast_ref(), Some(&AttemptTimedOut { after: ATTEMPT }));
        assert_eq!(start.elapsed().as_secs(), ATTEMPT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_may_last_longer_than_its_head() {
        let (mock, mut endpoint) = endpoint();
        let call = tokio::spawn(TimeoutLayer::new(ATTEMPT).layer(mock).oneshot(Request::new(())));
        let (_, send) = endpoint.next_request().await.expect("sent");
        let (feeder, response) = streaming();
        send.send_response(response);
        let mut body = call.await.expect("no panic").expect("a head").into_body();
        tokio::time::advance(ATTEMPT * 2).await;
        feeder.data();
        assert!(next(&mut body).await.expect("a frame").is_ok());
    }
}
