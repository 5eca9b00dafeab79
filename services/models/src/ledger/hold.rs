//! What is held for one call, until it is settled.

use super::bound::Plan;
use super::{Ledger, of_bytes};
use crate::answer::{Finish, Usage};
use crate::budget::{Account, Amount, Reservation};
use crate::error::Attempts;
use crate::failure::Kind;
use crate::meter::{Took, Watch};
use crate::price::{self, Tokens};
use crate::provider::Offline;
use crate::usage::{Key, Record, Sums};

/// What is reserved for a call under way. Settled once: by its methods, or as it is dropped.
#[derive(Debug)]
#[must_use = "dropped at once, it settles a call that was never made"]
pub struct Hold {
    ledger: Ledger,
    /// `None` once settled.
    reservation: Option<Reservation>,
    /// When the call began, in ms since 1970.
    at: i64,
    key: Key,
    /// What it is thought to have taken if its end is not seen.
    guess: Tokens,
    bounds: Vec<Option<u32>>,
    /// Bytes of the answer that were handed on; `None` before the first.
    delivered: Option<u64>,
    /// Told of all that is told here.
    pub(super) watch: Option<Watch>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    tokens: Tokens,
    /// Whether the tokens are a guess.
    estimated: bool,
    /// Whether it brought an answer, all of it.
    failed: bool,
}

// === impl Hold ===

impl Hold {
    pub(super) fn new(
        ledger: Ledger,
        (account, reservation): (Account, Reservation),
        at: i64,
        plan: Plan,
    ) -> Hold {
        let Account { caller, agent, job } = account;
        let (agent, job) = (agent.unwrap_or_default(), job.unwrap_or_default());
        let key = Key { caller, agent, job, ..Key::default() };
        let Plan { guess, bounds, .. } = plan;
        Hold { ledger, reservation: Some(reservation), at, key, guess, bounds, delivered: None, watch: None }
    }

    /// For each model that may answer the `max_tokens` to ask it with, where the caller left that open and the model
    /// could write more than was reserved.
    #[must_use]
    pub fn bounds(&self) -> &[Option<u32>] {
        &self.bounds
    }

    /// The same hold, with somebody who is told of all that it is told.
    pub(crate) fn watched(mut self, watch: Watch) -> Hold {
        self.watch = Some(watch);
        self
    }

    /// More than one attempt was made.
    pub(crate) fn retried(&mut self) {
        self.watch.iter_mut().for_each(Watch::retried);
    }

    /// How the answer ended, before what it took is settled.
    pub(crate) fn finished(&self, finish: &Finish) {
        self.watch.iter().for_each(|watch| watch.finished(finish));
    }

    /// Says who is asked now, so that a call that is dropped is known to have been theirs.
    pub fn asks(&mut self, provider: &str, model: &str) {
        provider.clone_into(&mut self.key.provider);
        model.clone_into(&mut self.key.model);
        self.watch.iter_mut().for_each(|watch| watch.asks(provider, model));
    }

    /// Says that so many more bytes of the answer were handed on.
    pub fn delivered(&mut self, bytes: usize) {
        self.delivered = Some(self.delivered.unwrap_or(0).saturating_add(bytes as u64));
        self.watch.iter_mut().for_each(Watch::delivered);
    }

    /// The call has its answer, whole, from this model. Where the provider does not say what it took, what was
    /// delivered does.
    pub fn answered(mut self, model: &str, usage: Usage) {
        let tokens = Tokens::from(usage);
        let estimated = tokens == Tokens::default() && !self.is_free();
        let tokens = if estimated { self.seen() } else { tokens };
        if !model.is_empty() {
            self.priced_model(model);
        }
        self.settle(End { tokens, estimated, failed: false });
    }

    /// The call has no answer. It took nothing, unless a provider may have worked all the same.
    pub fn failed(mut self, attempts: &Attempts) {
        self.watch.iter().for_each(|watch| watch.failed(attempts.last().failure.reason()));
        let worked = attempts.iter().any(|attempt| may_have_worked(attempt.failure.kind));
        let tokens = if worked { self.guess } else { Tokens::default() };
        self.settle(End { tokens, estimated: worked, failed: true });
    }

    /// A stream broke: what was delivered of it was taken.
    pub fn broke(mut self) {
        let tokens = self.seen();
        self.settle(End { tokens, estimated: true, failed: true });
    }

    /// Keeps the model that the provider says answered, unless only the one that was asked for has a price.
    fn priced_model(&mut self, model: &str) {
        let prices = self.ledger.prices();
        let is_priced = |model: &str| prices.of(&self.key.provider, model).is_some();
        if is_priced(model) || !is_priced(&self.key.model) {
            model.clone_into(&mut self.key.model);
        }
    }

    /// What can be told of a call whose end was not seen.
    fn seen(&self) -> Tokens {
        match self.delivered {
            Some(bytes) => Tokens { output: of_bytes(bytes), ..self.guess },
            None => self.guess,
        }
    }

    /// Whether the built-in reviewer is asked, who takes nothing.
    fn is_free(&self) -> bool {
        self.key.provider == Offline::NAME
    }

    fn settle(&mut self, end: End) {
        let Some(reservation) = self.reservation.take() else { return };
        let end =
            if self.is_free() { End { tokens: Tokens::default(), estimated: false, ..end } } else { end };
        let price = self.ledger.prices().of(&self.key.provider, &self.key.model);
        let nanos = price.map_or(0, |price| price::nanos(&price, end.tokens));
        let seen = Took { tokens: end.tokens, nanos, failed: end.failed };
        self.watch.take().into_iter().for_each(|watch| watch.ended(seen));
        let took = Amount { requests: 1, tokens: end.tokens.total(), nanos };
        self.ledger.books().settle(reservation, took);
        let Some(usage) = &self.ledger.inner.usage else { return };
        let sums = Sums {
            requests: 1,
            failed: end.failed.into(),
            estimated: end.estimated.into(),
            unpriced: (price.is_none() && end.tokens != Tokens::default()).into(),
            tokens: end.tokens,
            nanos,
        };
        usage.add(Record { at: self.at, key: std::mem::take(&mut self.key), sums });
    }
}

impl Drop for Hold {
    /// The caller left, or the future was dropped for another reason: the end was not seen.
    fn drop(&mut self) {
        if self.key.provider.is_empty()
            && let Some(reservation) = self.reservation.take()
        {
            self.ledger.books().settle(reservation, Amount::default()); // nobody was asked
        }
        let tokens = self.seen();
        self.settle(End { tokens, estimated: true, failed: true });
    }
}

/// Whether a provider may have produced, and charged for, what never came.
const fn may_have_worked(kind: Kind) -> bool {
    matches!(kind, Kind::Timeout | Kind::CallerDeadline | Kind::Malformed)
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Tokens {
        Tokens {
            input: usage.input_tokens.into(),
            output: usage.output_tokens.into(),
            cached: usage.cached_tokens.into(),
            reasoning: usage.reasoning_tokens.into(),
        }
    }
}
