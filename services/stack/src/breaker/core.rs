//! The breaker's decisions: (state, event, now) → (state, verdict). No clock, no lock, no I/O.
//!
//! Every change of state starts a new *generation*. A [`Ticket`] names the generation that admitted the call, and
//! the outcome of a ticket from another generation touches nothing. A probe's turn is reserved when it is admitted
//! and comes back exactly once: with its outcome, or when its lease ends.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::gate::Way;
use super::ramp::Ramp;
use super::window::{Counts, Hit};
use super::{Cause, Config, Mode, State};

#[cfg(test)]
mod tests;

/// While the probes are out nobody knows when the answer comes; this is what the others are told to wait.
const PROBE_WAIT: Duration = Duration::from_secs(1);

/// Where random numbers in [0, 1) come from.
pub(super) type Dice = Box<dyn FnMut() -> f64 + Send>;

pub(super) struct Core {
    config: Config,
    dice: Dice,
    mode: Mode,
    generation: u64,
    phase: Phase,
    /// How often it has opened since calls last flowed in full.
    trips: u32,
    opened_at: Option<Instant>,
    next_probe: u64,
    /// What nobody has been told yet.
    changes: Vec<Change>,
}

enum Phase {
    Closed { ramp: Option<Ramp> },
    Open { until: Instant },
    HalfOpen { out: Vec<Probe>, passed: u32 },
}

struct Probe {
    id: u64,
    lease_ends: Instant,
    has_head: bool,
}

/// Proof that a call was admitted, and by which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) generation: u64,
    pub(super) probe: Option<u64>,
}

/// A change that can be seen from outside; the generation is that of the new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: State,
    pub(super) to: State,
    pub(super) mode: Mode,
    pub(super) cause: Cause,
    pub(super) at: Instant,
    pub(super) generation: u64,
}

/// Whether an outcome still meant something when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Counted,
    TooLate,
}

// === impl Core: what it says ===

impl Core {
    pub(super) fn new(config: Config, dice: Dice) -> Self {
        Self {
            config,
            dice,
            mode: Mode::Normal,
            generation: 0,
            phase: Phase::Closed { ramp: None },
            trips: 0,
            opened_at: None,
            next_probe: 0,
            changes: Vec::new(),
        }
    }

    pub(super) fn state(&self) -> State {
        match (self.mode, &self.phase) {
            (Mode::ForcedOpen, _) | (_, Phase::Open { .. }) => State::Open,
            (_, Phase::Closed { .. }) => State::Closed,
            (_, Phase::HalfOpen { .. }) => State::HalfOpen,
        }
    }

    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn opened_at(&self) -> Option<Instant> {
        self.opened_at
    }

    /// When the next probe may go out; only while open, and not while forced open.
    pub(super) fn open_until(&self) -> Option<Instant> {
        match (self.mode, &self.phase) {
            (Mode::Normal, Phase::Open { until }) => Some(*until),
            _ => None,
        }
    }

    /// The share of calls that are let through.
    pub(super) fn admits_percent(&self, now: Instant) -> u8 {
        match (self.state(), &self.phase) {
            (State::Closed, Phase::Closed { ramp: Some(ramp) }) => ramp.percent(now),
            (State::Closed, _) => 100,
            (State::Open | State::HalfOpen, _) => 0,
        }
    }

    /// What becomes of calls without asking again.
    pub(super) fn way(&self) -> Way {
        match (self.mode, &self.phase) {
            (Mode::Disabled, _) => Way::Bypasses,
            (Mode::MetricsOnly, _) | (Mode::Normal, Phase::Closed { ramp: None }) => Way::Flows,
            (Mode::Normal, Phase::Open { .. }) => Way::Refused,
            (Mode::ForcedOpen, _) | (Mode::Normal, _) => Way::Asks,
        }
    }

    /// The changes since this was last asked, in order.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        mem::take(&mut self.changes)
    }
}

// === impl Core: what happens to it ===

impl Core {
    /// May a call go out? If not, when is it worth asking again?
    pub(super) fn admit(&mut self, now: Instant) -> Result<Ticket, Duration> {
        self.expire(now);
        match self.phase {
            _ if self.mode == Mode::ForcedOpen => return Err(self.config.open),
            Phase::Open { until } if until <= now => {
                self.enter(self.mode, Phase::HalfOpen { out: vec![], passed: 0 }, Cause::ProbeDue, now);
            }
            _ => {}
        }
        self.take_turn(now)
    }

    /// What time alone does: leases end, and so does a ramp. Comes before every event, so that what happens depends
    /// on the time and not on who asks first.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(Probe { lease_ends, has_head, .. }) = self.take_ended_probe(now) {
            if has_head {
                self.pass(lease_ends); // it answered and goes on, such as a stream of events
            } else {
                self.trip(Cause::ProbeLost, lease_ends);
            }
        }
        if let Phase::Closed { ramp } = &mut self.phase
            && ramp.as_ref().is_some_and(|ramp| ramp.is_over(now))
        {
            *ramp = None;
            self.trips = 0;
        }
    }

    /// A probe has brought a good head.
    pub(super) fn probe_has_head(&mut self, ticket: Ticket, now: Instant) {
        self.expire(now);
        if let Some((out, at)) = self.find_probe(ticket) {
            out[at].has_head = true;
        }
    }

    /// The outcome of a probe; `None` if it says nothing, and then the next call probes.
    pub(super) fn settle_probe(&mut self, ticket: Ticket, hit: Option<Hit>, now: Instant) -> Settled {
        self.expire(now);
        let Some((out, at)) = self.find_probe(ticket) else { return Settled::TooLate };
        out.swap_remove(at);
        match hit {
            Some(Hit::Healthy) => self.pass(now),
            Some(Hit::Failed | Hit::SlowAnswer | Hit::SlowSilence) => self.trip(Cause::ProbeFailed, now),
            None => {}
        }
        Settled::Counted
    }

    /// The counts after a call of the closed state, whose generation the caller has checked.
    pub(super) fn judge(&mut self, counts: Counts, now: Instant) {
        let may_trip = self.mode == Mode::Normal && matches!(self.phase, Phase::Closed { .. });
        if let Some(cause) = self.config.judge(counts).filter(|_| may_trip) {
            self.trip(cause, now);
        }
    }

    /// An operator says it works: calls flow, with nothing remembered. Calls that are out do not count any more. The
    /// mode stays.
    pub(super) fn reset(&mut self, now: Instant) {
        self.expire(now);
        self.trips = 0;
        self.enter(self.mode, Phase::Closed { ramp: None }, Cause::Reset, now);
    }

    /// Starts over in another mode; after having been forced open, by way of a ramp.
    pub(super) fn set_mode(&mut self, mode: Mode, now: Instant) {
        if mode == self.mode {
            return;
        }
        self.expire(now);
        let is_way_back = self.mode == Mode::ForcedOpen && mode == Mode::Normal;
        let ramp = Ramp::new(now, self.config.ramp).filter(|_| is_way_back);
        self.trips = 0;
        self.enter(mode, Phase::Closed { ramp }, Cause::ModeSet, now);
    }

    /// The peer was seen to be well by other means than a call: the next call probes, however long it was to stay open.
    pub(super) fn peer_is_well(&mut self, now: Instant) {
        self.expire(now);
        if self.mode == Mode::Normal && matches!(self.phase, Phase::Open { .. }) {
            self.enter(self.mode, Phase::HalfOpen { out: vec![], passed: 0 }, Cause::PeerWell, now);
        }
    }

    fn take_turn(&mut self, now: Instant) -> Result<Ticket, Duration> {
        match &mut self.phase {
            Phase::Closed { ramp } => {
                ramp.as_mut().map_or(Ok(()), |ramp| ramp.admit(now))?;
                Ok(Ticket { generation: self.generation, probe: None })
            }
            Phase::Open { until } => Err(until.saturating_duration_since(now)),
            Phase::HalfOpen { out, passed } => {
                if out.len() as u64 + u64::from(*passed) >= u64::from(self.config.probes) {
                    return Err(PROBE_WAIT);
                }
                let id = self.next_probe;
                self.next_probe += 1;
                out.push(Probe { id, lease_ends: now + self.config.probe_lease, has_head: false });
                Ok(Ticket { generation: self.generation, probe: Some(id) })
            }
        }
    }

    fn take_ended_probe(&mut self, now: Instant) -> Option<Probe> {
        let Phase::HalfOpen { out, .. } = &mut self.phase else { return None };
        let first = (0..out.len()).min_by_key(|&at| (out[at].lease_ends, out[at].id))?;
        (out[first].lease_ends <= now).then(|| out.swap_remove(first))
    }

    /// Where among the probes the ticket's is, if it is still out.
    fn find_probe(&mut self, ticket: Ticket) -> Option<(&mut Vec<Probe>, usize)> {
        let Phase::HalfOpen { out, .. } = &mut self.phase else { return None };
        let is_it = |probe: &Probe| ticket.generation == self.generation && ticket.probe == Some(probe.id);
        let at = out.iter().position(is_it)?;
        Some((out, at))
    }

    fn pass(&mut self, now: Instant) {
        let Phase::HalfOpen { passed, .. } = &mut self.phase else { return };
        *passed += 1;
        if *passed < self.config.probes {
            return;
        }
        let ramp = Ramp::new(now, self.config.ramp);
        if ramp.is_none() {
            self.trips = 0;
        }
        self.enter(self.mode, Phase::Closed { ramp }, Cause::ProbesPassed, now);
    }

    fn trip(&mut self, cause: Cause, now: Instant) {
        let until = now + self.open_time();
        self.trips = self.trips.saturating_add(1);
        self.enter(self.mode, Phase::Open { until }, cause, now);
    }

    fn enter(&mut self, mode: Mode, phase: Phase, cause: Cause, at: Instant) {
        let before = (self.mode, self.state());
        (self.mode, self.phase) = (mode, phase);
        self.generation += 1;
        let to = self.state();
        self.opened_at = self.opened_at.or(Some(at)).filter(|_| to != State::Closed);
        if before != (mode, to) {
            self.changes.push(Change { from: before.1, to, mode, cause, at, generation: self.generation });
        }
    }

    /// Doubles with every trip up to the ceiling; the jitter only ever shortens, so the ceiling holds.
    fn open_time(&mut self) -> Duration {
        let factor = 2u32.checked_pow(self.trips).unwrap_or(u32::MAX);
        let full = self.config.open.saturating_mul(factor).min(self.config.max_open);
        full.mul_f64(1.0 - self.config.jitter * (self.dice)().clamp(0.0, 1.0))
    }
}
