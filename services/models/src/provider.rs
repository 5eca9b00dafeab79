//! Who can answer: the providers, and the one table of what differs between them.

use std::sync::Arc;
use std::time::Duration;

use bsm_runtime::call::Call;
use bsm_runtime::settings::ModelSettings;
use bsm_stack::bulkhead;
use futures_util::stream::BoxStream;
use secrecy::SecretString;

use crate::answer::{Answer, Embedding, Piece};
use crate::ask::{Ask, EmbedAsk};
use crate::failure::Failure;
use crate::wire::openai::OpenAi;
use crate::wire::openai::variant::OPENAI;
use crate::wire::{Dialect, Wire};

mod offline;
mod remote;
#[cfg(test)]
mod tests;

pub use offline::Offline;
pub use remote::{Parts, Remote};

/// A provider outside of this process: its name, its wire, and where its settings are. A new provider is a new row.
pub struct Row {
    /// The name that callers use.
    pub name: &'static str,
    /// What it speaks.
    pub wire: fn() -> Arc<dyn Wire>,
    /// The environment variable to name when it has no key.
    pub key_variable: &'static str,
    /// Calls that it may hold at once, and that may wait for a turn.
    pub bulkhead: bulkhead::Config,
    /// The model asked for vectors when none is named; `None` if it makes none.
    pub embeddings: Option<&'static str>,
    /// Where its settings are.
    pub site: fn(&ModelSettings) -> Site,
}

/// What an operator sets for one provider.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its keys, the preferred one first; without any it is not used.
    pub keys: Vec<SecretString>,
    /// What its paths are appended to, without a trailing slash.
    pub base_url: String,
    /// The model asked for when none is named.
    pub model: String,
}

/// The providers outside of this process, in the order in which the route prefers them.
pub static TABLE: &[Row] = &[Row {
    name: "openai",
    wire: || Arc::new(OpenAi::new(&OPENAI, &Dialect::default())),
    key_variable: "OPENAI_API_KEY",
    bulkhead: bulkhead::Config { max_in_flight: 10, max_queue: 10 },
    embeddings: Some("text-embedding-3-small"),
    site: |settings| Site {
        keys: settings.openai_keys.clone(),
        base_url: settings.openai_base_url.clone(),
        model: settings.openai_model.clone(),
    },
}];

/// Somebody who can be asked.
#[derive(Debug)]
pub enum Provider {
    /// Over the network.
    Remote(Box<Remote>),
    /// The rules in this process.
    Offline(Offline),
}

/// A streamed answer. Nothing follows [`Piece::Done`] or a failure; dropping it ends the call upstream.
pub type PieceStream = BoxStream<'static, Result<Piece, Failure>>;

/// One attempt at a provider with a question.
#[derive(Debug)]
pub struct Attempt<'a, Q = Ask> {
    /// The model to ask for.
    pub model: &'a str,
    /// The question.
    pub ask: &'a Q,
    /// Who asks, and until when.
    pub call: &'a Call,
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
            Provider::Remote(remote) => remote.complete(attempt).await,
            Provider::Offline(offline) => offline.complete(attempt).await,
        }
    }

    /// Asks once for a streamed answer, and waits for its first piece. Dropping the future ends the call upstream.
    ///
    /// # Errors
    /// Why there is no first piece; the breaker and the key have taken note of it.
    pub async fn stream(&self, attempt: Attempt<'_>) -> Result<PieceStream, Failure> {
        match self {
            Provider::Remote(remote) => remote.stream(attempt).await,
            Provider::Offline(offline) => offline.stream(attempt).await,
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
