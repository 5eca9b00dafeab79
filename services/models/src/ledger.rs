//! The ledger: what a call may take is reserved before it is asked, what it took is settled after it and kept.
//!
//! ```text
//! reserve(account, estimate) ──► Hold ── answered ──► what the provider counted
//!       │                          ├──── failed ────► nothing, or the estimate where the provider may have worked
//!    Exhausted                     └──── dropped ───► an estimate: what was delivered of a stream, else all of it
//! ```
//! A [`Hold`] settles itself however the call ends, its future being dropped included.

mod bound;
mod charged;
mod estimate;
mod hold;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bsm_runtime::call::Call;
use bsm_runtime::clock;
use bsm_runtime::process::Process;

use crate::budget::{Account, Books, Exhausted, Limits, Rule, Tally};
use crate::catalog::Catalog;
use crate::price::Prices;
use crate::provider::Offline;
use crate::usage::{self, Store};

use bound::Terms;
pub use charged::Part;
pub use estimate::{DEFAULT_OUTPUT, Expected, of_ask, of_bytes, of_texts};
pub use hold::Hold;

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

/// A model that may answer a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer<'c> {
    /// Whose it is.
    pub provider: &'c str,
    /// What its provider calls it.
    pub model: &'c str,
    /// Tokens of an answer that its wire asks for where the caller does not say how many; `None`: none, so that the
    /// model decides.
    pub unsaid: Option<u32>,
}

// === impl Ledger ===

impl Ledger {
    /// A ledger with these budgets that keeps nothing beyond this process.
    #[must_use]
    pub fn in_memory(rules: &[Rule], prices: Prices) -> Ledger {
        Ledger::of(Books::new(Limits::new(rules)), prices, None, clock::unix_ms)
    }

    /// A ledger that keeps the usage in the process's folder. What was used today before counts. It has no budgets and the
    /// built-in prices until it is told of others by [`follow`](Self::follow).
    ///
    /// # Errors
    /// When the usage cannot be opened.
    pub async fn open(process: &Process) -> Result<Ledger, usage::OpenError> {
        let process = process.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let keep_days = process.settings.models.usage_days;
            let store = Store::open(
                process.folder().map_err(usage::OpenError::Folder)?,
                keep_days,
                process.degraded,
            )?;
            Ledger::keeping(&[], Prices::of_catalog(&Catalog::built_in()), store, clock::unix_ms)
        });
        opened.await.map_err(|_| usage::OpenError::CutOff)?
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

    /// Takes the prices and budgets of a catalog from now on. What was used and what is held counts against them; what was
    /// kept keeps its cost.
    pub fn follow(&self, catalog: &Catalog) {
        self.set_prices(Prices::of_catalog(catalog));
        self.set_rules(&catalog.budgets);
    }

    /// Other budgets from now on. What was used and what is held counts against them.
    pub fn set_rules(&self, rules: &[Rule]) {
        self.books().set_limits(Limits::new(rules));
    }

    /// Other prices from now on. What was kept keeps its cost.
    pub fn set_prices(&self, prices: Prices) {
        *self.inner.prices.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(prices);
    }

    /// Holds what a call may take of the models it may end at: of the longest answer and at the dearest price. What an
    /// answer is held to is said by [`Hold::bounds`], in the order of the models.
    ///
    /// # Errors
    /// The budget that has no room for it.
    pub fn reserve(
        &self,
        call: &Call,
        expected: Expected,
        offers: &[Offer<'_>],
    ) -> Result<Hold, Box<Exhausted>> {
        let (account, at) = (account(call), (self.inner.now)());
        let terms: Vec<Terms> = offers.iter().map(|offer| self.terms(offer)).collect();
        let mut books = self.books();
        let plan = bound::plan(expected, books.room(&account, at), &terms);
        let reservation = books.reserve(&account, plan.reserved, at)?;
        drop(books);
        Ok(Hold::new(self.clone(), (account, reservation), at, plan))
    }

    /// A budget in dollars that this call must keep to and that cannot hold this model, because nobody knows what it
    /// costs; `None` if there is no such budget, or the price is known.
    #[must_use]
    pub fn cannot_price(&self, call: &Call, offer: &Offer<'_>) -> Option<Rule> {
        let terms = self.terms(offer);
        if terms.is_free || terms.price.is_some() {
            return None;
        }
        self.books().dollars(&account(call))
    }

    /// The budget that would refuse even the shortest question to this model that leaves the answer open; `None` if all
    /// have room for it. Holds nothing.
    #[must_use]
    pub fn without_room(&self, call: &Call, offer: &Offer<'_>) -> Option<Exhausted> {
        let (account, at, terms) = (account(call), (self.inner.now)(), [self.terms(offer)]);
        let books = self.books();
        let plan = bound::plan(estimate::SHORTEST, books.room(&account, at), &terms);
        books.without_room(&account, plan.reserved, at)
    }

    fn terms(&self, offer: &Offer<'_>) -> Terms {
        let Offer { provider, model, unsaid } = *offer;
        let prices = self.prices();
        let (price, longest) = (prices.of(provider, model), prices.output(provider, model));
        Terms { is_free: provider == Offline::NAME, price, longest, unsaid: unsaid.map(u64::from) }
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

fn account(call: &Call) -> Account {
    Account {
        caller: call.caller().to_owned(),
        agent: call.agent().map(str::to_owned),
        job: call.job().map(str::to_owned),
    }
}
