//! A call as a log keeps it: who answers, then the answer piece by piece, whichever way it was asked for.

use std::collections::BTreeMap;
use std::mem::size_of;
use std::sync::Arc;

use super::Refused;
use super::log::Item;
use super::store::Lost;
use tokio::time::Instant;

use crate::answer::{Answer, CallDelta, Citation, Piece, ToolCall};
use crate::error::{self, Attempts, Error};
use crate::failure::{Failure, Kind};
use crate::gateway::Answered;

/// One item of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    /// Somebody answers; the first item.
    Began(Arc<Head>),
    /// A piece of the answer.
    Piece(Piece),
}

/// Who answers, and who did not.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    pub(super) provider: Arc<str>,
    pub(super) model: String,
    pub(super) attempts: Vec<error::Attempt>,
    /// When the answer came, if it was one that the cache had.
    pub(super) kept_since: Option<Instant>,
}

/// Why a call has no answer, or not a whole one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fault {
    /// Nobody answered.
    Refused(Error),
    /// The answer broke off.
    Broken(Failure),
    /// The call ended without a word.
    Lost,
}

// === impl Event ===

impl Item for Event {
    fn weight(&self) -> usize {
        let content = match self {
            Event::Began(head) => head.weight(),
            Event::Piece(piece) => content_of(piece),
        };
        size_of::<Self>() + content
    }

    fn is_last(&self) -> bool {
        matches!(self, Event::Piece(Piece::Done(_)))
    }
}

impl Event {
    /// The head of the call, if it is that.
    pub(super) fn head(self) -> Option<Arc<Head>> {
        match self {
            Event::Began(head) => Some(head),
            Event::Piece(_) => None,
        }
    }
}

// === impl Head ===

impl Head {
    /// The head of an answered call, and the answer.
    pub(super) fn of<T>(answered: Answered<T>) -> (Arc<Self>, T) {
        let Answered { answer, provider, model, attempts } = answered;
        (Arc::new(Self { provider, model, attempts, kept_since: None }), answer)
    }

    /// Bytes, about.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.model.len() + self.attempts.len() * 256
    }

    /// The call that began like this, with this answer.
    pub(super) fn answered<T>(&self, answer: T) -> Answered<T> {
        let Self { provider, model, attempts, .. } = self;
        Answered { answer, provider: Arc::clone(provider), model: model.clone(), attempts: attempts.clone() }
    }

    /// The same, of an answer that the cache had; `None` changes nothing.
    pub(super) fn kept_since(&self, since: Option<Instant>) -> Self {
        let Self { provider, model, attempts, kept_since } = self;
        let kept_since = since.or(*kept_since);
        Self { provider: Arc::clone(provider), model: model.clone(), attempts: attempts.clone(), kept_since }
    }

    /// The whole call failed, because its answer broke off.
    pub(super) fn failed(&self, failure: Failure) -> Error {
        let last =
            error::Attempt { provider: Arc::clone(&self.provider), model: self.model.clone(), failure };
        Error::Failed(Attempts::new(self.attempts.clone(), last))
    }
}

// === impl Fault ===

impl Fault {
    /// Of a call that nobody has answered yet.
    pub(super) fn before_any_answer(self) -> Error {
        match self {
            Fault::Refused(error) => error,
            Fault::Broken(_) | Fault::Lost => Error::Replay(Refused::Lost),
        }
    }

    /// Of a call whose answer has begun.
    pub(super) fn amid_the_answer(self) -> Failure {
        match self {
            Fault::Broken(failure) => failure,
            Fault::Refused(_) | Fault::Lost => lost(),
        }
    }
}

impl From<Lost> for Fault {
    fn from(_: Lost) -> Self {
        Fault::Lost
    }
}

/// A call that ended without a word.
pub(super) fn lost() -> Failure {
    Failure::new(Kind::Internal, Refused::Lost.to_string())
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Error::Replay(refused)
    }
}

/// A whole answer from its pieces.
#[derive(Debug, Default)]
pub(super) struct Collected {
    output: String,
    calls: BTreeMap<usize, ToolCall>,
    citations: Vec<Citation>,
}

// === impl Collected ===

impl Collected {
    /// Takes the next piece; the answer with the last one.
    pub(super) fn add(&mut self, piece: Piece) -> Option<Answer> {
        match piece {
            Piece::Delta(text) => self.output.push_str(&text),
            Piece::Call(delta) => self.call(delta),
            Piece::Citations(more) => self.citations.extend(more),
            Piece::Done(finish) => {
                let Collected { output, calls, citations } = std::mem::take(self);
                return Some(Answer { output, calls: calls.into_values().collect(), citations, finish });
            }
        }
        None
    }

    fn call(&mut self, delta: CallDelta) {
        let CallDelta { index, id, name, arguments } = delta;
        let none = || ToolCall { id: String::new(), name: String::new(), arguments: String::new() };
        let call = self.calls.entry(index).or_insert_with(none);
        call.id.extend(id);
        call.name.extend(name);
        call.arguments.push_str(&arguments);
    }
}

/// What a piece holds on the heap.
fn content_of(piece: &Piece) -> usize {
    match piece {
        Piece::Delta(text) => text.capacity(),
        Piece::Call(CallDelta { id, name, arguments, .. }) => {
            let given = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
            given(id) + given(name) + arguments.capacity()
        }
        Piece::Citations(citations) => citations.iter().map(source).sum(),
        Piece::Done(finish) => finish.model.capacity() + finish.reason.capacity(),
    }
}

fn source(Citation { url, title }: &Citation) -> usize {
    size_of::<Citation>() + url.capacity() + title.as_ref().map_or(0, String::capacity)
}
