//! [`Limiter`] and [`Permit`]: where the decisions meet the clock and many threads.
//!
//! Letting a call in is one compare-and-swap against the published limit; the lock is taken only to say how it went.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::gradient::{Ended, Gradient, Sample};
use super::shares::room;
use super::{Config, Overloaded, Snapshot};
use crate::priority::Priority;

/// One process's limit; clones are handles to the same one.
#[derive(Clone)]
pub struct Limiter {
    shared: Arc<Shared>,
}

struct Shared {
    name: Arc<str>,
    config: Config,
    in_flight: AtomicUsize,
    limit: AtomicUsize, // what the gradient says, for those who do not lock it
    gradient: Mutex<Gradient>,
    refused: [AtomicU64; 3],
}

/// The right to one call; gives its place back when dropped. Dropped before anything was said of the call, it says that
/// the caller went away.
pub struct Permit {
    shared: Arc<Shared>,
    started: Instant,
    in_flight: usize,
    is_settled: AtomicBool,
}

// === impl Limiter ===

impl Limiter {
    /// A limiter called `name`.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, config: Config) -> Self {
        let config = config.clamped();
        let gradient = Gradient::new(config, Instant::now());
        let shared = Shared {
            name: name.into(),
            config,
            in_flight: AtomicUsize::new(0),
            limit: AtomicUsize::new(gradient.limit()),
            gradient: Mutex::new(gradient),
            refused: [const { AtomicU64::new(0) }; 3],
        };
        Self { shared: Arc::new(shared) }
    }

    /// Lets a call in, or not. There is no queue: whoever can go elsewhere should do so at once.
    ///
    /// # Errors
    /// [`Overloaded`] if there is no room for calls of this importance.
    pub fn try_acquire(&self, priority: Priority) -> Result<Permit, Overloaded> {
        let shared = &self.shared;
        let room = room(shared.limit.load(Relaxed), priority);
        let entered = shared.in_flight.fetch_update(Relaxed, Relaxed, |n| (n < room).then_some(n + 1));
        match entered {
            Ok(before) => {
                let (shared, started) = (Arc::clone(shared), Instant::now());
                Ok(Permit { shared, started, in_flight: before + 1, is_settled: AtomicBool::new(false) })
            }
            Err(in_flight) => {
                shared.refused[priority as usize].fetch_add(1, Relaxed);
                Err(Overloaded { limiter: Arc::clone(&shared.name), priority, in_flight, room })
            }
        }
    }

    /// What it looks like now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let shared = &*self.shared;
        let Config { min, max, .. } = shared.config;
        Snapshot {
            name: Arc::clone(&shared.name),
            in_flight: shared.in_flight.load(Relaxed),
            limit: shared.limit.load(Relaxed),
            min,
            max,
            unloaded: shared.gradient.lock().unwrap_or_else(PoisonError::into_inner).unloaded(),
            refused: shared.refused.each_ref().map(|count| count.load(Relaxed)),
        }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

// === impl Permit ===

impl Permit {
    /// The call gave a good head now. Once per call.
    pub fn answered(&self) {
        self.say(Ended::Answered);
    }

    /// The call ran out of time now. Once per call.
    pub fn ran_out_of_time(&self) {
        self.say(Ended::OutOfTime);
    }

    /// The call failed in a way that says nothing about time: failing is often quick. Once per call.
    pub fn failed(&self) {
        self.is_settled.store(true, Relaxed);
    }

    fn say(&self, ended: Ended) {
        self.is_settled.store(true, Relaxed);
        let now_in_flight = self.shared.in_flight.load(Relaxed);
        let Self { started, in_flight, .. } = *self;
        let sample = Sample { started, in_flight, now_in_flight, ended };
        // The gradient is never left half-changed, so a panic elsewhere while it was held does not spoil it.
        let mut gradient = self.shared.gradient.lock().unwrap_or_else(PoisonError::into_inner);
        gradient.observe(sample, Instant::now());
        self.shared.limit.store(gradient.limit(), Relaxed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !*self.is_settled.get_mut() {
            self.say(Ended::Left);
        }
        self.shared.in_flight.fetch_sub(1, Relaxed);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.shared.name).finish()
    }
}
