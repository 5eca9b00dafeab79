//! The retry budget: retries may add a tenth to an edge's traffic, and a little more where there is hardly any.
//!
//! A token bucket. Every call that is asked for pays in a tenth of a token, time pays in ten tokens a second, and a
//! retry or a hedge takes one out. The bucket holds one second's worth of time, so an edge that was quiet has no
//! great reserve to start a storm with. Within any window, then,
//! `retries ≤ calls asked / 10 + 10/s × (window + 1 s)`.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::interleave;

#[cfg(test)]
mod tests;

/// One token, in the unit that makes every sum exact: billionths.
const TOKEN: u64 = 1_000_000_000;

/// How much an edge may retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Retries per hundred calls asked. Default 10; 0 to 100.
    pub percent: u32,
    /// Retries per second that are allowed whatever the traffic. Default 10.
    pub floor_per_second: u32,
}

/// One edge's budget; clones are handles to the same one.
#[derive(Clone)]
pub struct Budget {
    shared: Arc<Shared>,
}

struct Shared {
    name: Arc<str>,
    asked: AtomicU64,
    sent: AtomicU64,
    refused: AtomicU64,
    bucket: Mutex<Bucket>,
}

/// The sums, with the time passed in.
#[derive(Debug)]
struct Bucket {
    config: Config,
    tokens: u64,     // billionths
    asked: u64,      // the calls that have paid in
    filled: Instant, // the time that has paid in
}

/// What a budget looks like at one moment. The totals count from the start of the process.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The edge it belongs to.
    pub name: Arc<str>,
    /// Calls that were asked for.
    pub asked: u64,
    /// Retries and hedges that were allowed.
    pub sent: u64,
    /// Retries and hedges that were not.
    pub refused: u64,
    /// What is left now.
    pub tokens: f64,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self { percent: 10, floor_per_second: 10 }
    }
}

impl Config {
    fn capacity(&self) -> u64 {
        u64::from(self.floor_per_second.max(1)) * TOKEN
    }
}

// === impl Budget ===

impl Budget {
    /// A full budget for the edge `name`.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, config: Config) -> Self {
        let shared = Shared {
            name: name.into(),
            asked: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            bucket: Mutex::new(Bucket::new(config, Instant::now())),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A call was asked for; its share is paid in when somebody next looks. Takes no lock.
    pub fn asked(&self) {
        self.shared.asked.fetch_add(1, Relaxed);
    }

    /// Pays for one retry or hedge at `now`; false if there is not enough left.
    #[must_use]
    pub fn withdraw(&self, now: Instant) -> bool {
        interleave::point();
        let allowed = self.shared.lock().withdraw(self.shared.asked.load(Relaxed), now);
        let count = if allowed { &self.shared.sent } else { &self.shared.refused };
        count.fetch_add(1, Relaxed);
        allowed
    }

    /// What it looks like now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let shared = &*self.shared;
        let asked = shared.asked.load(Relaxed);
        let mut bucket = shared.lock();
        bucket.fill(asked, Instant::now());
        Snapshot {
            name: Arc::clone(&shared.name),
            asked,
            sent: shared.sent.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            tokens: bucket.tokens as f64 / TOKEN as f64,
        }
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

// === impl Shared ===

impl Shared {
    /// The bucket is never left half-changed, so a panic elsewhere while it was held does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Bucket ===

impl Bucket {
    fn new(config: Config, now: Instant) -> Self {
        let config = Config { percent: config.percent.min(100), ..config };
        Self { config, tokens: config.capacity(), asked: 0, filled: now }
    }

    /// Takes a token out; `asked` counts all calls so far.
    fn withdraw(&mut self, asked: u64, now: Instant) -> bool {
        self.fill(asked, now);
        let left = self.tokens.checked_sub(TOKEN);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }

    /// Pays in for the calls and the time since the last look.
    fn fill(&mut self, asked: u64, now: Instant) {
        let calls = asked.saturating_sub(self.asked);
        let nanos = u64::try_from(now.saturating_duration_since(self.filled).as_nanos()).unwrap_or(u64::MAX);
        let by_calls = calls.saturating_mul(u64::from(self.config.percent) * (TOKEN / 100));
        let by_time = nanos.saturating_mul(u64::from(self.config.floor_per_second));
        self.tokens =
            self.tokens.saturating_add(by_calls).saturating_add(by_time).min(self.config.capacity());
        self.asked = self.asked.max(asked); // threads may look in any order
        self.filled = self.filled.max(now);
    }
}
