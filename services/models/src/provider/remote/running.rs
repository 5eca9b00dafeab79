//! A streamed answer under way.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::PieceStream;
use super::turn::Turn;
use crate::answer::{Answer, Piece};
use crate::failure::{Failure, Kind};
use crate::patience::Patience;
use crate::upstream::Reply;
use crate::wire::Pieces;

/// A stream, and what has come of it but was not handed on yet.
pub(super) struct Running {
    /// Where more comes from; `None` when all has come.
    source: Option<(Reply, Box<dyn Pieces>)>,
    ready: VecDeque<Piece>,
    /// The model that was asked.
    model: String,
}

// === impl Running ===

impl Running {
    pub(super) fn new(reply: Reply, pieces: Box<dyn Pieces>, model: &str) -> Self {
        Self { source: Some((reply, pieces)), ready: VecDeque::new(), model: model.to_owned() }
    }

    /// An answer that came whole although a stream was asked for.
    pub(super) fn whole(answer: Answer, model: &str) -> Self {
        Self { source: None, ready: answer.into_pieces().collect(), model: model.to_owned() }
    }

    /// Waits until something can be handed on.
    pub(super) async fn first(&mut self, patience: &mut Patience) -> Result<(), Failure> {
        while self.ready.is_empty() {
            self.read(patience).await?;
        }
        patience.begun();
        Ok(())
    }

    /// The next piece. After [`Piece::Done`] there is none.
    async fn next(&mut self, patience: &mut Patience) -> Result<Piece, Failure> {
        while self.ready.is_empty() {
            self.read(patience).await?;
        }
        Ok(self.ready.pop_front().expect("the loop ends when there is one"))
    }

    async fn read(&mut self, patience: &mut Patience) -> Result<(), Failure> {
        let ended = || Failure::new(Kind::Internal, "was read beyond the end of its answer");
        let (reply, pieces) = self.source.as_mut().ok_or_else(ended)?;
        match patience.wait(reply.next()).await? {
            Some(bytes) => self.ready.extend(pieces.push(&bytes)?),
            None => self.ready.push_back(pieces.end()?),
        }
        Ok(())
    }

    /// The pieces one by one, settled with the breaker at the end. Dropping the stream drops the connection.
    pub(super) fn into_stream(self, turn: Turn, provider: Arc<str>) -> PieceStream {
        let begin = Some((self, turn, provider));
        let step = |state: Option<(Running, Turn, Arc<str>)>| async move {
            let (mut running, mut turn, provider) = state?;
            let piece = running.next(&mut turn.patience).await;
            match piece {
                Ok(Piece::Done(finish)) => {
                    turn.conclude(None);
                    Some((Ok(Piece::Done(finish.or_model(&running.model))), None))
                }
                Ok(piece) => {
                    turn.goes_on();
                    Some((Ok(piece), Some((running, turn, provider))))
                }
                Err(failure) => {
                    turn.conclude(Some(&failure));
                    Some((Err(turn.told(failure, &provider)), None))
                }
            }
        };
        stream::unfold(begin, step).boxed()
    }
}
