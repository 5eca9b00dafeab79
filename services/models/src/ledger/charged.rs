//! A streamed answer that is settled at its end, whichever that is.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt};

use super::Hold;
use crate::answer::Piece;
use crate::failure::Failure;
use crate::provider::PieceStream;

/// The stream, and what is held for it until the end.
struct Charged {
    pieces: PieceStream,
    hold: Option<Hold>,
}

impl Hold {
    /// Settles with the last piece of a stream, or when it breaks or is dropped before.
    #[must_use]
    pub fn over(self, pieces: PieceStream) -> PieceStream {
        Charged { pieces, hold: Some(self) }.boxed()
    }
}

impl Stream for Charged {
    type Item = Result<Piece, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = ready!(self.pieces.poll_next_unpin(cx));
        match &piece {
            Some(Ok(Piece::Done(finish))) => {
                let settle = |hold: Hold| hold.answered(&finish.model, finish.usage);
                self.hold.take().into_iter().for_each(settle);
            }
            Some(Ok(piece)) => {
                let bytes = weight(piece);
                self.hold.iter_mut().for_each(|hold| hold.delivered(bytes));
            }
            Some(Err(_)) => self.hold.take().into_iter().for_each(Hold::broke),
            None => {} // dropped with the stream
        }
        Poll::Ready(piece)
    }
}

/// Bytes that the model wrote.
fn weight(piece: &Piece) -> usize {
    match piece {
        Piece::Delta(text) => text.len(),
        Piece::Call(call) => call.arguments.len() + call.name.as_ref().map_or(0, String::len),
        Piece::Citations(_) | Piece::Done(_) => 0,
    }
}
