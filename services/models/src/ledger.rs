//! The ledger: what a call may take is reserved before it is asked, what it took is settled after it and kept.
//!
//! ```text
//! reserve(account, estimate) ──► Hold ── answered ──► what the provider counted
//!       │                          ├──── failed ────► nothing, or the estimate where the provider may have worked
//!    Exhausted                     └──── dropped ───► an estimate: what was delivered of a stream, else all of it
//! ```
//! A [`Hold`] settles itself however the call ends, its future being dropped included.

mod charged;
mod estimate;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bsm_runtime::call::Call;
use bsm_runtime::clock;
use bsm_runtime::process::Process;
use bsm_runtime::settings::Settings;

use crate::answer::{Finish, Usage};
use crate::budget::{Account, Amount, BadRule, Books, Exhausted, Limits, Reservation, Rule, Tally};
use crate::catalog::Catalog;
use crate::error::Attempts;
use crate::failure::Kind;
use crate::meter::{Took, Watch};
use crate::price::{self, Prices, Tokens};
use crate::provider::Offline;
use crate::usage::{self, Key, Record, Store, Sums};

pub use charged::Part;
pub use estimate::{DEFAULT_OUTPUT, of_ask, of_bytes, of_texts};

/// Budgets, prices and usage. Clones share them.
#[derive(Clone, Debug)]
pub struct Ledger {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    books: Mutex<Books>,
    prices: RwLock<Arc<Prices>>,
    /// `None`: nothing is kept beyond this process.
    usage: Option<Store>,
    /// The time in ms since 1970.
    now: fn() -> i64,
}

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
    expected: Tokens,
    /// Bytes of the answer that were handed on; `None` before the first.
    delivered: Option<u64>,
    /// Told of all that is told here.
    watch: Option<Watch>,
}

/// Why a ledger cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A budget of the settings is none.
    #[error("models.budgets: {0}")]
    Rule(#[from] BadRule),
    /// What was used cannot be opened.
    #[error(transparent)]
    Usage(#[from] usage::OpenError),
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

// === impl Ledger ===

impl Ledger {
    /// A ledger with these budgets that keeps nothing beyond this process.
    #[must_use]
    pub fn in_memory(rules: &[Rule], prices: Prices) -> Ledger {
        Ledger::of(Books::new(Limits::new(rules)), prices, None, clock::unix_ms)
    }

    /// A ledger with the budgets of the settings, which keeps the usage in the process's folder. What was used today
    /// before counts.
    ///
    /// # Errors
    /// When a budget of the settings is none, or the usage cannot be opened.
    pub async fn open(process: &Process) -> Result<Ledger, OpenError> {
        let (process, rules) = (process.clone(), rules(&process.settings)?);
        let opened = tokio::task::spawn_blocking(move || {
            let keep_days = process.settings.models.usage_days;
            let store = Store::open(
                process.folder().map_err(usage::OpenError::Folder)?,
                keep_days,
                process.degraded,
            )?;
            Ledger::keeping(&rules, Prices::of_catalog(&Catalog::built_in()), store, clock::unix_ms)
        });
        Ok(opened.await.map_err(|_| usage::OpenError::CutOff)??)
    }

    /// A ledger that goes on where `usage` ends. Blocks on the disk.
    fn keeping(
        rules: &[Rule],
        prices: Prices,
        usage: Store,
        now: fn() -> i64,
    ) -> Result<Ledger, usage::OpenError> {
        let mut books = Books::new(Limits::new(rules));
        let at = now();
        for used in usage.used(at)? {
            books.restore(&used.account, used.window, used.amount, at);
        }
        Ok(Ledger::of(books, prices, Some(usage), now))
    }

    fn of(books: Books, prices: Prices, usage: Option<Store>, now: fn() -> i64) -> Ledger {
        let (books, prices) = (Mutex::new(books), RwLock::new(Arc::new(prices)));
        Ledger { inner: Arc::new(Inner { books, prices, usage, now }) }
    }

    /// Takes the prices and budgets of a catalog from now on, its budgets beside those of the settings. What was used
    /// and what is held counts against them; what was kept keeps its cost.
    pub fn follow(&self, catalog: &Catalog, settings: &[Rule]) {
        self.set_prices(Prices::of_catalog(catalog));
        self.set_rules(&[settings, &catalog.budgets].concat());
    }

    /// Other budgets from now on. What was used and what is held counts against them.
    pub fn set_rules(&self, rules: &[Rule]) {
        self.books().set_limits(Limits::new(rules));
    }

    /// Other prices from now on. What was kept keeps its cost.
    pub fn set_prices(&self, prices: Prices) {
        *self.inner.prices.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(prices);
    }

    /// Holds what a call may take, at the price of the dearest of the candidates (provider and model) it may end at.
    ///
    /// # Errors
    /// The budget that has no room for it.
    pub fn reserve<'c>(
        &self,
        call: &Call,
        expected: Tokens,
        candidates: impl IntoIterator<Item = (&'c str, &'c str)>,
    ) -> Result<Hold, Box<Exhausted>> {
        let prices = self.prices();
        let price =
            |(provider, model)| prices.of(provider, model).map_or(0, |price| price::nanos(&price, expected));
        let nanos = candidates.into_iter().map(price).max().unwrap_or(0);
        let estimate = Amount { requests: 1, tokens: expected.total(), nanos };
        let (account, at) = (account(call), (self.inner.now)());
        let reservation = self.books().reserve(&account, estimate, at)?;
        let Account { caller, agent, job } = account;
        let (agent, job) = (agent.unwrap_or_default(), job.unwrap_or_default());
        let key = Key { caller, agent, job, ..Key::default() };
        let (ledger, reservation) = (self.clone(), Some(reservation));
        Ok(Hold { ledger, reservation, at, key, expected, delivered: None, watch: None })
    }

    /// Every budget that is used in an open window, and the time at which that is so, in ms since 1970.
    #[must_use]
    pub fn tallies(&self) -> (Vec<Tally>, i64) {
        let now = (self.inner.now)();
        (self.books().tallies(now), now)
    }

    /// What is kept; `None` when nothing is.
    #[must_use]
    pub fn usage(&self) -> Option<&Store> {
        self.inner.usage.as_ref()
    }

    fn prices(&self) -> Arc<Prices> {
        Arc::clone(&self.inner.prices.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        // The books are never left half-changed, so a panic elsewhere while they were held does not spoil them.
        self.inner.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The budgets of the settings.
///
/// # Errors
/// The first that is none.
pub fn rules(settings: &Settings) -> Result<Vec<Rule>, BadRule> {
    settings.models.budgets.iter().map(|line| line.parse()).collect()
}

fn account(call: &Call) -> Account {
    Account {
        caller: call.caller().to_owned(),
        agent: call.agent().map(str::to_owned),
        job: call.job().map(str::to_owned),
    }
}

// === impl Hold ===

impl Hold {
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
        let is_free = self.key.provider == Offline::NAME;
        let estimated = tokens == Tokens::default() && !is_free;
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
        let tokens = if worked { self.expected } else { Tokens::default() };
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
            Some(bytes) => Tokens { output: of_bytes(bytes), ..self.expected },
            None => self.expected,
        }
    }

    fn settle(&mut self, end: End) {
        let Some(reservation) = self.reservation.take() else { return };
        let price = self.ledger.prices().of(&self.key.provider, &self.key.model);
        let nanos = price.map_or(0, |price| price::nanos(&price, end.tokens));
        let seen = Took { tokens: end.tokens, nanos, failed: end.failed };
        self.watch.take().into_iter().for_each(|watch| watch.ended(seen));
        let took = Amount { requests: 1, tokens: end.tokens.total(), nanos };
        self.ledger.books().settle(reservation, took);
        let Some(usage) = &self.ledger.inner.usage else { return };
        let is_free = self.key.provider == Offline::NAME || end.tokens == Tokens::default();
        let sums = Sums {
            requests: 1,
            failed: end.failed.into(),
            estimated: end.estimated.into(),
            unpriced: (price.is_none() && !is_free).into(),
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
