//! Who can answer.

use std::sync::Arc;
use std::time::Duration;

use bsm_runtime::call::Call;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::answer::{Answer, Embedding, Finish, Piece};
use crate::ask::{Ask, EmbedAsk};
use crate::face::{Question, Texts};
use crate::failure::Failure;
use crate::meter::Waits;
use crate::route::Standing;

mod offline;
mod remote;

pub use offline::Offline;
pub use remote::{Parts, Remote};

/// What stands in the place of a key for a server that wants none.
pub(crate) const KEYLESS: &str = "unused";

/// Somebody who can be asked. Clones are the same one.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Over the network.
    Remote(Arc<Remote>),
    /// The rules in this process.
    Offline(Arc<Offline>),
}

/// A streamed answer. Nothing follows [`Piece::Done`] or a failure; dropping it ends the call upstream.
pub type PieceStream = BoxStream<'static, Result<Piece, Failure>>;

/// An answer to a question in the form of another API.
pub enum Passed {
    /// A document in the question's form, as the provider sent it, and how it ended. Where the provider does not say what
    /// it took, also how many bytes of it the model wrote.
    Same(Bytes, Finish, usize),
    /// A stream in the question's form, as the provider sends it.
    SameStream(EchoStream),
    /// An answer from another wire.
    Whole(Answer),
    /// A stream from another wire.
    Stream(PieceStream),
    /// Vectors from another wire.
    Vectors(Embedding),
}

/// A part of a stream that passes as the provider sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Echo {
    /// The next bytes, never none, and how many bytes the model wrote that are told in them.
    Bytes(Bytes, usize),
    /// How it ended; nothing follows.
    Done(Finish),
}

/// A stream that passes as the provider sends it. Nothing follows [`Echo::Done`] or a failure; dropping it ends the call
/// upstream.
pub type EchoStream = BoxStream<'static, Result<Echo, Failure>>;

/// One attempt at a provider with a question.
#[derive(Debug)]
pub struct Attempt<'a, Q = Ask> {
    /// The model to ask for.
    pub model: &'a str,
    /// The question.
    pub ask: &'a Q,
    /// Who asks, and until when.
    pub call: &'a Call,
    /// Where the time is counted that the provider is waited for.
    pub waits: &'a Arc<Waits>,
}

// === impl Attempt ===

impl<Q> Clone for Attempt<'_, Q> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q> Copy for Attempt<'_, Q> {}

// === impl Provider ===

impl Provider {
    /// The name that callers use.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        match self {
            Provider::Remote(remote) => remote.name(),
            Provider::Offline(offline) => offline.name(),
        }
    }

    /// Asks once for a whole answer. Dropping the future ends the call upstream.
    ///
    /// # Errors
    /// Why there is no answer; the breaker and the key have taken note of it.
    pub async fn complete(&self, attempt: Attempt<'_>) -> Result<Answer, Failure> {
        match self {
            Provider::Remote(remote) => remote.timed(attempt.model, remote.complete(attempt)).await,
            Provider::Offline(offline) => offline.complete(attempt).await,
        }
    }

    /// Asks once for a streamed answer, and waits for its first piece. Dropping the future ends the call upstream.
    ///
    /// # Errors
    /// Why there is no first piece; the breaker and the key have taken note of it.
    pub async fn stream(&self, attempt: Attempt<'_>) -> Result<PieceStream, Failure> {
        match self {
            Provider::Remote(remote) => remote.timed(attempt.model, remote.stream(attempt)).await,
            Provider::Offline(offline) => offline.stream(attempt).await,
        }
    }

    /// Asks once in the form of another API: a provider of that form in the caller's own bytes. Dropping the future ends
    /// the call upstream.
    ///
    /// # Errors
    /// Why there is no answer, or no beginning of a stream; the breaker and the key have taken note of it.
    pub async fn relay(&self, attempt: Attempt<'_, Question>) -> Result<Passed, Failure> {
        match self {
            Provider::Remote(remote) => remote.timed(attempt.model, remote.relay(attempt)).await,
            Provider::Offline(offline) => offline.relay(attempt).await,
        }
    }

    /// The same for vectors.
    ///
    /// # Errors
    /// As for [`relay`](Self::relay).
    pub async fn relay_vectors(&self, attempt: Attempt<'_, Texts>) -> Result<Passed, Failure> {
        match self {
            Provider::Remote(remote) => remote.relay_vectors(attempt).await,
            Provider::Offline(_) => Err(Offline::embed()),
        }
    }

    /// Asks once for the vectors of texts. Dropping the future ends the call upstream.
    ///
    /// # Errors
    /// Why there are none; the breaker and the key have taken note of it.
    pub async fn embed(&self, attempt: Attempt<'_, EmbedAsk>) -> Result<Embedding, Failure> {
        match self {
            Provider::Remote(remote) => remote.embed(attempt).await,
            Provider::Offline(_) => Err(Offline::embed()),
        }
    }

    /// Whether it can be asked at all now, its models aside.
    ///
    /// # Errors
    /// That all its keys rest, or that it has none.
    pub fn standing(&self) -> Result<(), Standing> {
        match self {
            Provider::Remote(remote) => remote.standing(),
            Provider::Offline(_) => Ok(()),
        }
    }

    /// How long the breaker of a model's family still refuses; `None` when calls flow.
    #[must_use]
    pub fn open_for(&self, model: &str) -> Option<Duration> {
        match self {
            Provider::Remote(remote) => remote.open_for(model),
            Provider::Offline(_) => None,
        }
    }

    /// What one more call would find at a model's family: calls that are out times seconds of an answer.
    #[must_use]
    pub fn load(&self, model: &str) -> f64 {
        match self {
            Provider::Remote(remote) => remote.load(model),
            Provider::Offline(_) => 0.0,
        }
    }

    /// Tokens of an answer that it is asked for where the caller does not say how many; `None`: none, the model decides.
    #[must_use]
    pub fn unsaid_max_tokens(&self) -> Option<u32> {
        match self {
            Provider::Remote(remote) => remote.unsaid_max_tokens(),
            Provider::Offline(_) => None,
        }
    }

    /// How many attempts with different keys make sense, and whether another does now.
    #[must_use]
    pub fn keys(&self) -> Keys {
        match self {
            Provider::Remote(remote) => remote.keys(),
            Provider::Offline(_) => Keys { configured: 0, usable: false },
        }
    }
}

/// A provider's keys, as far as anybody may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// How many there are.
    pub configured: usize,
    /// Whether one can be used now.
    pub usable: bool,
}

/// How long a provider's breaker may wait for a probe: longer than an attempt that uses all its time.
#[must_use]
pub(crate) fn probe_lease(whole: Duration) -> Duration {
    whole * 2 + Duration::from_secs(10)
}
