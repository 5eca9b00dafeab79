//! One count per slot of time, for the last ten slots, without a lock.
//!
//! A slot is one atomic word that also says *which* generation and which slot of time it belongs to, so counting,
//! starting afresh and ignoring what is out of date are one compare-and-swap. Nothing is ever cleared: what another
//! generation or an earlier round of the slots has counted is simply not read.

use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::atomic::AtomicU64;

/// How many slots of time are kept.
pub(super) const SLOTS: usize = 10;

/// A slot's word: 16 bits of generation, 24 of tick, 24 of count.
const COUNT_BITS: u32 = 24;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const TICK_MAX: u64 = (1 << 24) - 1;

/// By how much a thread may be held up between reading the clock and counting, in slots of time.
const HELD_UP_TICKS: u64 = 1 << 10;

pub(super) struct Tally {
    slots: [AtomicU64; SLOTS],
}

// === impl Tally ===

impl Tally {
    pub(super) fn new() -> Self {
        // The last tag there is, with nothing counted.
        Self { slots: std::array::from_fn(|_| AtomicU64::new(!COUNT_MAX)) }
    }

    /// Counts one. `is_current` is asked before each write; once it says no, nothing is written that a later
    /// generation could read.
    pub(super) fn count(&self, generation: u64, tick: u64, is_current: impl Fn() -> bool) {
        let slot = &self.slots[(tick % SLOTS as u64) as usize];
        let tag = tag(generation, tick);
        let mut word = slot.load(Acquire);
        while is_current() {
            let Some(next) = counted(word, tag) else { return };
            match slot.compare_exchange_weak(word, next, AcqRel, Acquire) {
                Ok(_) => return,
                Err(actual) => word = actual,
            }
        }
    }

    /// What this generation has counted in the ten slots that end with `tick`.
    pub(super) fn sum(&self, generation: u64, tick: u64) -> u32 {
        let recent = (0..SLOTS as u64).map_while(|back| tick.checked_sub(back));
        let count = |tick: u64| {
            let word = self.slots[(tick % SLOTS as u64) as usize].load(Acquire);
            if word >> COUNT_BITS == tag(generation, tick) { (word & COUNT_MAX) as u32 } else { 0 }
        };
        recent.map(count).sum()
    }
}

fn tag(generation: u64, tick: u64) -> u64 {
    (generation & 0xffff) << 24 | (tick & TICK_MAX)
}

/// The word after one more; `None` if the slot already belongs to a later time, because this thread was held up for
/// longer than the window lasts.
fn counted(word: u64, tag: u64) -> Option<u64> {
    let old = word >> COUNT_BITS;
    if old == tag {
        return Some(if word & COUNT_MAX == COUNT_MAX { word } else { word + 1 });
    }
    let same_generation = old >> 24 == tag >> 24;
    let ahead = (old & TICK_MAX).wrapping_sub(tag & TICK_MAX) & TICK_MAX;
    let later = same_generation && ahead < HELD_UP_TICKS;
    (!later).then_some(tag << COUNT_BITS | 1)
}
