//! Random sequences of events, each told to the real thing and to a reference that is slow and obviously right.
//!
//! Every run of the tests checks 100,000 sequences of each model. A million, or more:
//!
//! ```text
//! BSM_SEQUENCES=1000000 cargo test -p bsm-stack --release --lib sequences
//! ```

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use tokio::runtime::Runtime;

const SEQUENCES: u64 = 100_000;

/// How many sequences a model is to be checked with.
pub(crate) fn wanted() -> u64 {
    std::env::var("BSM_SEQUENCES").map_or(SEQUENCES, |text| text.parse().expect("a number"))
}

/// Runs `make`'s sequences, on all processors; on the first that breaks a rule, fails with the shortest sequence
/// that still breaks one. Returns how many there were.
pub(crate) fn check<C: Debug, E: Clone + Debug>(
    make: impl Fn(&mut Chance) -> (C, Vec<E>) + Sync,
    run: impl Fn(&C, &[E]) -> Result<(), String> + Sync,
) -> u64 {
    let (sequences, next) = (wanted(), AtomicU64::new(0));
    let work = || {
        while let Some(seed) = Some(next.fetch_add(1, Relaxed)).filter(|seed| *seed < sequences) {
            let (config, events) = make(&mut Chance(seed));
            if run(&config, &events).is_err() {
                next.store(sequences, Relaxed); // one failure is enough
                let shortest = shrink(events, |events| run(&config, events).is_err());
                let told = run(&config, &shortest).expect_err("it still fails");
                panic!("sequence {seed} breaks a rule: {told}\n{config:#?}\n{shortest:#?}");
            }
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        (0..workers).for_each(|_| drop(scope.spawn(work)));
    });
    println!("{sequences} sequences");
    sequences
}

/// Leaves out events, many at a time and then single ones, as long as what is left still fails.
fn shrink<E: Clone>(mut events: Vec<E>, fails: impl Fn(&[E]) -> bool) -> Vec<E> {
    let mut chunk = events.len();
    while chunk > 0 {
        let mut at = 0;
        while at < events.len() {
            let mut shorter = events.clone();
            shorter.drain(at..(at + chunk).min(events.len()));
            if fails(&shorter) { events = shorter } else { at += chunk }
        }
        chunk /= 2;
    }
    events
}

/// A runtime whose clock stands still until it is told to move.
pub(crate) fn paused() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime")
}

/// SplitMix64: numbers that look random and depend on the first alone.
pub(crate) struct Chance(u64);

// === impl Chance ===

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn index(&mut self) -> u16 {
        self.next() as u16
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}
