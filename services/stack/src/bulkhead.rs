//! Bulkhead: how many calls one dependency may hold at once, and how many more may wait for a turn.
//!
//! The queue is bounded; a wait never outlasts the caller's deadline, and a caller that goes away while waiting leaves
//! its place to the next one. It is served first in, first out, and newest first under overload: when more than half
//! of its places are taken (and more than two), or when the oldest waiter has used up half of its patience.
//!
//! - `slots`: who has a slot and who is next, pure, with the time passed in.
//! - `layer`: [`BulkheadLayer`], where that meets a service.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use self::slots::{HandOver, Slots};
use crate::deadline::Deadline;
use crate::interleave;

mod layer;
mod slots;
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
    slots: Mutex<Slots<Turn>>,
    rejected: AtomicU64,
}

/// How a waiter hears that it is its turn: the permit itself is sent, so that a turn nobody takes hands itself on.
type Turn = oneshot::Sender<Permit>;

/// The right to one call; gives its slot back when dropped.
pub struct Permit {
    shared: Arc<Shared>,
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
        let config = Config { max_in_flight: config.max_in_flight.max(1), ..config };
        let slots = Mutex::new(Slots::new(config.max_in_flight, config.max_queue));
        Self { shared: Arc::new(Shared { name: name.into(), config, slots, rejected: AtomicU64::new(0) }) }
    }

    /// Waits for a slot, at most until `deadline`.
    ///
    /// Cancel safe: dropping the future gives up the place in the queue and nothing else.
    ///
    /// # Errors
    /// [`Rejected`] if the queue is full or the deadline passes first.
    pub async fn acquire(&self, deadline: Option<Deadline>) -> Result<Permit, Rejected> {
        self.check(deadline)?;
        let mut waiting = match self.arrive(deadline)? {
            Arrival::Admitted(permit) => return Ok(permit),
            Arrival::Queued(waiting) => waiting,
        };
        let turn = match deadline {
            None => Ok((&mut waiting.turn).await),
            Some(deadline) => timeout_at(deadline.instant(), &mut waiting.turn).await,
        };
        // The clock ran out, or whoever freed a slot saw that it had and passed this call over.
        let permit = turn.ok().and_then(Result::ok).ok_or_else(|| self.expired())?;
        self.check(deadline)?; // the turn and the deadline may come at once: expired work does not start
        Ok(permit)
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
        let slots = self.shared.lock();
        Snapshot {
            name: Arc::clone(&self.shared.name),
            in_flight: slots.taken(),
            queued: slots.queued(),
            max_in_flight,
            max_queue,
            rejected_total: self.shared.rejected.load(Relaxed),
        }
    }

    /// The way without a wait.
    fn take_free_slot(&self, deadline: Option<Deadline>) -> Result<Option<Permit>, Rejected> {
        self.check(deadline)?;
        interleave::point();
        let taken = self.shared.lock().take();
        Ok(taken.then(|| self.permit()))
    }

    /// Takes a slot or a place in the queue in one step: between two, a slot might come free that wakes nobody.
    fn arrive(&self, deadline: Option<Deadline>) -> Result<Arrival<'_>, Rejected> {
        interleave::point();
        let mut slots = self.shared.lock();
        if slots.take() {
            return Ok(Arrival::Admitted(self.permit()));
        }
        let (sender, turn) = oneshot::channel();
        let place = slots.join(sender, deadline, Instant::now());
        drop(slots);
        let number = place.ok_or_else(|| self.full())?;
        Ok(Arrival::Queued(Waiting { _place: Place { shared: &self.shared, number }, turn }))
    }

    fn permit(&self) -> Permit {
        Permit { shared: Arc::clone(&self.shared) }
    }

    fn check(&self, deadline: Option<Deadline>) -> Result<(), Rejected> {
        match deadline {
            Some(deadline) if deadline.expired(Instant::now()) => Err(self.expired()),
            _ => Ok(()),
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

// === impl Shared ===

impl Shared {
    /// The slots are never left half-changed, so a panic elsewhere while they were held does not spoil them.
    fn lock(&self) -> MutexGuard<'_, Slots<Turn>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Permit ===

impl Drop for Permit {
    /// Hands the slot on. Waking happens outside the lock; a waiter that has just gone away does not take the new
    /// permit, which is then dropped and hands the slot on in its turn.
    fn drop(&mut self) {
        interleave::point();
        let mut slots = self.shared.lock();
        if slots.give_back() {
            return;
        }
        let HandOver { next, expired } = slots.release(Instant::now());
        drop(slots);
        drop(expired); // which tells them
        if let Some(turn) = next {
            interleave::point();
            let _ = turn.send(Self { shared: Arc::clone(&self.shared) });
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.shared.name).finish()
    }
}

/// What becomes of a call that arrives.
enum Arrival<'a> {
    Admitted(Permit),
    Queued(Waiting<'a>),
}

/// A call in the queue. The place goes first, so that nobody is given a turn that nobody will take.
struct Waiting<'a> {
    _place: Place<'a>,
    turn: oneshot::Receiver<Permit>,
}

/// A place in the queue; dropping it leaves the queue.
struct Place<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        interleave::point();
        let left = self.shared.lock().leave(self.number);
        drop(left); // outside the lock
    }
}
