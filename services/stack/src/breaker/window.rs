//! The counts of the closed state: failures in a row, and what became of the calls of the last ten slots of time.
//!
//! No lock. Each count carries its generation, so nothing has to be cleared when the breaker changes its state.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::time::Duration;

use tokio::time::Instant;

use super::atomic::{AtomicU64, fence};
use super::tally::{SLOTS, Tally};

pub(super) struct Window {
    origin: Instant,
    slot_millis: u64,
    healthy: Tally,
    failed: Tally,
    slow: Tally,
    /// 32 bits of generation, 32 of failures since the last healthy answer.
    run: AtomicU64,
    /// 32 bits of generation, 32 of the last slot of time with a failed or slow call in it, plus one.
    trouble: AtomicU64,
}

/// What the outcome of one call counts as in the closed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    /// It answered in time.
    Healthy,
    /// It is broken.
    Failed,
    /// It answered, too late: a run of failures ends, but it does not count as healthy.
    SlowAnswer,
    /// The caller left, or ran out of time, when it had already taken too long.
    SlowSilence,
}

/// What the window holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) consecutive: u32,
    /// All calls, the bad ones included.
    pub(super) calls: u32,
    pub(super) failures: u32,
    pub(super) slow: u32,
}

// === impl Window ===

impl Window {
    pub(super) fn new(length: Duration, origin: Instant) -> Self {
        Self {
            origin,
            slot_millis: (length.as_millis() as u64 / SLOTS as u64).max(1),
            healthy: Tally::new(),
            failed: Tally::new(),
            slow: Tally::new(),
            run: AtomicU64::new(0),
            trouble: AtomicU64::new(0),
        }
    }

    /// Counts one call. `is_current` is asked before each write to a count; once it says no, nothing is written that
    /// a later generation could read. Says whether the window is [troubled](Self::is_troubled) now.
    pub(super) fn count(
        &self,
        generation: u64,
        now: Instant,
        hit: Hit,
        is_current: impl Fn() -> bool,
    ) -> bool {
        let tick = self.tick(now);
        match hit {
            Hit::Healthy | Hit::SlowAnswer => self.end_run(generation),
            Hit::Failed => self.extend_run(generation),
            Hit::SlowSilence => {}
        }
        let tally = match hit {
            Hit::Healthy => &self.healthy,
            Hit::Failed => &self.failed,
            Hit::SlowAnswer | Hit::SlowSilence => &self.slow,
        };
        if hit != Hit::Healthy {
            self.trouble.store(generation << 32 | (tick + 1) & 0xffff_ffff, Release);
        }
        tally.count(generation, tick, is_current);
        fence(SeqCst); // of a good and a bad call at once, at least one sees the other when the counts are judged
        self.is_troubled(generation, tick)
    }

    /// What this generation has counted.
    pub(super) fn counts(&self, generation: u64, now: Instant) -> Counts {
        let tick = self.tick(now);
        let [healthy, failures, slow] =
            [&self.healthy, &self.failed, &self.slow].map(|tally| tally.sum(generation, tick));
        let calls = healthy.saturating_add(failures).saturating_add(slow);
        Counts { consecutive: self.consecutive(generation), calls, failures, slow }
    }

    /// Whether this generation has counted anything bad that the window still holds. Cheap, unlike the counts.
    fn is_troubled(&self, generation: u64, tick: u64) -> bool {
        let word = self.trouble.load(Acquire);
        let age = ((tick + 1) as u32).wrapping_sub(word as u32) as i32; // negative if this thread's clock is behind
        word as u32 != 0 && word >> 32 == generation & 0xffff_ffff && age < SLOTS as i32
    }

    /// Failures since the last healthy answer of this generation.
    fn consecutive(&self, generation: u64) -> u32 {
        let run = self.run.load(Acquire);
        if run >> 32 == generation & 0xffff_ffff { run as u32 } else { 0 }
    }

    fn end_run(&self, generation: u64) {
        let run = self.run.load(Acquire);
        let mine = generation << 32;
        // One try is enough: if the word has changed, a failure came after this answer or the generation is over.
        if run != mine && run >> 32 == mine >> 32 {
            let _ = self.run.compare_exchange(run, mine, AcqRel, Relaxed);
        }
    }

    fn extend_run(&self, generation: u64) {
        let mine = generation << 32;
        let longer = |run: u64| if run >> 32 == mine >> 32 { run.saturating_add(1) } else { mine + 1 };
        let _ = self.run.fetch_update(AcqRel, Acquire, |run| Some(longer(run)));
    }

    fn tick(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.origin);
        (since.as_secs() * 1000 + u64::from(since.subsec_millis())) / self.slot_millis
    }
}
