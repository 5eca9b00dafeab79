//! What an admission must know, in two words that are read without a lock: which generation it is, whether calls
//! flow, and while they do not, until when.
//!
//! Written only under the lock around the core. The time is written before the word that makes it matter; a reader
//! that catches the word of one state and the time of the next still gets an answer that was right a moment ago.

use std::sync::atomic::Ordering::{Acquire, Release};
use std::time::Duration;

use tokio::time::Instant;

use super::atomic::AtomicU64;

/// What becomes of a call that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It goes, and its outcome counts.
    Flows = 0,
    /// It goes, and nobody counts.
    Bypasses = 1,
    /// The core decides.
    Asks = 2,
    /// It is refused while the time is not over.
    Refused = 3,
}

pub(super) struct Gate {
    origin: Instant,
    /// The generation, and the way in the last two bits.
    word: AtomicU64,
    /// In nanoseconds since the origin.
    until: AtomicU64,
}

// === impl Gate ===

impl Gate {
    pub(super) fn new(origin: Instant) -> Self {
        Self { origin, word: AtomicU64::new(0), until: AtomicU64::new(0) }
    }

    /// The generation and the way.
    pub(super) fn read(&self) -> (u64, Way) {
        let word = self.word.load(Acquire);
        let way = match word & 3 {
            0 => Way::Flows,
            1 => Way::Bypasses,
            2 => Way::Asks,
            _ => Way::Refused,
        };
        (word >> 2, way)
    }

    /// Whether an outcome of this generation still counts.
    pub(super) fn counts(&self, generation: u64) -> bool {
        let (current, way) = self.read();
        current == generation && way != Way::Bypasses
    }

    /// How long it is still shut; `None` once its time is over.
    pub(super) fn shut_for(&self, now: Instant) -> Option<Duration> {
        let left = self.until.load(Acquire).saturating_sub(self.nanos(now));
        (left > 0).then(|| Duration::from_nanos(left))
    }

    /// The caller holds the lock around the core.
    pub(super) fn set(&self, generation: u64, way: Way, until: Option<Instant>) {
        if let Some(until) = until {
            self.until.store(self.nanos(until), Release);
        }
        self.word.store(generation << 2 | way as u64, Release);
    }

    fn nanos(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin);
        since.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(since.subsec_nanos()))
    }
}
