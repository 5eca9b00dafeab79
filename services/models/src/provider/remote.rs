//! A provider over the network: keys and a wire on top of the stack toward the outside.
//!
//! One attempt is a key and a request. The stack below has the guards, and asks again where that harms nobody; another
//! key is another attempt. What the attempt says about the provider and the key is settled exactly once, whichever way
//! it ends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bsm_stack::{Outcome, breaker};
use tokio::time::Instant;

use super::{Attempt, Keys, PieceStream};
use crate::answer::{Answer, Embedding};
use crate::ask::{Ask, EmbedAsk};
use crate::face::Setting;
use crate::failure::{Failure, Kind};
use crate::keys::{KeyLine, NamedKey, NoKey, Ring};
use crate::patience::Limits;
use crate::route::{Bar, Resting, Standing};
use crate::upstream::{Reply, Terms, Throttled, Upstream};
use crate::wire::{Mode, Outgoing, Wire, no_embeddings};

mod echo;
mod running;
mod turn;

use running::Running;
use turn::Turn;

/// Bytes of an error answer that are read, and how long they may take.
const ERROR_BODY: (usize, Duration) = (64 * 1024, Duration::from_secs(2));

/// A provider over the network.
pub struct Remote {
    name: Arc<str>,
    wire: Arc<dyn Wire>,
    key_variable: Arc<str>,
    model: String,
    embeddings: Option<String>,
    keys: Ring,
    upstream: Upstream,
    limits: Limits,
}

/// What a [`Remote`] is made of.
pub struct Parts {
    /// What callers call it.
    pub name: Arc<str>,
    /// What it speaks.
    pub wire: Arc<dyn Wire>,
    /// The environment variable to name when it has no key.
    pub key_variable: Arc<str>,
    /// The model asked for when none is named.
    pub model: String,
    /// The model asked for vectors when none is named; `None` if it makes none.
    pub embeddings: Option<String>,
    /// Its keys, the preferred one first.
    pub keys: Vec<NamedKey>,
    /// Its server, with the guards around it.
    pub upstream: Upstream,
    /// The time of one attempt.
    pub limits: Limits,
}

// === impl Remote ===

impl Remote {
    /// A provider that has not been asked yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { name, wire, key_variable, model, embeddings, keys, upstream, limits } = parts;
        let keys = Ring::new(keys);
        Self { name, wire, key_variable, model, embeddings, keys, upstream, limits }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The environment variable to name when it has no key.
    #[must_use]
    pub fn key_variable(&self) -> &Arc<str> {
        &self.key_variable
    }

    /// The model asked for when none is named.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The model asked for vectors when none is named; `None` if it makes none.
    #[must_use]
    pub fn embeddings(&self) -> Option<&str> {
        self.embeddings.as_deref()
    }

    /// Tokens of an answer that its wire asks for where the caller does not say how many.
    #[must_use]
    pub fn unsaid_max_tokens(&self) -> Option<u32> {
        self.wire.unsaid_max_tokens()
    }

    /// Whether it can be asked at all now, its models aside.
    ///
    /// # Errors
    /// That all its keys rest, or that it has none.
    pub fn standing(&self) -> Result<(), Standing> {
        self.keys.usable().map_err(|none| match none {
            NoKey::Missing => Standing::Barred(Bar::MissingKey { variable: Arc::clone(&self.key_variable) }),
            NoKey::Resting { why, retry_in } => Standing::Resting(Resting::Keys { why, retry_in }),
        })
    }

    /// What one more call would find at a model's family: calls that are out times seconds of an answer.
    #[must_use]
    pub fn load(&self, model: &str) -> f64 {
        self.upstream.pace(model).map_or(0.0, |pace| pace.load(Instant::now()))
    }

    /// How many keys it has, and whether one can be used now.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys { configured: self.keys.len(), usable: self.keys.usable().is_ok() }
    }

    /// What its wire has no word for.
    #[must_use]
    pub fn lacks(&self) -> &'static [Setting] {
        self.wire.lacks()
    }

    /// What each of its keys is doing; never the key.
    #[must_use]
    pub fn key_lines(&self) -> Vec<KeyLine> {
        self.keys.lines()
    }

    /// What the breaker of a model's family is doing.
    #[must_use]
    pub fn circuit(&self, model: &str) -> breaker::State {
        self.upstream.breaker(model).map_or(breaker::State::Closed, |breaker| breaker.state)
    }

    /// How long a model's family is still left alone; `None` when calls flow.
    #[must_use]
    pub fn open_for(&self, model: &str) -> Option<Duration> {
        let breaker = self.upstream.breaker(model)?;
        breaker.retry_in.filter(|wait| breaker.state == breaker::State::Open && !wait.is_zero())
    }

    /// Waits for an answer and takes note of how long it took: to its end, or to the first piece of a stream.
    pub(super) async fn timed<T>(
        &self,
        model: &str,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let out = self.upstream.begin(model);
        let result = answer.await;
        match result.as_ref().map_err(|failure| failure.kind.row().outcome) {
            Ok(_) => out.answered(Instant::now()),
            Err(Outcome::Failure) => out.failed(Instant::now()),
            Err(_) => {} // it says nothing about how fast the model is
        }
        result
    }

    pub(super) async fn complete(&self, attempt: Attempt<'_>) -> Result<Answer, Failure> {
        self.check(attempt.ask)?;
        let mut turn = self.turn(attempt.call, attempt.waits)?;
        let result = self.whole(&mut turn, attempt).await;
        turn.settle(result.as_ref().err());
        result.map_err(|failure| turn.told(failure, self.name()))
    }

    pub(super) async fn stream(&self, attempt: Attempt<'_>) -> Result<PieceStream, Failure> {
        self.check(attempt.ask)?;
        let mut turn = self.turn(attempt.call, attempt.waits)?;
        turn.patience.opens();
        match self.open(&mut turn, attempt).await {
            Ok(running) => {
                turn.opened();
                Ok(running.into_stream(turn, Arc::clone(&self.name)))
            }
            Err(failure) => {
                turn.settle(Some(&failure));
                Err(turn.told(failure, self.name()))
            }
        }
    }

    pub(super) async fn embed(&self, attempt: Attempt<'_, EmbedAsk>) -> Result<Embedding, Failure> {
        let request = self.wire.embed(attempt.model, attempt.ask);
        let request = request.ok_or_else(|| no_embeddings().of(self.name()))?;
        let mut turn = self.turn(attempt.call, attempt.waits)?;
        let result = self.vectors(&mut turn, attempt, request).await;
        turn.settle(result.as_ref().err());
        result.map_err(|failure| turn.told(failure, self.name()))
    }

    async fn vectors(
        &self,
        turn: &mut Turn,
        attempt: Attempt<'_, EmbedAsk>,
        request: Outgoing,
    ) -> Result<Embedding, Failure> {
        let mut reply = self.send(turn, attempt, request).await?;
        let body = turn.patience.wait(reply.all()).await?;
        let embedding = self.wire.embedding(&body)?;
        match (embedding.vectors.len(), attempt.ask.inputs.len()) {
            (made, wanted) if made == wanted => Ok(embedding.or_model(attempt.model)),
            (made, wanted) => {
                Err(Failure::new(Kind::Malformed, format!("made {made} vectors of {wanted} texts")))
            }
        }
    }

    /// What the wire cannot carry costs neither a key nor a call.
    fn check(&self, ask: &Ask) -> Result<(), Failure> {
        self.wire.refuses(ask).map_or(Ok(()), |failure| Err(failure.of(self.name())))
    }

    async fn whole(&self, turn: &mut Turn, attempt: Attempt<'_>) -> Result<Answer, Failure> {
        let request = self.wire.request(attempt.model, attempt.ask, Mode::Whole);
        let mut reply = self.send(turn, attempt, request).await?;
        let body = turn.patience.wait(reply.all()).await?;
        let answer = self.wire.answer(&body)?;
        Ok(Answer { finish: answer.finish.or_model(attempt.model), ..answer })
    }

    /// Opens a stream up to its first piece: until then another candidate can take over.
    async fn open(&self, turn: &mut Turn, attempt: Attempt<'_>) -> Result<Running, Failure> {
        let request = self.wire.request(attempt.model, attempt.ask, Mode::Stream);
        let mut reply = self.send(turn, attempt, request).await?;
        if reply.is("text/html") {
            return Err(Failure::new(Kind::Malformed, "answered with an HTML page instead of a stream"));
        }
        if reply.is("application/json") {
            // A server that does not know streams answers whole, or with an error in a 200.
            let body = turn.patience.wait(reply.all()).await?;
            return Ok(Running::whole(self.wire.answer(&body)?, attempt.model));
        }
        let mut running = Running::new(reply, self.wire.pieces(), attempt.model);
        running.first(&mut turn.patience).await?;
        Ok(running)
    }

    /// Sends the request and waits for a head that promises an answer.
    async fn send<Q>(
        &self,
        turn: &mut Turn,
        attempt: Attempt<'_, Q>,
        request: Outgoing,
    ) -> Result<Reply, Failure> {
        let throttled = if self.keys.has_others() { Throttled::GoesElsewhere } else { Throttled::Waits };
        let terms = Terms { key: turn.authorization(self), throttled, head: turn.patience.head() };
        let mut reply = self.upstream.send(attempt.call, attempt.model, request, terms).await?;
        turn.answered(&mut reply);
        if reply.status().is_success() {
            return Ok(reply);
        }
        let (limit, patience) = ERROR_BODY;
        let body =
            turn.patience.wait(async { Ok(reply.excerpt(limit, patience).await) }).await.unwrap_or_default();
        Err(self.wire.refusal(reply.status(), reply.headers(), &body).after(reply.attempts()))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("name", &self.name()).field("keys", &self.keys).finish_non_exhaustive()
    }
}
