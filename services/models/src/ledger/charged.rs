//! A streamed answer that is settled at its end, whichever that is.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};

use super::Hold;
use crate::answer::{Finish, Piece};
use crate::failure::Failure;
use crate::meter::Watch;
use crate::provider::Echo;

/// The stream, and what is held for it until the end.
struct Charged<T> {
    parts: BoxStream<'static, Result<T, Failure>>,
    hold: Option<Hold>,
}

/// A part of a streamed answer.
pub trait Part {
    /// How the answer ended, in its last part.
    fn finish(&self) -> Option<&Finish>;

    /// Bytes of it that the model wrote.
    fn wrote(&self) -> usize;
}

impl Hold {
    /// Settles with the last piece of a stream, or when it breaks or is dropped before.
    #[must_use]
    pub fn over<T: Part + Send + 'static>(
        self,
        parts: BoxStream<'static, Result<T, Failure>>,
    ) -> BoxStream<'static, Result<T, Failure>> {
        let mut hold = self;
        hold.watch.iter_mut().for_each(Watch::opened);
        Charged { parts, hold: Some(hold) }.boxed()
    }
}

impl<T: Part> Stream for Charged<T> {
    type Item = Result<T, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let part = ready!(self.parts.poll_next_unpin(cx));
        match &part {
            Some(Ok(part)) => match part.finish() {
                Some(finish) => {
                    let settle = |hold: Hold| {
                        hold.finished(finish);
                        hold.answered(&finish.model, finish.usage);
                    };
                    self.hold.take().into_iter().for_each(settle);
                }
                None => self.hold.iter_mut().for_each(|hold| hold.delivered(part.wrote())),
            },
            Some(Err(_)) => self.hold.take().into_iter().for_each(Hold::broke),
            None => {} // dropped with the stream
        }
        Poll::Ready(part)
    }
}

impl Part for Piece {
    fn finish(&self) -> Option<&Finish> {
        match self {
            Piece::Done(finish) => Some(finish),
            Piece::Delta(_) | Piece::Call(_) | Piece::Citations(_) => None,
        }
    }

    fn wrote(&self) -> usize {
        match self {
            Piece::Delta(text) => text.len(),
            Piece::Call(call) => call.arguments.len() + call.name.as_ref().map_or(0, String::len),
            Piece::Citations(_) | Piece::Done(_) => 0,
        }
    }
}

impl Part for Echo {
    fn finish(&self) -> Option<&Finish> {
        match self {
            Echo::Done(finish) => Some(finish),
            Echo::Bytes(..) => None,
        }
    }

    fn wrote(&self) -> usize {
        match self {
            Echo::Bytes(_, wrote) => *wrote,
            Echo::Done(_) => 0,
        }
    }
}
