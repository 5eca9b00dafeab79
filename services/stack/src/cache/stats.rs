//! What a cache has done so far, and what it holds now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::{Answer, Source};

/// What a cache looks like at one moment. The totals count from its creation; each call for a value is one of
/// `hits`, `misses` or `failures_recalled`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    /// Its name.
    pub name: Arc<str>,
    /// Values that might still be served.
    pub entries: usize,
    /// Keys it holds at most.
    pub capacity: usize,
    /// How long a value is fresh.
    pub ttl: Duration,
    /// Calls that got a value without waiting, stale or not.
    pub hits: u64,
    /// Calls that had to wait for a load.
    pub misses: u64,
    /// Calls that got a remembered failure without waiting.
    pub failures_recalled: u64,
    /// Loads started, for a caller or in the background.
    pub loads: u64,
    /// Loads that failed.
    pub load_failures: u64,
    /// Misses that waited for a load which was under way already: the loads that were saved.
    pub coalesced: u64,
    /// Answers with a stale value, whether at once or after a failed load.
    pub stale_served: u64,
    /// Age of the oldest value that might still be served.
    pub oldest: Option<Duration>,
    /// Age of the newest one.
    pub newest: Option<Duration>,
    /// Bytes held, where they are counted.
    pub held_bytes: Option<usize>,
    /// Bytes held at most, where they are what is bounded.
    pub most_bytes: Option<usize>,
    /// Values that made room for others, where they are counted.
    pub evicted: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Totals {
    hits: AtomicU64,
    misses: AtomicU64,
    failures_recalled: AtomicU64,
    loads: AtomicU64,
    load_failures: AtomicU64,
    coalesced: AtomicU64,
    stale_served: AtomicU64,
}

// === impl Stats ===

impl Stats {
    /// The share of calls that got a value without waiting, 0 to 1. A remembered failure is no hit. `None` before
    /// the first call.
    #[must_use]
    pub fn hit_rate(&self) -> Option<f64> {
        let calls = self.hits + self.misses + self.failures_recalled;
        (calls > 0).then(|| self.hits as f64 / calls as f64)
    }
}

// === impl Totals ===

impl Totals {
    /// A call is answered without waiting.
    pub(super) fn taken<V, E>(&self, answer: &Answer<V, E>) {
        match answer {
            Ok(got) => {
                self.hits.fetch_add(1, Relaxed);
                self.told(got.source);
            }
            Err(_) => _ = self.failures_recalled.fetch_add(1, Relaxed),
        }
    }

    /// A call has to wait, for a load of its own or for somebody else's.
    pub(super) fn waits(&self, source: Source) {
        self.misses.fetch_add(1, Relaxed);
        if source == Source::Joined {
            self.coalesced.fetch_add(1, Relaxed);
        }
    }

    /// A call gets a value.
    pub(super) fn told(&self, source: Source) {
        if source == Source::Stale {
            self.stale_served.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn load_started(&self) {
        self.loads.fetch_add(1, Relaxed);
    }

    pub(super) fn load_failed(&self) {
        self.load_failures.fetch_add(1, Relaxed);
    }

    pub(super) fn stats(&self, name: Arc<str>, capacity: usize, ttl: Duration, ages: &[Duration]) -> Stats {
        Stats {
            name,
            entries: ages.len(),
            capacity,
            ttl,
            hits: self.hits.load(Relaxed),
            misses: self.misses.load(Relaxed),
            failures_recalled: self.failures_recalled.load(Relaxed),
            loads: self.loads.load(Relaxed),
            load_failures: self.load_failures.load(Relaxed),
            coalesced: self.coalesced.load(Relaxed),
            stale_served: self.stale_served.load(Relaxed),
            oldest: ages.iter().max().copied(),
            newest: ages.iter().min().copied(),
            held_bytes: None,
            most_bytes: None,
            evicted: None,
        }
    }
}
