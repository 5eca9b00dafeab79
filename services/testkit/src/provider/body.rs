//! The body of an answer on its way: paced, broken off, counted.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body::{Frame, SizeHint};

use super::log::Ticket;
use crate::{
    reply::{Break, Chunks, Shape},
    serve::Connection,
};

/// What is left to send.
pub(super) struct Sending {
    chunks: Chunks,
    sent: usize,
    every: Duration,
    paced: bool,
    stop: Option<(usize, Break)>,
    ticket: Ticket,
    connection: Connection,
}

/// A body whose length is known, so that it is sent with a `Content-Length`.
struct Sized<S> {
    left: u64,
    inner: S,
}

// === impl Sending ===

impl Sending {
    pub(super) fn new(chunks: Chunks, shape: &Shape, ticket: Ticket, connection: Connection) -> Sending {
        let (every, paced, stop) = (shape.every, shape.is_paced(), shape.stop);
        Sending { chunks, sent: 0, every, paced, stop, ticket, connection }
    }

    pub(super) fn into_body(mut self) -> Body {
        let left = self.chunks.left();
        if left == 0 && self.stop.is_none() {
            self.ticket.answered(); // nobody asks an empty body for its chunks
        }
        // An endless body has no announced length: that would give it away.
        let whole = self.stop.is_none() && matches!(self.chunks, Chunks::List(_));
        let inner = Box::pin(stream::unfold(self, Sending::next));
        match whole {
            true => Body::new(Sized { left, inner }),
            false => Body::from_stream(inner),
        }
    }

    async fn next(mut self) -> Option<(io::Result<Bytes>, Sending)> {
        if let Some((after, how)) = self.stop
            && self.sent == after
        {
            // The server writes what it was given when a body has to wait, so that the client gets all of it.
            tokio::task::yield_now().await;
            return self.end(how).await;
        }
        if self.sent > 0 && !self.every.is_zero() {
            tokio::time::sleep(self.every).await;
        } else if self.sent > 0 && self.paced {
            tokio::task::yield_now().await;
        }
        let Some(chunk) = self.chunks.next() else {
            self.ticket.answered();
            return None;
        };
        self.sent += 1;
        self.ticket.sent(chunk.len());
        if self.chunks.is_empty() && self.stop.is_none_or(|(after, _)| after != self.sent) {
            self.ticket.answered(); // a body of known length is not asked again
        }
        Some((Ok(chunk), self))
    }

    async fn end(mut self, how: Break) -> Option<(io::Result<Bytes>, Sending)> {
        match how {
            Break::Hang => std::future::pending().await,
            Break::Reset => {
                self.ticket.broken();
                self.connection.reset();
                std::future::pending().await
            }
            Break::Close => {
                self.ticket.broken();
                Some((Err(io::Error::other("closed as scripted")), self))
            }
            Break::End => {
                self.ticket.broken();
                None
            }
        }
    }
}

// === impl Sized ===

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> http_body::Body for Sized<S> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let next = std::task::ready!(Pin::new(&mut self.inner).poll_next(cx));
        Poll::Ready(next.map(|chunk| {
            chunk.map(|chunk| {
                self.left = self.left.saturating_sub(chunk.len() as u64);
                Frame::data(chunk)
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
