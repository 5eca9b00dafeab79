//! [`Breaker`] and [`Permit`]: where the decisions meet the clock and many threads.
//!
//! One word, the gate, says which generation it is and whether calls flow. While they do, admitting a call is a read
//! of that word, and a healthy answer is a compare-and-swap in the window; failures and every other state go through
//! the lock around the core, which is the only place where the gate changes.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::Instant;

use super::core::{Change, Core, Dice, Ticket};
use super::window::Window;
use super::{CircuitOpen, Config, Snapshot, State, Transition, jitter};
use crate::classify::Outcome;

#[cfg(test)]
mod tests;

/// Changes of state a slow subscriber may fall behind before it misses some.
const TRANSITIONS_KEPT: usize = 64;

/// One dependency's breaker; clones are handles to the same one.
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

struct Shared {
    name: Arc<str>,
    gate: AtomicU64,
    window: Window,
    core: Mutex<Core>,
    transitions: broadcast::Sender<Transition>,
    totals: Totals,
}

#[derive(Default)]
struct Totals {
    admitted: AtomicU64,
    failures: AtomicU64,
    successes: AtomicU64,
    rejected: AtomicU64,
}

/// The right to make one call, and the duty to say how it went.
///
/// Dropping it without a word settles it as [`Outcome::Neutral`]: nothing is counted and a probe's turn goes back.
#[derive(Debug)]
#[must_use = "a permit that is dropped says nothing about the call"]
pub struct Permit {
    breaker: Breaker,
    ticket: Ticket,
    settled: bool,
}

// === impl Breaker ===

impl Breaker {
    /// A closed breaker for the dependency `name`.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, config: Config) -> Self {
        Self::with_dice(name.into(), config, Box::new(jitter::roll))
    }

    fn with_dice(name: Arc<str>, config: Config, dice: Dice) -> Self {
        let config = config.clamped();
        let shared = Shared {
            name,
            gate: AtomicU64::new(gate(0, State::Closed)),
            window: Window::new(config.window, Instant::now()),
            core: Mutex::new(Core::new(config, dice)),
            transitions: broadcast::Sender::new(TRANSITIONS_KEPT),
            totals: Totals::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Asks to make one call.
    ///
    /// # Errors
    /// [`CircuitOpen`] if the call must not be made now.
    pub fn acquire(&self) -> Result<Permit, CircuitOpen> {
        let ticket = match self.shared.closed_generation() {
            Some(generation) => Ticket { generation, probe: None },
            None => self.shared.admit(Instant::now()).map_err(|retry_in| self.refuse(retry_in))?,
        };
        self.shared.totals.admitted.fetch_add(1, Relaxed);
        Ok(Permit { breaker: self.clone(), ticket, settled: false })
    }

    /// What it looks like now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let shared = &*self.shared;
        let mut core = shared.lock();
        let expired = core.expire(now);
        shared.publish(&core, expired);
        let rejected = shared.totals.rejected.load(Relaxed);
        Snapshot {
            name: Arc::clone(&shared.name),
            state: core.state(),
            consecutive_failures: shared.window.consecutive(core.generation()),
            retry_in: core.retry_in(now),
            total: shared.totals.admitted.load(Relaxed) + rejected,
            failures: shared.totals.failures.load(Relaxed),
            successes: shared.totals.successes.load(Relaxed),
            rejected,
        }
    }

    /// Closes it and forgets what led here. Calls that are out do not count any more. The totals stay.
    pub fn reset(&self) {
        let mut core = self.shared.lock();
        let change = core.reset();
        self.shared.publish(&core, Some(change));
    }

    /// Every change of state from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Transition> {
        self.shared.transitions.subscribe()
    }

    fn refuse(&self, retry_in: Duration) -> CircuitOpen {
        self.shared.totals.rejected.fetch_add(1, Relaxed);
        CircuitOpen { breaker: Arc::clone(&self.shared.name), retry_in }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Breaker").field(&self.shared.name).finish()
    }
}

// === impl Shared ===

impl Shared {
    fn closed_generation(&self) -> Option<u64> {
        let gate = self.gate.load(Acquire);
        (gate & 1 == 0).then_some(gate >> 1)
    }

    fn admit(&self, now: Instant) -> Result<Ticket, Duration> {
        let mut core = self.lock();
        let (verdict, change) = core.admit(now);
        self.publish(&core, change);
        verdict
    }

    fn settle(&self, ticket: Ticket, outcome: Outcome) {
        match (ticket.probe, outcome) {
            (Some(_), _) => self.settle_probe(ticket, outcome, Instant::now()),
            (None, Outcome::Healthy) => self.healthy(ticket.generation, Instant::now()),
            (None, Outcome::Failure) => self.failed(ticket.generation, Instant::now()),
            (None, Outcome::Throttled | Outcome::Credential | Outcome::Neutral) => {}
        }
    }

    fn healthy(&self, generation: u64, now: Instant) {
        let is_current = || self.closed_generation() == Some(generation);
        if is_current() {
            self.totals.successes.fetch_add(1, Relaxed);
            self.window.healthy(generation, now, is_current);
        }
    }

    fn failed(&self, generation: u64, now: Instant) {
        let mut core = self.lock();
        if core.generation() != generation {
            return; // the state that admitted the call is history
        }
        self.totals.failures.fetch_add(1, Relaxed);
        let counts = self.window.failure(generation, now);
        let change = core.failed(counts, now);
        self.publish(&core, change);
    }

    fn settle_probe(&self, ticket: Ticket, outcome: Outcome, now: Instant) {
        let mut core = self.lock();
        let settled = core.settle_probe(ticket, outcome, now);
        if settled.counted {
            self.totals.count(outcome);
        }
        self.publish(&core, settled.change);
    }

    /// Opens or closes the gate and tells the subscribers, under the lock so that they hear of changes in order.
    fn publish(&self, core: &Core, change: Option<Change>) {
        let Some(Change { from, to, generation }) = change else { return };
        debug_assert_eq!(core.generation(), generation);
        self.gate.store(gate(generation, to), Release);
        if from != to {
            let transition = Transition { breaker: Arc::clone(&self.name), from, to, generation };
            let _ = self.transitions.send(transition); // nobody has to listen
        }
    }

    /// The core is never left half-changed, so a panic elsewhere while it was held does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The gate's word: the generation, and a bit that is set unless calls flow.
fn gate(generation: u64, state: State) -> u64 {
    generation << 1 | u64::from(state != State::Closed)
}

// === impl Totals ===

impl Totals {
    fn count(&self, outcome: Outcome) {
        match outcome {
            Outcome::Healthy => self.successes.fetch_add(1, Relaxed),
            Outcome::Failure => self.failures.fetch_add(1, Relaxed),
            Outcome::Throttled | Outcome::Credential | Outcome::Neutral => return,
        };
    }
}

// === impl Permit ===

impl Permit {
    /// Says how the call went. If the breaker has changed its state meanwhile, nothing is counted.
    pub fn record(mut self, outcome: Outcome) {
        self.settle(outcome);
    }

    fn settle(&mut self, outcome: Outcome) {
        if !mem::replace(&mut self.settled, true) {
            self.breaker.shared.settle(self.ticket, outcome);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.settle(Outcome::Neutral);
    }
}
