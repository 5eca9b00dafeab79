//! What the shelf has done and holds, for operators.

use std::time::Duration;

use tokio::time::Instant;

use super::{Phase, Shelf};
use crate::replay::key::Kind;

/// What a kind of entry has done and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::replay) struct Counts {
    /// Calls answered by a whole answer that was there.
    pub(in crate::replay) hits: u64,
    /// Calls that were not.
    pub(in crate::replay) misses: u64,
    /// Runs begun.
    pub(in crate::replay) begun: u64,
    /// Runs that failed, or were ended.
    pub(in crate::replay) failed: u64,
    /// Calls that joined a run.
    pub(in crate::replay) joined: u64,
    /// Answers that made room, running ones included.
    pub(in crate::replay) evicted: u64,
    /// Answers held, running ones included.
    pub(in crate::replay) entries: usize,
    /// What they take.
    pub(in crate::replay) bytes: usize,
    /// Age of the oldest whole one.
    pub(in crate::replay) oldest: Option<Duration>,
    /// Age of the newest whole one.
    pub(in crate::replay) newest: Option<Duration>,
}

// === impl Shelf ===

impl<V: Clone> Shelf<V> {
    pub(in crate::replay) fn counts(&mut self, kind: Kind, now: Instant) -> Counts {
        self.expire(now);
        let mut counts = self.counts[kind as usize];
        for entry in self.entries.values().filter(|entry| entry.key.kind() == kind) {
            counts.entries += 1;
            counts.bytes += entry.bytes;
            if let Phase::Ended { at, .. } = entry.phase {
                let age = now.saturating_duration_since(at);
                counts.oldest = Some(counts.oldest.map_or(age, |oldest| oldest.max(age)));
                counts.newest = Some(counts.newest.map_or(age, |newest| newest.min(age)));
            }
        }
        counts
    }
}
