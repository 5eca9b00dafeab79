//! The call: the candidates of the route in their order, one after the other, until one answers.

use std::future::Future;
use std::sync::Arc;

use bsm_runtime::call::Call;
use bsm_runtime::versions::Versions;
use tokio::time::Instant;
use tracing::{Instrument, warn};

use crate::answer::{Answer, Embedding};
use crate::ask::{Ask, EmbedAsk};
use crate::error::{self, Attempts, Error};
use crate::face::{self, Texts};
use crate::failure::{Failure, Kind, Next};
use crate::fleet::Fleet;
use crate::ledger::{self, Expected, Hold, Ledger, Offer};
use crate::meter::{self, Meters, Waits, Watch};
use crate::provider::{Attempt, Passed, PieceStream, Provider};
use crate::route::{self, Candidate, Question, Standing};

mod overview;
#[cfg(test)]
mod tests;

pub use overview::{ModelLine, ProviderLine};

/// One way to ask a model, whichever provider answers.
#[derive(Debug)]
pub struct Gateway {
    ledger: Ledger,
    fleets: Versions<Fleet>,
    meters: Meters,
}

/// Whom one question goes to; they stay as they are until it is answered.
struct Way {
    fleet: Arc<Fleet>,
    /// In order; never empty.
    candidates: Vec<Candidate>,
}

/// An answer, who gave it, and who did not.
#[derive(Debug)]
pub struct Answered<T> {
    /// The answer, or the stream of it.
    pub answer: T,
    /// Who gave it.
    pub provider: Arc<str>,
    /// The model that was asked for.
    pub model: String,
    /// The attempts that failed before.
    pub attempts: Vec<error::Attempt>,
}

/// How an answer is asked for.
trait Manner {
    /// What comes back.
    type Answer: Send;
    /// What is asked.
    type Question: Send + Sync;
    /// What OpenTelemetry calls it.
    const OPERATION: &'static str = "chat";

    /// Asks once.
    fn ask(
        provider: &Provider,
        attempt: Attempt<'_, Self::Question>,
    ) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;

    /// What is known of what it may take.
    fn expected(question: &Self::Question) -> Expected;

    /// The same question for an answer of so many tokens at most, whose length its caller left open.
    fn bounded(question: &Self::Question, max_tokens: u32) -> Self::Question;

    /// The answer, once what it took is settled; a stream settles at its end.
    fn settled(hold: Hold, answer: Self::Answer) -> Self::Answer;
}

struct Whole;
struct Streamed;
struct Embedded;
struct Relayed;
struct RelayedVectors;

// === impl Gateway ===

impl Gateway {
    /// A gateway to the providers of this fleet, and of whichever takes its place.
    #[must_use]
    pub fn new(fleets: Versions<Fleet>, ledger: Ledger) -> Self {
        Self { fleets, ledger, meters: Meters::default() }
    }

    /// The same gateway, whose calls these meters count.
    #[must_use]
    pub fn with_meters(self, meters: Meters) -> Self {
        Self { meters, ..self }
    }

    /// Everybody who can be asked now. It stays as it is while it is held.
    #[must_use]
    pub fn fleet(&self) -> Arc<Fleet> {
        self.fleets.current()
    }

    /// The same gateway with another ledger.
    #[must_use]
    pub fn with_ledger(self, ledger: Ledger) -> Self {
        Self { ledger, ..self }
    }

    /// Its budgets, prices and usage.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Asks for a whole answer. Dropping the future ends the call upstream.
    ///
    /// # Errors
    /// When no candidate can be asked, or all of them failed.
    pub async fn complete(&self, ask: &Ask, call: Call) -> Result<Answered<Answer>, Error> {
        self.walk::<Whole>(self.way(ask)?, ask, &call).await
    }

    /// Asks for a streamed answer and waits for its first piece: until then another candidate can take over. Dropping
    /// the future or the stream ends the call upstream.
    ///
    /// # Errors
    /// When no candidate can be asked, or all of them failed before the first piece. A later failure is in the stream.
    pub async fn stream(&self, ask: &Ask, call: Call) -> Result<Answered<PieceStream>, Error> {
        self.walk::<Streamed>(self.way(ask)?, ask, &call).await
    }

    /// Asks for the vectors of texts. Dropping the future ends the call upstream.
    ///
    /// # Errors
    /// When no candidate can be asked, or all of them failed.
    pub async fn embed(&self, ask: &EmbedAsk, call: Call) -> Result<Answered<Embedding>, Error> {
        self.walk::<Embedded>(self.way_to_vectors(ask)?, ask, &call).await
    }

    /// Asks in the form of another API, as [`complete`](Self::complete) or [`stream`](Self::stream) would.
    ///
    /// # Errors
    /// As for these.
    pub async fn relay(&self, asked: &face::Question, call: Call) -> Result<Answered<Passed>, Error> {
        self.walk::<Relayed>(self.way(&asked.ask)?, asked, &call).await
    }

    /// Asks for vectors in the form of another API, as [`embed`](Self::embed) would.
    ///
    /// # Errors
    /// As for this.
    pub async fn relay_vectors(&self, texts: &Texts, call: Call) -> Result<Answered<Passed>, Error> {
        self.walk::<RelayedVectors>(self.way_to_vectors(&texts.ask)?, texts, &call).await
    }

    /// The candidates for a question now. Asks no one.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn candidates(&self, question: &Question<'_>) -> Result<Vec<Candidate>, Error> {
        self.fleet().candidates(question)
    }

    /// The same as this caller would find them: who a budget of theirs would refuse now, however short the question, is
    /// passed over. Holds nothing.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn candidates_for(
        &self,
        fleet: &Fleet,
        question: &Question<'_>,
        call: &Call,
    ) -> Result<Vec<Candidate>, Error> {
        let mut candidates = fleet.candidates(question)?;
        for candidate in candidates.iter_mut().filter(|candidate| candidate.may_be_asked()) {
            if let Some(why) = self.over_budget(call, &offer(fleet, candidate)) {
                candidate.standing = Standing::OverBudget(why);
            }
        }
        Ok(candidates)
    }

    fn over_budget(&self, call: &Call, offer: &Offer<'_>) -> Option<String> {
        if let Some(budget) = self.ledger.cannot_price(call, offer) {
            return Some(format!("its price is not known, and the budget {budget} wants to know it"));
        }
        let full = self.ledger.without_room(call, offer)?;
        let (budget, left, wanted) =
            (full.budget(), full.measure.show(full.left), full.measure.show(full.wanted));
        Some(format!("the budget {budget} has {left} left, and its shortest answer may take {wanted}"))
    }

    fn way(&self, ask: &Ask) -> Result<Way, Error> {
        let fleet = self.fleet();
        let candidates = fleet.candidates(&Question::of(ask))?;
        Ok(Way { fleet, candidates })
    }

    /// Each provider is there with its model for vectors.
    fn way_to_vectors(&self, ask: &EmbedAsk) -> Result<Way, Error> {
        let fleet = self.fleet();
        let candidates = fleet.embedders(ask.model.as_deref())?;
        Ok(Way { fleet, candidates })
    }

    async fn walk<M: Manner>(
        &self,
        way: Way,
        ask: &M::Question,
        call: &Call,
    ) -> Result<Answered<M::Answer>, Error> {
        let (span, waits) = (meter::call_span(M::OPERATION), Arc::default());
        let watch = self.meters.watch(M::OPERATION, span.clone(), Arc::clone(&waits));
        self.walk_watched::<M>(way, (ask, call, &waits), watch).instrument(span).await
    }

    async fn walk_watched<M: Manner>(
        &self,
        way: Way,
        (ask, call, waits): (&M::Question, &Call, &Arc<Waits>),
        watch: Watch,
    ) -> Result<Answered<M::Answer>, Error> {
        let Way { fleet, candidates } = way;
        route::check(&candidates)?;
        let candidates = self.priced(&fleet, candidates, call)?;
        let mut hold = self.reserve::<M>(&fleet, &candidates, ask, call)?.watched(watch);
        let bounds = hold.bounds().to_vec();
        let mut failed = Vec::new();
        for (candidate, bound) in candidates.into_iter().zip(bounds) {
            let Candidate { provider, model, .. } = candidate;
            let bounded = bound.map(|max_tokens| M::bounded(ask, max_tokens));
            let attempt = Attempt { model: &model, ask: bounded.as_ref().unwrap_or(ask), call, waits };
            hold.asks(&provider, &model);
            let asked = asked(&fleet, &provider);
            match try_keys::<M>(asked, attempt, &mut failed).await {
                Ok(answer) => {
                    if !failed.is_empty() {
                        hold.retried();
                    }
                    let answer = M::settled(hold, answer);
                    return Ok(Answered { answer, provider, model, attempts: failed });
                }
                Err(Next::Nothing) => break,
                Err(Next::Key | Next::Candidate) => {}
            }
        }
        let last = failed.pop().expect("the route was checked: at least one candidate may be asked");
        let attempts = Attempts::new(failed, last);
        hold.failed(&attempts);
        Err(Error::Failed(attempts))
    }

    /// Those who may be asked and whose price is known, where a budget in dollars wants to know it.
    fn priced(
        &self,
        fleet: &Fleet,
        candidates: Vec<Candidate>,
        call: &Call,
    ) -> Result<Vec<Candidate>, Error> {
        let mut unpriced = None;
        let is_priced = |candidate: &Candidate| match self.ledger.cannot_price(call, &offer(fleet, candidate))
        {
            None => true,
            Some(budget) => {
                let model = format!("{}/{}", candidate.provider, candidate.model);
                unpriced.get_or_insert(Error::Unpriced { model, budget });
                false
            }
        };
        let asked = candidates.into_iter().filter(Candidate::may_be_asked);
        let priced: Vec<Candidate> = asked.filter(is_priced).collect();
        match unpriced {
            Some(error) if priced.is_empty() => Err(error),
            _ => Ok(priced),
        }
    }

    fn reserve<M: Manner>(
        &self,
        fleet: &Fleet,
        candidates: &[Candidate],
        ask: &M::Question,
        call: &Call,
    ) -> Result<Hold, Error> {
        let offers: Vec<Offer<'_>> = candidates.iter().map(|candidate| offer(fleet, candidate)).collect();
        self.ledger.reserve(call, M::expected(ask), &offers).map_err(Error::Budget)
    }
}

/// A candidate who may be asked, as the ledger has to know it.
fn offer<'c>(fleet: &Fleet, candidate: &'c Candidate) -> Offer<'c> {
    let unsaid = asked(fleet, &candidate.provider).unsaid_max_tokens();
    Offer { provider: &candidate.provider, model: &candidate.model, unsaid }
}

fn asked<'f>(fleet: &'f Fleet, provider: &str) -> &'f Provider {
    fleet.provider(provider).expect("who may be asked is in the fleet")
}

/// One candidate with one key after the other, each key at most once.
async fn try_keys<M: Manner>(
    provider: &Provider,
    attempt: Attempt<'_, M::Question>,
    failed: &mut Vec<error::Attempt>,
) -> Result<M::Answer, Next> {
    let name = provider.name();
    let mut rounds = 0;
    loop {
        let span = meter::attempt_span(M::OPERATION, name, attempt.model);
        let failure = match ask_in_time::<M>(provider, attempt).instrument(span.clone()).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure,
        };
        span.record("error.type", failure.reason());
        let next = failure.kind.row().next;
        warn!(provider = &**name, model = attempt.model, code = failure.reason(), %failure, "attempt failed");
        let model = attempt.model.to_owned();
        failed.push(error::Attempt { provider: Arc::clone(name), model, failure });
        rounds += 1;
        let keys = provider.keys();
        if next != Next::Key || !keys.usable || rounds >= keys.configured {
            return Err(next);
        }
    }
}

/// Nothing is begun for a caller who is gone by the clock.
async fn ask_in_time<M: Manner>(
    provider: &Provider,
    attempt: Attempt<'_, M::Question>,
) -> Result<M::Answer, Failure> {
    match attempt.call.deadline() {
        Some(deadline) if deadline.expired(Instant::now()) => {
            let sentence = "was not asked: the caller's deadline had passed";
            Err(Failure::new(Kind::CallerDeadline, sentence).of(provider.name()))
        }
        _ => M::ask(provider, attempt).await,
    }
}

// === impl Manner ===

impl Manner for Whole {
    type Answer = Answer;
    type Question = Ask;

    fn ask(
        provider: &Provider,
        attempt: Attempt<'_>,
    ) -> impl Future<Output = Result<Answer, Failure>> + Send {
        provider.complete(attempt)
    }

    fn expected(ask: &Ask) -> Expected {
        ledger::of_ask(ask)
    }

    fn bounded(ask: &Ask, max_tokens: u32) -> Ask {
        ask.bounded(max_tokens)
    }

    fn settled(mut hold: Hold, answer: Answer) -> Answer {
        hold.delivered(answer.wrote());
        hold.finished(&answer.finish);
        hold.answered(&answer.finish.model, answer.finish.usage);
        answer
    }
}

impl Manner for Streamed {
    type Answer = PieceStream;
    type Question = Ask;

    fn ask(
        provider: &Provider,
        attempt: Attempt<'_>,
    ) -> impl Future<Output = Result<PieceStream, Failure>> + Send {
        provider.stream(attempt)
    }

    fn expected(ask: &Ask) -> Expected {
        ledger::of_ask(ask)
    }

    fn bounded(ask: &Ask, max_tokens: u32) -> Ask {
        ask.bounded(max_tokens)
    }

    fn settled(hold: Hold, pieces: PieceStream) -> PieceStream {
        hold.over(pieces)
    }
}

impl Manner for Embedded {
    type Answer = Embedding;
    type Question = EmbedAsk;
    const OPERATION: &'static str = "embeddings";

    fn ask(
        provider: &Provider,
        attempt: Attempt<'_, EmbedAsk>,
    ) -> impl Future<Output = Result<Embedding, Failure>> + Send {
        provider.embed(attempt)
    }

    fn expected(ask: &EmbedAsk) -> Expected {
        ledger::of_texts(&ask.inputs)
    }

    fn bounded(ask: &EmbedAsk, _: u32) -> EmbedAsk {
        ask.clone() // vectors have no length to bound
    }

    fn settled(hold: Hold, embedding: Embedding) -> Embedding {
        hold.answered(&embedding.model, embedding.usage);
        embedding
    }
}

impl Manner for Relayed {
    type Answer = Passed;
    type Question = face::Question;

    fn ask(
        provider: &Provider,
        attempt: Attempt<'_, face::Question>,
    ) -> impl Future<Output = Result<Passed, Failure>> + Send {
        provider.relay(attempt)
    }

    fn expected(question: &face::Question) -> Expected {
        Expected { choices: question.document.choices, ..ledger::of_ask(&question.ask) }
    }

    fn bounded(question: &face::Question, max_tokens: u32) -> face::Question {
        question.bounded(max_tokens)
    }

    fn settled(hold: Hold, passed: Passed) -> Passed {
        charged(hold, passed)
    }
}

impl Manner for RelayedVectors {
    type Answer = Passed;
    type Question = Texts;
    const OPERATION: &'static str = "embeddings";

    fn ask(
        provider: &Provider,
        attempt: Attempt<'_, Texts>,
    ) -> impl Future<Output = Result<Passed, Failure>> + Send {
        provider.relay_vectors(attempt)
    }

    fn expected(texts: &Texts) -> Expected {
        ledger::of_texts(&texts.ask.inputs)
    }

    fn bounded(texts: &Texts, _: u32) -> Texts {
        texts.clone() // vectors have no length to bound
    }

    fn settled(hold: Hold, passed: Passed) -> Passed {
        charged(hold, passed)
    }
}

fn charged(mut hold: Hold, passed: Passed) -> Passed {
    match passed {
        Passed::Same(body, finish, wrote) => {
            hold.delivered(wrote);
            hold.finished(&finish);
            hold.answered(&finish.model, finish.usage);
            Passed::Same(body, finish, wrote)
        }
        Passed::SameStream(echo) => Passed::SameStream(hold.over(echo)),
        Passed::Whole(answer) => Passed::Whole(Whole::settled(hold, answer)),
        Passed::Stream(pieces) => Passed::Stream(hold.over(pieces)),
        Passed::Vectors(embedding) => Passed::Vectors(Embedded::settled(hold, embedding)),
    }
}
