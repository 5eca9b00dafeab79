//! A request body that can be sent again.
//!
//! A body that can be had without waiting, as every unary gRPC message can, is taken whole before the first attempt;
//! each attempt then sends clones of the same bytes. A body that is larger than the bound, or still being produced, is
//! a stream and is sent once: waiting for its end could be waiting for ever, because in a conversation the next
//! message may depend on an answer.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tower::BoxError;

#[cfg(test)]
mod tests;

/// What an attempt sends: what was there at once, then what comes after it.
#[derive(Debug)]
pub struct ReplayBody<B> {
    data: Bytes,
    rest: Rest<B>,
}

#[derive(Debug)]
enum Rest<B> {
    /// Nothing, or trailers.
    End(Option<HeaderMap>),
    /// The original, from here on.
    GoesOn(B),
    /// The original failed while it was read.
    Failed(BoxError),
}

/// A whole body, to be sent any number of times. Cloning it copies no data.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    data: Bytes,
    trailers: Option<HeaderMap>,
}

/// Takes what can be had of `body` without waiting, up to a little over `max` bytes. With the body for the first
/// attempt comes the one for further attempts, if it is whole.
pub(crate) fn gather<B>(mut body: B, max: usize) -> (ReplayBody<B>, Option<Whole>)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut data = Gathered::default();
    // Nobody is woken by this look: whoever sends the body polls it again and is.
    let mut cx = Context::from_waker(Waker::noop());
    let rest = loop {
        if body.is_end_stream() {
            break Rest::End(None);
        }
        if data.len() > max || body.size_hint().lower() > max as u64 {
            break Rest::GoesOn(body);
        }
        match Pin::new(&mut body).poll_frame(&mut cx) {
            Poll::Pending => break Rest::GoesOn(body),
            Poll::Ready(None) => break Rest::End(None),
            Poll::Ready(Some(Err(error))) => break Rest::Failed(error.into()),
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(chunk) => data.push(chunk),
                Err(frame) => break Rest::End(frame.into_trailers().ok()),
            },
        }
    };
    let body = ReplayBody { data: data.into_bytes(), rest };
    let whole = body.whole().filter(|whole| whole.data.len() <= max);
    (body, whole)
}

// === impl Whole ===

impl Whole {
    /// Its length in bytes, trailers not counted.
    pub(crate) fn len(&self) -> usize {
        self.data.len()
    }

    /// The body for one more attempt.
    pub(crate) fn again<B>(&self) -> ReplayBody<B> {
        ReplayBody { data: self.data.clone(), rest: Rest::End(self.trailers.clone()) }
    }
}

// === impl ReplayBody ===

impl<B> ReplayBody<B> {
    /// A body that is sent once and not looked at before.
    pub(crate) fn once(body: B) -> Self {
        Self { data: Bytes::new(), rest: Rest::GoesOn(body) }
    }

    fn whole(&self) -> Option<Whole> {
        match &self.rest {
            Rest::End(trailers) => Some(Whole { data: self.data.clone(), trailers: trailers.clone() }),
            Rest::GoesOn(_) | Rest::Failed(_) => None,
        }
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if !self.data.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.data)))));
        }
        if let Rest::GoesOn(body) = &mut self.rest {
            let frame = ready!(Pin::new(body).poll_frame(cx));
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        Poll::Ready(match std::mem::replace(&mut self.rest, Rest::End(None)) {
            Rest::End(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
            Rest::Failed(error) => Some(Err(error)),
            Rest::GoesOn(_) => unreachable!("a body that goes on was polled above"),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_empty()
            && match &self.rest {
                Rest::End(trailers) => trailers.is_none(),
                Rest::GoesOn(body) => body.is_end_stream(),
                Rest::Failed(_) => false,
            }
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = match &self.rest {
            Rest::End(_) => SizeHint::with_exact(0),
            Rest::GoesOn(body) => body.size_hint(),
            Rest::Failed(_) => SizeHint::new(),
        };
        let taken = self.data.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + taken); // the upper bound first: it must not be below the lower one
        }
        hint.set_lower(hint.lower() + taken);
        hint
    }
}

/// The chunks so far. A single one, which is the rule, is not copied.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    more: BytesMut,
}

impl Gathered {
    fn push(&mut self, chunk: Bytes) {
        if self.first.is_empty() {
            self.first = chunk;
            return;
        }
        if self.more.is_empty() {
            self.more.extend_from_slice(&self.first);
        }
        self.more.extend_from_slice(&chunk);
    }

    fn len(&self) -> usize {
        self.more.len().max(self.first.len())
    }

    fn into_bytes(self) -> Bytes {
        if self.more.is_empty() { self.first } else { self.more.freeze() }
    }
}
