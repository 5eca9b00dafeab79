//! The breaker's decisions: (state, event, now) → (state, verdict). No clock, no lock, no I/O.
//!
//! Every change of state starts a new *generation*. A [`Ticket`] names the generation that admitted the call, and
//! the outcome of a ticket from another generation touches nothing. A probe's turn is reserved when it is admitted
//! and comes back exactly once: with its outcome, or when its lease ends.

use std::time::Duration;

use tokio::time::Instant;

use super::window::Counts;
use super::{Config, State};
use crate::classify::Outcome;

#[cfg(test)]
mod tests;

/// While the probes are out nobody knows when the answer comes; this is what the others are told to wait.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// Where random numbers in [0, 1) come from.
pub(super) type Dice = Box<dyn FnMut() -> f64 + Send>;

pub(super) struct Core {
    config: Config,
    dice: Dice,
    generation: u64,
    phase: Phase,
    /// How often it has opened since it was last closed.
    trips: u32,
    next_probe: u64,
}

enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { out: Vec<Probe>, passed: u32 },
}

struct Probe {
    id: u64,
    lease_ends: Instant,
}

/// Proof that a call was admitted, and by which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) generation: u64,
    pub(super) probe: Option<u64>,
}

/// A change of state that an event caused; the generation is that of the new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: State,
    pub(super) to: State,
    pub(super) generation: u64,
}

/// What became of a probe's outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// Whether it still meant something when it came.
    pub(super) counted: bool,
    pub(super) change: Option<Change>,
}

// === impl Core ===

impl Core {
    pub(super) fn new(config: Config, dice: Dice) -> Self {
        Self { config, dice, generation: 0, phase: Phase::Closed, trips: 0, next_probe: 0 }
    }

    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// How long until the next probe may go out; only while open.
    pub(super) fn retry_in(&self, now: Instant) -> Option<Duration> {
        match self.phase {
            Phase::Open { until } => Some(until.saturating_duration_since(now)),
            Phase::Closed | Phase::HalfOpen { .. } => None,
        }
    }

    /// May a call go out? If not, when is it worth asking again?
    pub(super) fn admit(&mut self, now: Instant) -> (Result<Ticket, Duration>, Option<Change>) {
        let expired = self.expire(now);
        let probing = match self.phase {
            Phase::Open { until } if until <= now => {
                Some(self.enter(Phase::HalfOpen { out: vec![], passed: 0 }))
            }
            _ => None,
        };
        (self.take_turn(now), merge(expired, probing))
    }

    /// A probe that has outlived its lease has failed, at the moment its lease ended. Called before every event, so
    /// that what happens depends on the time and not on who asks first.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Change> {
        let Phase::HalfOpen { out, .. } = &self.phase else { return None };
        let ended = out.iter().map(|probe| probe.lease_ends).min().filter(|ended| *ended <= now)?;
        Some(self.trip(ended))
    }

    /// The outcome of a probe.
    pub(super) fn settle_probe(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) -> Settled {
        let expired = self.expire(now);
        if !self.return_turn(ticket) {
            return Settled { counted: false, change: expired };
        }
        let change = match outcome {
            Outcome::Failure => Some(self.trip(now)),
            Outcome::Healthy => self.pass(),
            Outcome::Throttled | Outcome::Credential | Outcome::Neutral => None, // the next call probes
        };
        Settled { counted: true, change }
    }

    /// A failure of the closed state, already counted in `counts`. The caller has checked the generation.
    pub(super) fn failed(&mut self, counts: Counts, now: Instant) -> Option<Change> {
        let closed = matches!(self.phase, Phase::Closed);
        (closed && self.is_too_much(counts)).then(|| self.trip(now))
    }

    /// An operator says it works: closed, with nothing remembered. Calls that are out do not count any more.
    pub(super) fn reset(&mut self) -> Change {
        self.close()
    }

    fn take_turn(&mut self, now: Instant) -> Result<Ticket, Duration> {
        match &mut self.phase {
            Phase::Closed => Ok(Ticket { generation: self.generation, probe: None }),
            Phase::Open { until } => Err(until.saturating_duration_since(now)),
            Phase::HalfOpen { out, passed } => {
                if out.len() as u64 + u64::from(*passed) >= u64::from(self.config.probes) {
                    return Err(PROBE_WAIT);
                }
                let id = self.next_probe;
                self.next_probe += 1;
                out.push(Probe { id, lease_ends: now + self.config.probe_lease });
                Ok(Ticket { generation: self.generation, probe: Some(id) })
            }
        }
    }

    /// Whether the ticket's turn was still out.
    fn return_turn(&mut self, ticket: Ticket) -> bool {
        let Phase::HalfOpen { out, .. } = &mut self.phase else { return false };
        if ticket.generation != self.generation {
            return false;
        }
        let before = out.len();
        out.retain(|probe| Some(probe.id) != ticket.probe);
        out.len() < before
    }

    fn pass(&mut self) -> Option<Change> {
        let Phase::HalfOpen { passed, .. } = &mut self.phase else { return None };
        *passed += 1;
        (*passed >= self.config.probes).then(|| self.close())
    }

    fn is_too_much(&self, counts: Counts) -> bool {
        let config = &self.config;
        let share = f64::from(counts.failures) >= f64::from(counts.calls) * config.failure_ratio;
        counts.consecutive >= config.consecutive_failures || (counts.calls >= config.min_calls && share)
    }

    fn trip(&mut self, now: Instant) -> Change {
        let until = now + self.open_time();
        self.trips = self.trips.saturating_add(1);
        self.enter(Phase::Open { until })
    }

    fn close(&mut self) -> Change {
        self.trips = 0;
        self.enter(Phase::Closed)
    }

    fn enter(&mut self, phase: Phase) -> Change {
        let from = self.state();
        self.phase = phase;
        self.generation += 1;
        Change { from, to: self.state(), generation: self.generation }
    }

    /// Doubles with every trip up to the ceiling; the jitter only ever shortens, so the ceiling holds.
    fn open_time(&mut self) -> Duration {
        let factor = 2u32.checked_pow(self.trips).unwrap_or(u32::MAX);
        let full = self.config.open.saturating_mul(factor).min(self.config.max_open);
        full.mul_f64(1.0 - self.config.jitter * (self.dice)().clamp(0.0, 1.0))
    }
}

/// Two changes in one event, as the one change that is seen from outside.
fn merge(first: Option<Change>, second: Option<Change>) -> Option<Change> {
    match (first, second) {
        (Some(first), Some(second)) => Some(Change { from: first.from, ..second }),
        (first, second) => first.or(second),
    }
}
