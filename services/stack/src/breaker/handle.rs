//! [`Breaker`]: where the decisions meet the clock and many threads.
//!
//! While calls flow, admitting one is a read of the gate, and a healthy answer is a compare-and-swap in the window.
//! While they do not, refusing one is a read of the gate and of the time it opens. Everything else goes through the
//! lock around the core, which is the only place where the gate changes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::Instant;

use super::core::{Change, Core, Dice, Settled, Ticket};
use super::gate::{Gate, Way};
use super::window::{Hit, Window};
use super::{CircuitOpen, Config, Mode, Permit, Recent, Snapshot, Transition};
use crate::classify::Outcome;
use crate::{dice, interleave};

#[cfg(test)]
mod tests;

/// Changes of state a slow subscriber may fall behind before it misses some.
const TRANSITIONS_KEPT: usize = 64;

/// One dependency's breaker; clones are handles to the same one.
#[derive(Clone)]
pub struct Breaker {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    name: Arc<str>,
    config: Config,
    gate: Gate,
    window: Window,
    locked: Mutex<Locked>,
    transitions: broadcast::Sender<Transition>,
    totals: Totals,
}

struct Locked {
    core: Core,
    last: Option<Transition>,
}

#[derive(Default)]
struct Totals {
    admitted: AtomicU64,
    failures: AtomicU64,
    successes: AtomicU64,
    slow: AtomicU64,
    rejected: AtomicU64,
}

// === impl Breaker ===

impl Breaker {
    /// A closed breaker for the dependency `name`.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, config: Config) -> Self {
        Self::with_dice(name.into(), config, Box::new(dice::roll), Instant::now())
    }

    pub(super) fn with_dice(name: Arc<str>, config: Config, dice: Dice, now: Instant) -> Self {
        let config = config.clamped();
        let shared = Shared {
            name,
            gate: Gate::new(now),
            window: Window::new(config.window, now),
            locked: Mutex::new(Locked { core: Core::new(config.clone(), dice), last: None }),
            config,
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
        self.acquire_at(Instant::now())
    }

    /// [`acquire`](Self::acquire) for those who have just read the clock, which takes longer than the rest.
    ///
    /// # Errors
    /// [`CircuitOpen`] if the call must not be made now.
    pub fn acquire_at(&self, now: Instant) -> Result<Permit, CircuitOpen> {
        let shared = &*self.shared;
        interleave::point();
        let (generation, way) = shared.gate.read();
        let flowing = Ticket { generation, probe: None };
        let verdict = match way {
            Way::Bypasses => return Ok(Permit::new(self.clone(), flowing, now)),
            Way::Flows => Ok(flowing),
            Way::Refused => {
                interleave::point();
                shared.gate.shut_for(now).map_or_else(|| shared.admit(now), Err)
            }
            Way::Asks => shared.admit(now),
        };
        match verdict {
            Ok(ticket) => {
                shared.totals.admitted.fetch_add(1, Relaxed);
                Ok(Permit::new(self.clone(), ticket, now))
            }
            Err(retry_in) => {
                shared.totals.rejected.fetch_add(1, Relaxed);
                let forced = way == Way::Asks && self.mode() == Mode::ForcedOpen;
                Err(CircuitOpen { breaker: Arc::clone(&shared.name), retry_in, forced })
            }
        }
    }

    /// How long it still refuses every call; `None` if it is worth asking. Takes no lock.
    #[must_use]
    pub fn shut_for(&self, now: Instant) -> Option<Duration> {
        let (_, way) = self.shared.gate.read();
        (way == Way::Refused).then(|| self.shared.gate.shut_for(now))?
    }

    /// What it looks like now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot_at(Instant::now())
    }

    pub(super) fn snapshot_at(&self, now: Instant) -> Snapshot {
        let shared = &*self.shared;
        let mut locked = shared.lock();
        locked.core.expire(now);
        shared.publish(&mut locked);
        let core = &locked.core;
        let counts = shared.window.counts(core.generation(), now);
        let [admitted, failures, successes, slow, rejected] = shared.totals.read();
        Snapshot {
            name: Arc::clone(&shared.name),
            state: core.state(),
            mode: core.mode(),
            generation: core.generation(),
            consecutive_failures: counts.consecutive,
            recent: Recent { calls: counts.calls, failures: counts.failures, slow: counts.slow },
            admits_percent: core.admits_percent(now),
            opened_at: core.opened_at(),
            retry_in: core.open_until().map(|until| until.saturating_duration_since(now)),
            last_transition: locked.last.clone(),
            total: admitted + rejected,
            failures,
            successes,
            slow,
            rejected,
        }
    }

    /// Closes it and forgets what led here. Calls that are out do not count any more. The totals stay, and so does
    /// the mode: a breaker that is forced open goes on refusing.
    pub fn reset(&self) {
        self.reset_at(Instant::now());
    }

    pub(super) fn reset_at(&self, now: Instant) {
        self.shared.change(|core| core.reset(now));
    }

    /// Its peer was seen to be well by other means than a call, such as a health check: if it is open, it is half-open
    /// from now on, and the next call probes. One that is forced open stays so.
    pub fn peer_is_well(&self) {
        self.peer_is_well_at(Instant::now());
    }

    pub(super) fn peer_is_well_at(&self, now: Instant) {
        self.shared.change(|core| core.peer_is_well(now));
    }

    /// Sets how much it has to say, and starts over: closed, with nothing remembered. Calls that are out do not count
    /// any more. After having been forced open, the share of calls let through ramps up. Setting the mode it already
    /// has changes nothing.
    pub fn set_mode(&self, mode: Mode) {
        self.set_mode_at(mode, Instant::now());
    }

    pub(super) fn set_mode_at(&self, mode: Mode, now: Instant) {
        self.shared.change(|core| core.set_mode(mode, now));
    }

    /// How much it has to say.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.shared.lock().core.mode()
    }

    /// Every change of state or mode from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Transition> {
        self.shared.transitions.subscribe()
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Breaker").field(&self.shared.name).finish()
    }
}

// === impl Shared ===

impl Shared {
    fn admit(&self, now: Instant) -> Result<Ticket, Duration> {
        self.change(|core| core.admit(now))
    }

    pub(super) fn slow_call(&self) -> Duration {
        self.config.slow_call
    }

    pub(super) fn probe_has_head(&self, ticket: Ticket, now: Instant) {
        self.change(|core| core.probe_has_head(ticket, now));
    }

    /// The outcome of a call that `took` so long.
    pub(super) fn settle(&self, ticket: Ticket, outcome: Outcome, took: Duration, now: Instant) {
        let hit = hit(outcome, took >= self.config.slow_call);
        match (ticket.probe, hit) {
            (Some(_), _) => self.settle_probe(ticket, hit, now),
            (None, Some(Hit::Healthy)) => self.healthy(ticket.generation, now),
            (None, Some(hit)) => self.bad(ticket.generation, hit, now),
            (None, None) => {}
        }
    }

    fn healthy(&self, generation: u64, now: Instant) {
        let is_current = || {
            interleave::point();
            self.gate.counts(generation)
        };
        if !is_current() {
            return;
        }
        self.totals.count(Hit::Healthy);
        let is_troubled = self.window.count(generation, now, Hit::Healthy, is_current);
        let is_too_much = || self.config.judge(self.window.counts(generation, now)).is_some();
        if is_troubled && is_too_much() {
            self.change(|core| self.judge(core, generation, now));
        }
    }

    /// Counted under the lock, so that no failure is lost to a change of state.
    fn bad(&self, generation: u64, hit: Hit, now: Instant) {
        self.change(|core| {
            core.expire(now);
            if core.generation() != generation || core.way() == Way::Bypasses {
                return; // the state that admitted the call is history, or does not count
            }
            self.totals.count(hit);
            self.window.count(generation, now, hit, || true);
            self.judge(core, generation, now);
        });
    }

    fn judge(&self, core: &mut Core, generation: u64, now: Instant) {
        core.expire(now);
        if core.generation() == generation {
            core.judge(self.window.counts(generation, now), now);
        }
    }

    fn settle_probe(&self, ticket: Ticket, hit: Option<Hit>, now: Instant) {
        let settled = self.change(|core| core.settle_probe(ticket, hit, now));
        if let (Settled::Counted, Some(hit)) = (settled, hit) {
            self.totals.count(hit);
        }
    }

    /// The only way to the core.
    fn change<T>(&self, event: impl FnOnce(&mut Core) -> T) -> T {
        interleave::point();
        let mut locked = self.lock();
        let result = event(&mut locked.core);
        self.publish(&mut locked);
        result
    }

    /// Sets the gate and tells the subscribers, under the lock so that they hear of changes in order.
    fn publish(&self, locked: &mut Locked) {
        let core = &mut locked.core;
        if self.gate.read() != (core.generation(), core.way()) {
            self.gate.set(core.generation(), core.way(), core.open_until());
        }
        for Change { from, to, mode, cause, at, generation } in core.take_changes() {
            let breaker = Arc::clone(&self.name);
            let transition = Transition { breaker, from, to, mode, cause, at, generation };
            locked.last = Some(transition.clone());
            let _ = self.transitions.send(transition); // nobody has to listen
        }
    }

    /// The core is never left half-changed, so a panic elsewhere while it was held does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Locked> {
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an outcome counts as; `None` if it says nothing.
const fn hit(outcome: Outcome, is_slow: bool) -> Option<Hit> {
    match (outcome, is_slow) {
        (Outcome::Failure, _) => Some(Hit::Failed),
        (Outcome::Healthy, false) => Some(Hit::Healthy),
        (Outcome::Healthy, true) => Some(Hit::SlowAnswer),
        (Outcome::Neutral, true) => Some(Hit::SlowSilence),
        (Outcome::Neutral, false) | (Outcome::Throttled | Outcome::Credential, _) => None,
    }
}

// === impl Totals ===

impl Totals {
    fn count(&self, hit: Hit) {
        if matches!(hit, Hit::Healthy | Hit::SlowAnswer) {
            self.successes.fetch_add(1, Relaxed);
        }
        if matches!(hit, Hit::SlowAnswer | Hit::SlowSilence) {
            self.slow.fetch_add(1, Relaxed);
        }
        if hit == Hit::Failed {
            self.failures.fetch_add(1, Relaxed);
        }
    }

    fn read(&self) -> [u64; 5] {
        let Self { admitted, failures, successes, slow, rejected } = self;
        [admitted, failures, successes, slow, rejected].map(|total| total.load(Relaxed))
    }
}
