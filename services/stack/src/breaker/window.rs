//! The counts of the closed state: failures in a row, and calls and failures of the last ten slots of time.
//!
//! No lock. Each count is one atomic word that also says *which* generation and which slot of time it belongs to, so
//! counting, starting afresh and ignoring what is out of date are one compare-and-swap. Nothing has to be cleared
//! when the breaker changes its state: counts of another generation are not read.

use std::sync::atomic::{AtomicU64, Ordering::AcqRel, Ordering::Acquire};
use std::time::Duration;

use tokio::time::Instant;

const SLOTS: usize = 10;

/// A slot's word: 16 bits of generation, 24 of tick, 12 of calls, 12 of failures.
const COUNT_BITS: u32 = 12;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const TICK_MAX: u64 = (1 << 24) - 1;

/// By how much a thread may be held up between reading the clock and counting, in slots of time.
const HELD_UP_TICKS: u64 = 1 << 10;

pub(super) struct Window {
    origin: Instant,
    slot_millis: u64,
    slots: [AtomicU64; SLOTS],
    /// 32 bits of generation, 32 of failures since the last healthy answer.
    run: AtomicU64,
}

/// What the window holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) consecutive: u32,
    pub(super) calls: u32,
    pub(super) failures: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hit {
    Healthy,
    Failure,
}

// === impl Window ===

impl Window {
    pub(super) fn new(length: Duration, origin: Instant) -> Self {
        let slot_millis = (length.as_millis() as u64 / SLOTS as u64).max(1);
        // The last tag there is, which no breaker reaches: an empty word is never mistaken for a count.
        let slots = std::array::from_fn(|_| AtomicU64::new(u64::MAX << (2 * COUNT_BITS)));
        Self { origin, slot_millis, slots, run: AtomicU64::new(0) }
    }

    /// Counts a healthy answer. `is_current` is asked again before each write; once it says no, nothing is written
    /// that a later generation could read.
    pub(super) fn healthy(&self, generation: u64, now: Instant, is_current: impl Fn() -> bool) {
        self.end_run(generation);
        self.count(generation, now, Hit::Healthy, is_current);
    }

    /// Counts a failure and says what that makes. The caller holds the lock that changes of state need, so the
    /// generation is current.
    pub(super) fn failure(&self, generation: u64, now: Instant) -> Counts {
        let consecutive = self.extend_run(generation);
        self.count(generation, now, Hit::Failure, || true);
        let (calls, failures) = self.sum(generation, now);
        Counts { consecutive, calls, failures }
    }

    /// Failures since the last healthy answer of this generation.
    pub(super) fn consecutive(&self, generation: u64) -> u32 {
        let run = self.run.load(Acquire);
        if run >> 32 == generation & 0xffff_ffff { run as u32 } else { 0 }
    }

    fn end_run(&self, generation: u64) {
        let run = self.run.load(Acquire);
        let mine = generation << 32;
        // One try is enough: if the word has changed, a failure came after this answer or the generation is over.
        if run != mine && run >> 32 == mine >> 32 {
            let _ = self.run.compare_exchange(run, mine, AcqRel, Acquire);
        }
    }

    fn extend_run(&self, generation: u64) -> u32 {
        let mine = generation << 32;
        let longer = |run: u64| if run >> 32 == mine >> 32 { run.saturating_add(1) } else { mine + 1 };
        let before = self.run.fetch_update(AcqRel, Acquire, |run| Some(longer(run)));
        longer(before.unwrap_or_else(|run| run)) as u32
    }

    fn count(&self, generation: u64, now: Instant, hit: Hit, is_current: impl Fn() -> bool) {
        let tick = self.tick(now);
        let slot = &self.slots[(tick % SLOTS as u64) as usize];
        let tag = tag(generation, tick);
        let mut word = slot.load(Acquire);
        while is_current() {
            let Some(next) = counted(word, tag, hit) else { return };
            match slot.compare_exchange_weak(word, next, AcqRel, Acquire) {
                Ok(_) => return,
                Err(actual) => word = actual,
            }
        }
    }

    fn sum(&self, generation: u64, now: Instant) -> (u32, u32) {
        let tick = self.tick(now);
        let (mut calls, mut failures) = (0, 0);
        for back in 0..SLOTS as u64 {
            let Some(tick) = tick.checked_sub(back) else { break };
            let word = self.slots[(tick % SLOTS as u64) as usize].load(Acquire);
            if word >> (2 * COUNT_BITS) == tag(generation, tick) {
                calls += (word >> COUNT_BITS & COUNT_MAX) as u32;
                failures += (word & COUNT_MAX) as u32;
            }
        }
        (calls, failures)
    }

    fn tick(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.origin);
        (since.as_secs() * 1000 + u64::from(since.subsec_millis())) / self.slot_millis
    }
}

fn tag(generation: u64, tick: u64) -> u64 {
    (generation & 0xffff) << 24 | (tick & TICK_MAX)
}

/// The word after one more hit; `None` if the slot already belongs to a later time, because this thread was held up
/// for longer than the window lasts.
fn counted(word: u64, tag: u64, hit: Hit) -> Option<u64> {
    let failure = u64::from(hit == Hit::Failure);
    let old = word >> (2 * COUNT_BITS);
    if old != tag {
        let same_generation = old >> 24 == tag >> 24;
        let ahead = (old & TICK_MAX).wrapping_sub(tag & TICK_MAX) & TICK_MAX;
        let later = same_generation && ahead < HELD_UP_TICKS;
        return (!later).then_some(tag << (2 * COUNT_BITS) | 1 << COUNT_BITS | failure);
    }
    let (mut calls, mut failures) = (word >> COUNT_BITS & COUNT_MAX, word & COUNT_MAX);
    if calls == COUNT_MAX {
        (calls, failures) = (calls / 2, failures / 2); // the share is what matters, and it stays
    }
    Some(tag << (2 * COUNT_BITS) | (calls + 1) << COUNT_BITS | (failures + failure))
}

#[cfg(test)]
mod tests;
