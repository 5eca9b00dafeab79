//! The reference: remembers everything and works everything out again each time. No atomics, no generations in
//! counts, no carried credit; just the rules.

use std::time::Duration;

use tokio::time::Instant;

use super::ROLL;
use crate::breaker::{Cause, Config, Mode, Recent, Snapshot, State};
use crate::classify::Outcome;

pub(super) struct Reference {
    pub(super) config: Config,
    /// Since the breaker was made.
    pub(super) now: Duration,
    pub(super) totals: Totals,
    mode: Mode,
    phase: Phase,
    generation: u64,
    /// How often it has opened since calls last flowed in full.
    opened: u32,
    opened_at: Option<Duration>,
    calls: Vec<Call>,
    last: Option<Told>,
}

#[derive(Default)]
pub(super) struct Totals {
    pub(super) probes: u64,
    pub(super) rejected: u64,
    pub(super) trips: u64,
    pub(super) recoveries: u64,
    asked: u64,
    failures: u64,
    successes: u64,
    slow: u64,
}

enum Phase {
    /// What was heard, and for a ramp when it began and the shares at which it was asked, in thousandths.
    Closed {
        heard: Vec<(Duration, Heard)>,
        ramp: Option<(Duration, Vec<u128>)>,
    },
    Open {
        until: Duration,
    },
    HalfOpen {
        passed: u32,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Healthy,
    Failed,
    SlowAnswer,
    SlowSilence,
}

/// A call that is out.
struct Call {
    generation: u64,
    begun: Duration,
    to_head: Option<Duration>,
    probe: Option<Probe>,
}

/// A probe whose turn has not come back.
struct Probe {
    order: u64,
    has_head: bool,
}

type Told = (State, State, Mode, Cause, Duration, u64);

/// What both can be asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Look {
    state: State,
    mode: Mode,
    generation: u64,
    in_a_row: u32,
    recent: Recent,
    percent: u8,
    opened_at: Option<Duration>,
    retry_in: Option<Duration>,
    last: Option<Told>,
    totals: [u64; 5],
}

// === impl Look ===

impl Look {
    pub(super) fn of(snapshot: &Snapshot, start: Instant) -> Self {
        let Snapshot { total, failures, successes, slow, rejected, .. } = *snapshot;
        let told = snapshot.last_transition.as_ref();
        Self {
            state: snapshot.state,
            mode: snapshot.mode,
            generation: snapshot.generation,
            in_a_row: snapshot.consecutive_failures,
            recent: snapshot.recent,
            percent: snapshot.admits_percent,
            opened_at: snapshot.opened_at.map(|at| at - start),
            retry_in: snapshot.retry_in,
            last: told.map(|t| (t.from, t.to, t.mode, t.cause, t.at - start, t.generation)),
            totals: [total, failures, successes, slow, rejected],
        }
    }
}

// === impl Reference: events ===

impl Reference {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config,
            now: Duration::ZERO,
            totals: Totals::default(),
            mode: Mode::Normal,
            phase: Phase::Closed { heard: vec![], ramp: None },
            generation: 0,
            opened: 0,
            opened_at: None,
            calls: vec![],
            last: None,
        }
    }

    /// Whether the call is a probe, or how long to wait.
    pub(super) fn acquire(&mut self) -> Result<bool, Duration> {
        self.pass_time();
        if self.mode != Mode::Disabled {
            self.totals.asked += 1;
        }
        let verdict = self.decide();
        match verdict {
            Err(_) => self.totals.rejected += 1,
            Ok(is_probe) => {
                self.totals.probes += u64::from(is_probe);
                let probe = is_probe.then_some(Probe { order: self.totals.probes, has_head: false });
                let (generation, begun) = (self.generation, self.now);
                self.calls.push(Call { generation, begun, to_head: None, probe });
            }
        }
        verdict
    }

    pub(super) fn head(&mut self, call: usize) {
        self.pass_time();
        let took = self.took(call);
        let call = &mut self.calls[call];
        call.to_head = Some(took);
        if let Some(probe) = call.probe.as_mut().filter(|_| took < self.config.slow_call) {
            probe.has_head = true;
        }
    }

    pub(super) fn lasts(&mut self, call: usize) {
        self.pass_time();
        if self.calls[call].probe.is_some() {
            self.hear(call, Outcome::Healthy);
        }
    }

    pub(super) fn settle(&mut self, call: usize, outcome: Outcome) {
        self.pass_time();
        self.hear(call, outcome);
        self.calls.swap_remove(call);
    }

    pub(super) fn reset(&mut self) {
        self.pass_time();
        self.opened = 0;
        self.enter(self.mode, closed(None), Cause::Reset, self.now);
    }

    pub(super) fn peer_is_well(&mut self) {
        self.pass_time();
        if self.mode == Mode::Normal && self.state() == State::Open {
            self.enter(self.mode, Phase::HalfOpen { passed: 0 }, Cause::PeerWell, self.now);
        }
    }

    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.pass_time();
        if mode != self.mode {
            let ramps = self.mode == Mode::ForcedOpen && mode == Mode::Normal;
            self.opened = 0;
            self.enter(mode, closed(ramps.then_some(self.now)), Cause::ModeSet, self.now);
        }
    }

    pub(super) fn look(&mut self) -> Look {
        self.pass_time();
        let recent = self.recent();
        let Totals { asked, failures, successes, slow, rejected, .. } = self.totals;
        let until = match self.phase {
            Phase::Open { until } => Some(until),
            Phase::Closed { .. } | Phase::HalfOpen { .. } => None,
        };
        Look {
            state: self.state(),
            mode: self.mode,
            generation: self.generation,
            in_a_row: self.in_a_row(),
            recent,
            percent: if self.state() == State::Closed { (self.share() / 10) as u8 } else { 0 },
            opened_at: self.opened_at,
            retry_in: until.map(|until| until.saturating_sub(self.now)),
            last: self.last,
            totals: [asked, failures, successes, slow, rejected],
        }
    }

    pub(super) fn probes_out(&self) -> usize {
        self.calls.iter().filter(|call| call.probe.is_some()).count()
    }
}

// === impl Reference: rules ===

impl Reference {
    fn state(&self) -> State {
        match self.phase {
            _ if self.mode == Mode::ForcedOpen => State::Open,
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    fn decide(&mut self) -> Result<bool, Duration> {
        match self.mode {
            Mode::ForcedOpen => return Err(self.config.open),
            Mode::Disabled | Mode::MetricsOnly => return Ok(false),
            Mode::Normal => {}
        }
        if let Phase::Open { until } = self.phase {
            if self.now < until {
                return Err(until - self.now);
            }
            self.enter(self.mode, Phase::HalfOpen { passed: 0 }, Cause::ProbeDue, self.now);
        }
        if let Phase::HalfOpen { passed } = self.phase {
            let free = self.probes_out() + (passed as usize) < self.config.probes as usize;
            return if free { Ok(true) } else { Err(Duration::from_secs(1)) };
        }
        self.decide_in_ramp().map(|()| false)
    }

    /// Of all calls asked so far, as many have gone as their shares add up to, and the first.
    fn decide_in_ramp(&mut self) -> Result<(), Duration> {
        let (share, now, length) = (self.share(), self.now, self.config.ramp);
        let Phase::Closed { ramp: Some((from, shares)), .. } = &mut self.phase else { return Ok(()) };
        let gone = |shares: &[u128]| (900 + shares.iter().sum::<u128>()) / 1000;
        let before = gone(shares);
        shares.push(share);
        if gone(shares) > before {
            return Ok(());
        }
        Err(Duration::from_millis(100).min(*from + length - now))
    }

    /// The share of calls the closed state lets through, in thousandths.
    fn share(&self) -> u128 {
        let Phase::Closed { ramp: Some((from, _)), .. } = &self.phase else { return 1000 };
        100 + 900 * (self.now - *from).as_nanos() / self.config.ramp.as_nanos()
    }

    /// Leases that have ended, the earliest first, and the end of a ramp.
    fn pass_time(&mut self) {
        let lease = self.config.probe_lease;
        loop {
            let ended = |call: &&mut Call| call.probe.is_some() && call.begun + lease <= self.now;
            let order = |call: &&mut Call| call.probe.as_ref().map(|probe| (call.begun, probe.order));
            let Some(call) = self.calls.iter_mut().filter(ended).min_by_key(order) else { break };
            let (at, probe) = (call.begun + lease, call.probe.take());
            match probe {
                Some(Probe { has_head: true, .. }) => self.probe_passed(at),
                _ => self.open(Cause::ProbeLost, at),
            }
        }
        if let Phase::Closed { ramp, .. } = &mut self.phase
            && ramp.as_ref().is_some_and(|(from, _)| *from + self.config.ramp <= self.now)
        {
            *ramp = None;
            self.opened = 0;
        }
    }

    fn took(&self, call: usize) -> Duration {
        let call = &self.calls[call];
        call.to_head.unwrap_or(self.now - call.begun)
    }

    fn hear(&mut self, call: usize, outcome: Outcome) {
        let slow = self.took(call) >= self.config.slow_call;
        let heard = match outcome {
            Outcome::Failure => Some(Heard::Failed),
            Outcome::Healthy if slow => Some(Heard::SlowAnswer),
            Outcome::Healthy => Some(Heard::Healthy),
            Outcome::Neutral if slow => Some(Heard::SlowSilence),
            Outcome::Neutral | Outcome::Throttled | Outcome::Credential => None,
        };
        let is_probe = self.calls[call].probe.take().is_some();
        let is_of_now = self.calls[call].generation == self.generation && self.mode != Mode::Disabled;
        let Some(heard) = heard.filter(|_| is_of_now) else { return };
        match &mut self.phase {
            Phase::HalfOpen { .. } if is_probe => {
                self.add_up(heard);
                match heard {
                    Heard::Healthy => self.probe_passed(self.now),
                    _ => self.open(Cause::ProbeFailed, self.now),
                }
            }
            Phase::Closed { heard: all, .. } => {
                all.push((self.now, heard));
                self.add_up(heard);
                self.judge();
            }
            Phase::HalfOpen { .. } | Phase::Open { .. } => {} // a probe that was settled before
        }
    }

    fn add_up(&mut self, heard: Heard) {
        self.totals.failures += u64::from(heard == Heard::Failed);
        self.totals.successes += u64::from(matches!(heard, Heard::Healthy | Heard::SlowAnswer));
        self.totals.slow += u64::from(matches!(heard, Heard::SlowSilence | Heard::SlowAnswer));
    }

    fn judge(&mut self) {
        let Recent { calls, failures, slow } = self.recent();
        let share = f64::from(failures + slow) / f64::from(calls);
        if self.mode == Mode::MetricsOnly {
        } else if self.in_a_row() >= self.config.consecutive_failures {
            self.open(Cause::FailuresInARow, self.now);
        } else if calls >= self.config.min_calls && share >= self.config.failure_ratio {
            self.open(Cause::ShareOfCalls, self.now);
        }
    }

    fn in_a_row(&self) -> u32 {
        let Phase::Closed { heard, .. } = &self.phase else { return 0 };
        let told = heard.iter().rev().map(|(_, heard)| *heard).filter(|heard| *heard != Heard::SlowSilence);
        told.take_while(|heard| *heard == Heard::Failed).count() as u32
    }

    /// What the last ten slots of time hold.
    fn recent(&self) -> Recent {
        let Phase::Closed { heard, .. } = &self.phase else { return Recent::default() };
        let slot = |at: Duration| at.as_millis() / (self.config.window.as_millis() / 10);
        let recent = heard.iter().filter(|(at, _)| slot(*at) + 10 > slot(self.now)).map(|(_, heard)| *heard);
        let count = |which: fn(&Heard) -> bool| recent.clone().filter(which).count() as u32;
        Recent {
            calls: count(|_| true),
            failures: count(|heard| *heard == Heard::Failed),
            slow: count(|heard| matches!(heard, Heard::SlowAnswer | Heard::SlowSilence)),
        }
    }

    fn probe_passed(&mut self, at: Duration) {
        let Phase::HalfOpen { passed } = &mut self.phase else { return };
        *passed += 1;
        if *passed == self.config.probes {
            self.totals.recoveries += 1;
            let ramps = !self.config.ramp.is_zero();
            self.opened *= u32::from(ramps);
            self.enter(self.mode, closed(ramps.then_some(at)), Cause::ProbesPassed, at);
        }
    }

    fn open(&mut self, cause: Cause, at: Duration) {
        let longest = self.config.open * 2u32.pow(self.opened.min(20));
        let open = longest.min(self.config.max_open).mul_f64(1.0 - self.config.jitter * ROLL);
        self.opened += 1;
        self.totals.trips += 1;
        self.enter(self.mode, Phase::Open { until: at + open }, cause, at);
    }

    fn enter(&mut self, mode: Mode, phase: Phase, cause: Cause, at: Duration) {
        let before = (self.mode, self.state());
        (self.mode, self.phase) = (mode, phase);
        self.generation += 1;
        self.calls.iter_mut().for_each(|call| call.probe = None);
        let state = self.state();
        if state == State::Closed {
            self.opened_at = None;
        } else if self.opened_at.is_none() {
            self.opened_at = Some(at);
        }
        if before != (mode, state) {
            self.last = Some((before.1, state, mode, cause, at, self.generation));
        }
    }
}

fn closed(ramp_from: Option<Duration>) -> Phase {
    Phase::Closed { heard: vec![], ramp: ramp_from.map(|from| (from, vec![])) }
}
