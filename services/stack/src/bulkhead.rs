//! Bulkhead: how many calls one dependency may hold at once, and how many more may wait for a turn.
//!
//! The queue is first in, first out and bounded; a wait never outlasts the caller's deadline. A caller that goes
//! away while waiting leaves its place to the next one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::{Instant, timeout_at};

use crate::deadline::Deadline;

mod layer;
#[cfg(test)]
mod tests;

pub use layer::{BulkheadFuture, BulkheadLayer, BulkheadService};

/// How much fits into a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Calls in flight at once. Default 256; at least 1 (0 is read as 1, which keeps the edge usable).
    pub max_in_flight: usize,
    /// Calls that may wait for a turn. Default 256; 0 turns calls away as soon as the bulkhead is full.
    pub max_queue: usize,
}

/// One dependency's bulkhead; clones are handles to the same one.
#[derive(Clone)]
pub struct Bulkhead {
    shared: Arc<Shared>,
}

struct Shared {
    name: Arc<str>,
    config: Config,
    slots: Arc<Semaphore>,
    queued: AtomicUsize,
    rejected: AtomicU64,
}

/// The right to one call; gives its slot back when dropped.
#[derive(Debug)]
pub struct Permit {
    _slot: OwnedSemaphorePermit,
}

/// The call was not started, so it is safe to send it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// All slots are taken and the queue is full.
    #[error("bulkhead {bulkhead:?} is full: {max_in_flight} calls in flight and {max_queue} waiting")]
    Full {
        /// Which bulkhead.
        bulkhead: Arc<str>,
        /// Its slots.
        max_in_flight: usize,
        /// Its places in the queue.
        max_queue: usize,
    },
    /// The call's deadline passed before it got a slot.
    #[error("the deadline passed while the call waited for bulkhead {bulkhead:?}")]
    Expired {
        /// Which bulkhead.
        bulkhead: Arc<str>,
    },
}

/// What a bulkhead looks like at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The dependency it guards.
    pub name: Arc<str>,
    /// Slots taken.
    pub in_flight: usize,
    /// Calls waiting for a slot.
    pub queued: usize,
    /// Slots there are.
    pub max_in_flight: usize,
    /// Places in the queue.
    pub max_queue: usize,
    /// Calls turned away since the start, for either reason.
    pub rejected_total: u64,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self { max_in_flight: 256, max_queue: 256 }
    }
}

// === impl Bulkhead ===

impl Bulkhead {
    /// A bulkhead for the dependency `name`.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, config: Config) -> Self {
        let max_in_flight = config.max_in_flight.clamp(1, Semaphore::MAX_PERMITS);
        let config = Config { max_in_flight, ..config };
        let shared = Shared {
            name: name.into(),
            config,
            slots: Arc::new(Semaphore::new(max_in_flight)),
            queued: AtomicUsize::new(0),
            rejected: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Waits for a slot, in order of arrival, at most until `deadline`.
    ///
    /// Cancel safe: dropping the future gives up the place in the queue and nothing else.
    ///
    /// # Errors
    /// [`Rejected`] if the queue is full or the deadline passes first.
    pub async fn acquire(&self, deadline: Option<Deadline>) -> Result<Permit, Rejected> {
        if let Some(permit) = self.take_free_slot(deadline)? {
            return Ok(permit);
        }
        let place = self.queue()?;
        let turn = Arc::clone(&self.shared.slots).acquire_owned();
        let turn = match deadline {
            None => Ok(turn.await),
            Some(deadline) => timeout_at(deadline.instant(), turn).await,
        };
        drop(place);
        let slot = turn.map_err(|_elapsed| self.expired())?.expect("the semaphore is never closed");
        self.check(deadline)?; // the turn and the deadline may come at once: expired work does not start
        Ok(Permit { _slot: slot })
    }

    /// Takes a slot if one is free and nobody waits for it.
    ///
    /// # Errors
    /// [`Rejected::Full`] otherwise.
    pub fn try_acquire(&self) -> Result<Permit, Rejected> {
        self.take_free_slot(None)?.ok_or_else(|| self.full())
    }

    /// How full it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Config { max_in_flight, max_queue } = self.shared.config;
        Snapshot {
            name: Arc::clone(&self.shared.name),
            in_flight: max_in_flight - self.shared.slots.available_permits(),
            queued: self.shared.queued.load(Relaxed),
            max_in_flight,
            max_queue,
            rejected_total: self.shared.rejected.load(Relaxed),
        }
    }

    /// The way without a wait. The semaphore hands a freed slot to the first in the queue directly, so a slot that
    /// can be taken here is one that nobody waits for.
    fn take_free_slot(&self, deadline: Option<Deadline>) -> Result<Option<Permit>, Rejected> {
        self.check(deadline)?;
        match Arc::clone(&self.shared.slots).try_acquire_owned() {
            Ok(slot) => Ok(Some(Permit { _slot: slot })),
            Err(TryAcquireError::NoPermits) => Ok(None),
            Err(TryAcquireError::Closed) => unreachable!("the semaphore is never closed"),
        }
    }

    fn check(&self, deadline: Option<Deadline>) -> Result<(), Rejected> {
        match deadline {
            Some(deadline) if deadline.expired(Instant::now()) => Err(self.expired()),
            _ => Ok(()),
        }
    }

    fn queue(&self) -> Result<Place<'_>, Rejected> {
        let max = self.shared.config.max_queue;
        let queued = &self.shared.queued;
        match queued.fetch_update(Relaxed, Relaxed, |n| (n < max).then_some(n + 1)) {
            Ok(_) => Ok(Place { queued }),
            Err(_) => Err(self.full()),
        }
    }

    fn full(&self) -> Rejected {
        self.shared.rejected.fetch_add(1, Relaxed);
        let Config { max_in_flight, max_queue } = self.shared.config;
        Rejected::Full { bulkhead: Arc::clone(&self.shared.name), max_in_flight, max_queue }
    }

    fn expired(&self) -> Rejected {
        self.shared.rejected.fetch_add(1, Relaxed);
        Rejected::Expired { bulkhead: Arc::clone(&self.shared.name) }
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

/// A place in the queue; dropping it leaves the queue.
struct Place<'a> {
    queued: &'a AtomicUsize,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queued.fetch_sub(1, Relaxed);
    }
}
