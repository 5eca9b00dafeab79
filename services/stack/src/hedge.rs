//! Hedging: when an answer is late, ask a second time, and take whichever comes first.
//!
//! It cuts the tail of an edge whose calls are slow now and then, for a handful of extra calls: only reads marked
//! [`Idempotent`](crate::retry::Idempotent), only after nearly all calls of that edge have their head, and within the
//! retry budget of the edge. The layer sits right below the retry layer, so that each of the two asks the breaker and
//! the bulkhead for itself:
//!
//! - the first good head wins, and the other attempt is dropped in the same moment, which cancels it;
//! - a failure of one does not end the other, unless it has a body still to come, which would hold a slot meanwhile;
//!   only when both have failed is that the answer;
//! - an attempt that failed before a second was sent is for the retry layer to judge.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use self::latency::Latency;
use crate::retry::Budget;

mod latency;
mod layer;
#[cfg(test)]
mod tests;

pub use layer::{Hedge, HedgeFuture, HedgeLayer};

/// When to ask a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long the first attempt has before a second is sent. `None`, the default: as long as 95 % of this edge's
    /// recent calls took; nothing is hedged before there were 20.
    pub after: Option<Duration>,
    /// The shortest that an observed time may be. Default 10 ms: below that, a second call costs more than it wins.
    pub at_least: Duration,
    /// The largest request body that is kept for a second attempt, in bytes. Default 64 KiB.
    pub max_body: usize,
}

/// One edge's hedging; clones are handles to the same one.
#[derive(Clone)]
pub struct Hedging {
    shared: Arc<Shared>,
}

struct Shared {
    name: Arc<str>,
    config: Config,
    budget: Budget,
    latency: Mutex<Latency>,
    sent: AtomicU64,
    won: AtomicU64,
}

/// What hedging looks like at one moment. The totals count from the start of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The edge.
    pub name: Arc<str>,
    /// Second attempts sent.
    pub sent: u64,
    /// Second attempts that were the first to give a good head.
    pub won: u64,
    /// After how long a second attempt is sent now; `None` while too little is known.
    pub after: Option<Duration>,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self { after: None, at_least: Duration::from_millis(10), max_body: 64 * 1024 }
    }
}

// === impl Hedging ===

impl Hedging {
    /// Hedging for the edge `name`, paid for from `budget`, which a retry layer above fills.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, config: Config, budget: Budget) -> Self {
        let latency = Mutex::new(Latency::default());
        let (sent, won) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { shared: Arc::new(Shared { name: name.into(), config, budget, latency, sent, won }) }
    }

    /// What it looks like now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            name: Arc::clone(&self.shared.name),
            sent: self.shared.sent.load(Relaxed),
            won: self.shared.won.load(Relaxed),
            after: self.after(),
        }
    }

    /// How long the first attempt has.
    fn after(&self) -> Option<Duration> {
        let Config { after, at_least, .. } = self.shared.config;
        after.or_else(|| Some(self.latency().p95()?.max(at_least)))
    }

    /// Pays for a second attempt; false if the budget is spent.
    fn pay(&self, now: Instant) -> bool {
        let paid = self.shared.budget.withdraw(now);
        self.shared.sent.fetch_add(u64::from(paid), Relaxed);
        paid
    }

    /// A good head came after `took`. When the second attempt won, the first would have taken longer still; that it
    /// counts with `took` keeps the observed time from drifting downwards.
    fn answered(&self, took: Duration, winner: Winner) {
        self.shared.won.fetch_add(u64::from(winner == Winner::Second), Relaxed);
        self.latency().observe(took);
    }

    /// The counts are never left half-changed, so a panic elsewhere while they were held does not spoil them.
    fn latency(&self) -> MutexGuard<'_, Latency> {
        self.shared.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hedging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

/// Which attempt gave the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Winner {
    First,
    Second,
}
