//! The breaker's atomics under every interleaving that their memory orderings allow.
//!
//! These are the same source files that the crate is built from, with the model checker's atomics in the place of the
//! standard ones.

#![allow(dead_code, reason = "only a part of each file is looked at here")]

#[path = "../src/breaker/gate.rs"]
mod gate;
#[path = "../src/breaker/tally.rs"]
mod tally;
#[path = "../src/breaker/window.rs"]
mod window;

mod atomic {
    pub(super) use loom::sync::atomic::{AtomicU64, fence};
}

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;
use tokio::time::Instant;

use gate::{Gate, Way};
use window::{Counts, Hit, Window};

/// What the breaker shares between threads, all of it in generation 0 and with calls flowing.
struct Shared {
    gate: Gate,
    window: Window,
    now: Instant,
}

// === impl Shared ===

impl Shared {
    fn new() -> Arc<Self> {
        let now = Instant::now();
        let window = Window::new(Duration::from_secs(10), now);
        Arc::new(Self { gate: Gate::new(now), window, now })
    }

    /// A healthy answer as it is counted without the lock. Says whether it has to be judged.
    fn healthy(&self, generation: u64) -> bool {
        let is_current = || self.gate.counts(generation);
        is_current() && self.window.count(generation, self.now, Hit::Healthy, is_current)
    }

    /// A bad call as it is counted by whoever holds the lock.
    fn bad(&self, generation: u64, hit: Hit) {
        self.window.count(generation, self.now, hit, || true);
    }

    fn counts(&self, generation: u64) -> Counts {
        self.window.counts(generation, self.now)
    }
}

#[test]
fn no_count_is_lost() {
    loom::model(|| {
        let shared = Shared::new();
        let answer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.healthy(0))
        };
        shared.healthy(0);
        shared.bad(0, Hit::Failed);
        answer.join().expect("no panic");
        let Counts { calls, failures, slow, .. } = shared.counts(0);
        assert_eq!((calls, failures, slow), (3, 1, 0));
    });
}

#[test]
fn an_outcome_that_arrives_after_the_state_changed_touches_nothing() {
    loom::model(|| {
        let shared = Shared::new();
        shared.bad(0, Hit::Failed);
        let late = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.healthy(0))
        };
        shared.gate.set(1, Way::Flows, None);
        shared.bad(1, Hit::Failed);
        shared.healthy(1);
        shared.bad(1, Hit::Failed);
        late.join().expect("no panic");
        assert_eq!(shared.counts(1), Counts { consecutive: 1, calls: 3, failures: 2, slow: 0 });
    });
}

#[test]
fn a_failure_and_a_healthy_answer_at_once_do_not_both_overlook_the_other() {
    loom::model(|| {
        let shared = Shared::new();
        let answer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.healthy(0) && shared.counts(0).calls == 2)
        };
        shared.bad(0, Hit::Failed);
        let seen_by_failure = shared.counts(0).calls == 2;
        let seen_by_answer = answer.join().expect("no panic");
        assert!(seen_by_failure || seen_by_answer, "the second call makes two, and somebody judges that");
    });
}

#[test]
fn a_failure_after_a_healthy_answer_begins_a_new_run_and_none_is_lost() {
    loom::model(|| {
        let shared = Shared::new();
        shared.bad(0, Hit::Failed);
        let answer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.healthy(0))
        };
        shared.bad(0, Hit::Failed);
        answer.join().expect("no panic");
        let run = shared.counts(0).consecutive;
        assert!(run <= 2, "{run}");
        shared.bad(0, Hit::Failed);
        assert_eq!(shared.counts(0).consecutive, run + 1);
    });
}

#[test]
fn whoever_sees_that_it_is_shut_sees_until_when() {
    loom::model(|| {
        let shared = Shared::new();
        let caller = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let (generation, way) = shared.gate.read();
                let wait = shared.gate.shut_for(shared.now);
                match (generation, way) {
                    (0, Way::Flows) => {}
                    (1, Way::Refused) => {
                        assert!(wait.is_some(), "shut, and the time it opens is not there yet")
                    }
                    other => panic!("{other:?} was never the state"),
                }
            })
        };
        shared.gate.set(1, Way::Refused, Some(shared.now + Duration::from_secs(60)));
        caller.join().expect("no panic");
    });
}
