//! Threads that come in between each other at every point where they can, and calls that are cancelled at every await.
//!
//! Shuttle runs the real cache, its loads as tasks, one step at a time in a random order; a step ends where a task
//! waits and at each [`point`]. Whatever the order: a call sees nothing that was loaded before an invalidation which
//! had returned when the call began, no call hangs, and at most one load that can be joined is under way.

use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::task::Poll;

use shuttle::future::{block_on, spawn};
use shuttle::rand::{Rng, thread_rng};

use super::*;

const SCHEDULES: usize = 20_000;
const KEY: u8 = 0;

thread_local! {
    static EXPLORING: Cell<bool> = const { Cell::new(false) };
}

/// Lets the scheduler choose who goes on, if there is one.
pub(in crate::cache) fn point() {
    if EXPLORING.get() {
        shuttle::thread::sleep(Duration::ZERO); // a plain choice: yielding would put this thread last
    }
}

/// What everyone in a schedule shares. Values are moments: a load brings the one at which it began.
struct Scene {
    cache: Cache<u8, u64, Down>,
    clock: Arc<AtomicU64>,
    /// The last moment at which an invalidation began that has returned.
    invalidated: AtomicU64,
}

/// Runs `scene` under many schedules.
fn explore(scene: fn()) {
    let explored = move || {
        EXPLORING.set(true);
        scene();
        EXPLORING.set(false);
    };
    shuttle::check_random(explored, SCHEDULES);
}
