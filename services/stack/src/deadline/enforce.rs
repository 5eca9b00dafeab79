//! Holding a response to its deadline: first the head, then every frame of the body.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::BoxError;

use super::{Deadline, DeadlineExceeded};
use crate::alarm::Alarm;

pin_project! {
    /// The response head, or [`DeadlineExceeded`].
    #[project = DeadlineFutureProj]
    #[derive(Debug)]
    pub enum DeadlineFuture<F> {
        /// The call is under way.
        #[doc(hidden)]
        Running {
            #[pin]
            call: F,
            #[pin]
            alarm: Alarm,
            deadline: Deadline,
            given: Duration,
        },
        /// It was too late to start, or it has run out.
        #[doc(hidden)]
        Expired { given: Duration },
    }
}

pin_project! {
    /// A body that ends with [`DeadlineExceeded`] when the deadline passes before its end.
    #[derive(Debug)]
    pub struct DeadlineBody<B> {
        #[pin]
        inner: Option<B>, // `None` once the deadline has ended it: what it held is let go at once
        #[pin]
        alarm: Alarm,
        deadline: Deadline,
        given: Duration,
    }
}

// === impl DeadlineFuture ===

impl<F> DeadlineFuture<F> {
    /// Bounds a call that has just been started; `given` is what it had left at that moment.
    pub(super) fn running(call: F, deadline: Deadline, given: Duration) -> Self {
        Self::Running { call, alarm: Alarm::at(deadline.instant()), deadline, given }
    }

    /// A call that is not worth starting.
    pub(super) fn expired() -> Self {
        Self::Expired { given: Duration::ZERO }
    }
}

impl<F, B, E> Future for DeadlineFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Response<DeadlineBody<B>>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let given = match self.as_mut().project() {
            DeadlineFutureProj::Expired { given } => *given,
            DeadlineFutureProj::Running { call, alarm, deadline, given } => {
                if let Poll::Ready(result) = call.poll(cx) {
                    let bound = |body| DeadlineBody::new(body, *deadline, *given);
                    return Poll::Ready(result.map(|response| response.map(bound)).map_err(Into::into));
                }
                ready!(alarm.poll(cx));
                *given
            }
        };
        self.set(Self::Expired { given }); // drops the work now, not when the caller drops this future
        Poll::Ready(Err(DeadlineExceeded { given }.into()))
    }
}

// === impl DeadlineBody ===

impl<B> DeadlineBody<B> {
    fn new(inner: B, deadline: Deadline, given: Duration) -> Self {
        Self { inner: Some(inner), alarm: Alarm::at(deadline.instant()), deadline, given }
    }
}

impl<B> Body for DeadlineBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        match inner.poll_frame(cx) {
            // A producer that is never idle would never let the alarm speak, so each message is held to the
            // deadline itself. Trailers pass: with them the answer is complete.
            Poll::Ready(Some(Ok(frame))) if frame.is_data() && this.deadline.expired(Instant::now()) => {}
            Poll::Ready(frame) => return Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
            Poll::Pending => ready!(this.alarm.poll(cx)),
        }
        this.inner.set(None);
        Poll::Ready(Some(Err(DeadlineExceeded { given: *this.given }.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
