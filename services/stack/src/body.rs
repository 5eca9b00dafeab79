//! A response body that carries a guard until the stream has ended, and tells the guard how it ended.
//!
//! A call is not over when its head arrives: the slot it occupies and the verdict about it belong to the end of
//! the body. The guard is told exactly once; a body dropped half-way simply drops its guard.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::BoxError;

/// Something that lives as long as a response body.
pub trait Guard {
    /// The body has brought a message and still goes on: its reader waits for more, or has got more. May be called
    /// many times.
    fn lasts(&mut self) {}

    /// The body has ended. Not called when the body is dropped before its end.
    fn end(self, end: End<'_>);
}

/// How a body ended.
#[derive(Debug)]
pub enum End<'a> {
    /// All of it was read; with the trailers, if there were any.
    Complete(Option<&'a HeaderMap>),
    /// Reading it failed.
    Failed(&'a (dyn Error + 'static)),
}

pin_project! {
    /// A body with a guard. Errors are boxed, so that bodies of several layers nest.
    #[derive(Debug)]
    pub struct GuardedBody<B, G> {
        #[pin]
        inner: B,
        guard: Option<G>,
        has_message: bool,
    }
}

// === impl GuardedBody ===

impl<B: Body, G: Guard> GuardedBody<B, G> {
    /// Puts `guard` on `inner`. A body that is already at its end ends the guard at once, because nobody is
    /// obliged to poll such a body.
    pub fn new(inner: B, guard: G) -> Self {
        let mut guard = Some(guard);
        if inner.is_end_stream() {
            tell(&mut guard, End::Complete(None));
        }
        Self { inner, guard, has_message: false }
    }

    /// The body without a guard: whatever there was to say about it has been said.
    pub fn unguarded(inner: B) -> Self {
        Self { inner, guard: None, has_message: false }
    }
}

impl<B, G> Body for GuardedBody<B, G>
where
    B: Body,
    B::Error: Into<BoxError>,
    G: Guard,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(cx);
        let goes_on = match &polled {
            Poll::Pending => true,
            Poll::Ready(frame) => matches!(frame, Some(Ok(frame)) if frame.is_data()),
        };
        if let Some(guard) = this.guard.as_mut().filter(|_| *this.has_message && goes_on) {
            guard.lasts();
        }
        let frame = ready!(polled).map(|frame| frame.map_err(Into::into));
        *this.has_message = true; // or it is over, and then there is no guard any more
        match &frame {
            None => tell(this.guard, End::Complete(None)),
            Some(Err(error)) => tell(this.guard, End::Failed(&**error)),
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    tell(this.guard, End::Complete(Some(trailers)));
                } else if this.inner.is_end_stream() {
                    tell(this.guard, End::Complete(None)); // the reader may stop here without seeing `None`
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn tell<G: Guard>(guard: &mut Option<G>, end: End<'_>) {
    if let Some(guard) = guard.take() {
        guard.end(end);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use bytes::Bytes;
    use http_body_util::{Empty, Full};

    use super::*;
    use crate::testing::{drain, next, streaming};

    /// Tells the test what it is told.
    struct Witness(Sender<&'static str>);

    impl Guard for Witness {
        fn end(self, end: End<'_>) {
            let how = match end {
                End::Complete(None) => "complete",
                End::Complete(Some(_)) => "trailers",
                End::Failed(_) => "failed",
            };
            self.0.send(how).expect("the test looks");
        }
    }

    fn watched<B: Body>(body: B) -> (GuardedBody<B, Witness>, Receiver<&'static str>) {
        let (sender, told) = channel();
        (GuardedBody::new(body, Witness(sender)), told)
    }

    #[tokio::test]
    async fn the_guard_is_told_once_how_the_body_ended() {
        let (feeder, response) = streaming();
        let (body, told) = watched(response.into_body());
        feeder.data();
        feeder.trailers("0");
        drop(feeder); // the end comes after the trailers and is not told again
        drain(body).await.expect("whole");
        assert_eq!(told.iter().collect::<Vec<_>>(), ["trailers"]);

        let (feeder, response) = streaming();
        let (body, told) = watched(response.into_body());
        feeder.fail("connection reset");
        drain(body).await.expect_err("broken");
        assert_eq!(told.iter().collect::<Vec<_>>(), ["failed"]);
    }

    #[tokio::test]
    async fn a_body_that_nobody_needs_to_poll_to_its_end_tells_it_anyway() {
        let (_body, told) = watched(Empty::<Bytes>::new());
        assert_eq!(told.try_recv(), Ok("complete"), "empty from the start");

        let (mut body, told) = watched(Full::new(Bytes::from_static(b"all of it")));
        next(&mut body).await.expect("a frame").expect("data");
        assert!(body.is_end_stream());
        assert_eq!(told.try_recv(), Ok("complete"), "the last frame was the last");
    }

    #[tokio::test]
    async fn a_body_dropped_half_way_drops_its_guard_untold() {
        let (_feeder, response) = streaming();
        let (body, told) = watched(response.into_body());
        drop(body);
        assert!(told.recv().is_err());
    }
}
