//! An answer with a word on how it was come by.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::event::{Event, Fault, Head};
use super::position::Position;
use super::store::{Opened, Source};
use super::wishes::CacheUse;
use crate::answer::Piece;
use crate::failure::Failure;
use crate::gateway::Answered;
use crate::provider::PieceStream;

/// An answer, and how it was come by.
#[derive(Debug)]
pub struct Told<T> {
    /// The answer, or the stream of it.
    pub answered: Answered<T>,
    /// What the cache had; `None`: it was not asked.
    pub cached: Option<Cached>,
    /// Whether a call before, under the same idempotency key, asked for it.
    pub replayed: bool,
    /// Whether the answer begins at its beginning: a resumed stream does not.
    pub from_start: bool,
}

/// What the cache had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cached {
    /// Nothing: the answer was asked for.
    Miss,
    /// The answer, which is so old.
    Hit(Duration),
}

/// A piece of a streamed answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered {
    /// Behind which the stream can be resumed; `None` where it cannot.
    pub id: Option<Position>,
    /// The piece.
    pub piece: Piece,
}

/// A streamed answer. Nothing follows [`Piece::Done`] or a failure; dropping it is leaving.
pub type NumberedStream = BoxStream<'static, Result<Numbered, Failure>>;

/// How an answer was come by, before it is known whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) source: Source,
    pub(super) by: By,
    pub(super) from_start: bool,
}

/// Which key led to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The caller's own; below it the cache was asked, or not.
    IdempotencyKey(CacheUse),
    /// The question itself.
    Question,
}

// === impl Told ===

impl<T> Told<T> {
    /// An answer that nothing was wished for.
    pub(super) fn plain(answered: Answered<T>) -> Self {
        Self { answered, cached: None, replayed: false, from_start: true }
    }
}

impl Told<PieceStream> {
    /// Pieces that are not kept have no numbers.
    pub(super) fn unnumbered(self) -> Told<NumberedStream> {
        let Told { answered: Answered { answer, provider, model, attempts }, cached, replayed, from_start } =
            self;
        let answer = answer.map_ok(|piece| Numbered { id: None, piece }).boxed();
        Told { answered: Answered { answer, provider, model, attempts }, cached, replayed, from_start }
    }
}

// === impl Note ===

impl Note {
    /// The answer with this note.
    pub(super) fn tell<T>(self, head: &Arc<Head>, answer: T) -> Told<T> {
        let below = head.kept_since.map(|since| Instant::now().saturating_duration_since(since));
        let (cached, replayed) = self.seen(below);
        Told { answered: head.answered(answer), cached, replayed, from_start: self.from_start }
    }

    /// What the cache had, and whether the answer is a repeat; the cache below a key had one of age `below`.
    pub(super) fn seen(self, below: Option<Duration>) -> (Option<Cached>, bool) {
        let kept = match (self.by, self.source) {
            (By::IdempotencyKey(_), _) => below,
            (By::Question, Source::Kept(age)) => Some(age),
            (By::Question, Source::Asked | Source::Joined) => None,
        };
        let was_asked = self.by != By::IdempotencyKey(CacheUse::Off);
        let cached = was_asked.then(|| kept.map_or(Cached::Miss, Cached::Hit));
        let replayed = matches!(self.by, By::IdempotencyKey(_)) && self.source != Source::Asked;
        (cached, replayed)
    }
}

/// The pieces of a run, with their numbers where they are of use.
pub(super) fn numbered(run: Opened<Event, Fault>, by: By) -> NumberedStream {
    let pieces = stream::unfold(Some(run), move |run| async move {
        let mut run = run?;
        loop {
            return match run.next().await? {
                Ok((_, Event::Began(_))) => continue,
                Ok((position, Event::Piece(piece))) => {
                    let id = matches!(by, By::IdempotencyKey(_)).then_some(position);
                    Some((Ok(Numbered { id, piece }), Some(run)))
                }
                Err(fault) => Some((Err(fault.amid_the_answer()), None)),
            };
        }
    });
    pieces.boxed()
}
