//! Any sequence of events, told to the breaker and to a reference that is slow and obviously right: both must say the
//! same all along.

mod events;
mod reference;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::time::Instant;

use self::events::Event;
use self::reference::{Look, Reference};
use crate::breaker::{Breaker, Config, Permit};
use crate::classify::Outcome;
use crate::testing::sequences;

/// What chance gives out wherever the breaker asks for it.
const ROLL: f64 = 0.5;

#[test]
fn in_all_sequences_of_events_the_breaker_says_what_the_reference_says() {
    let covered = Coverage::default();
    let sequences = sequences::check(events::make, |config, events| run(config, events, &covered));
    covered.assert_enough(sequences);
}

/// How often something interesting happened; a test that meets nothing proves nothing.
#[derive(Default)]
struct Coverage {
    probes: AtomicU64,
    refusals: AtomicU64,
    trips: AtomicU64,
    recoveries: AtomicU64,
}

impl Coverage {
    fn assert_enough(&self, sequences: u64) {
        let Self { probes, refusals, trips, recoveries } = self;
        for (what, count) in
            [("probes", probes), ("refusals", refusals), ("trips", trips), ("recoveries", recoveries)]
        {
            let count = count.load(Relaxed);
            assert!(count > sequences / 10, "only {count} {what} in {sequences} sequences");
        }
    }
}

/// The breaker, the reference, and the calls that are out.
struct Pair {
    breaker: Breaker,
    reference: Reference,
    start: Instant,
    permits: Vec<Permit>,
}

/// Why the two differ, if they do.
fn run(config: &Config, events: &[Event], covered: &Coverage) -> Result<(), String> {
    let start = Instant::now();
    let mut pair = Pair {
        breaker: Breaker::with_dice("model".into(), config.clone(), Box::new(|| ROLL), start),
        reference: Reference::new(config.clone()),
        start,
        permits: Vec::new(),
    };
    for (at, event) in events.iter().enumerate() {
        pair.tell(*event).map_err(|why| format!("event {at}, {event:?}: {why}"))?;
    }
    pair.look()?;
    let totals = &pair.reference.totals;
    covered.probes.fetch_add(totals.probes, Relaxed);
    covered.refusals.fetch_add(totals.rejected, Relaxed);
    covered.trips.fetch_add(totals.trips, Relaxed);
    covered.recoveries.fetch_add(totals.recoveries, Relaxed);
    pair.is_not_wedged()
}

impl Pair {
    fn now(&self) -> Instant {
        self.start + self.reference.now
    }

    fn tell(&mut self, event: Event) -> Result<(), String> {
        let which = |which: u16, out: usize| usize::from(which).checked_rem(out);
        let (now, out) = (self.now(), self.permits.len());
        match event {
            Event::Pass(time) => self.reference.now += time,
            Event::Acquire => return self.acquire(),
            Event::Look => return self.look(),
            Event::Reset => {
                self.breaker.reset_at(now);
                self.reference.reset();
            }
            Event::PeerWell => {
                self.breaker.peer_is_well_at(now);
                self.reference.peer_is_well();
            }
            Event::Mode(mode) => {
                self.breaker.set_mode_at(mode, now);
                self.reference.set_mode(mode);
            }
            Event::Head(call) => {
                if let Some(call) = which(call, out) {
                    self.permits[call].head_at(now);
                    self.reference.head(call);
                }
            }
            Event::Lasts(call) => {
                if let Some(call) = which(call, out) {
                    self.permits[call].lasts_at(now);
                    self.reference.lasts(call);
                }
            }
            Event::Settle(call, outcome) => {
                if let Some(call) = which(call, out) {
                    self.settle(call, outcome);
                }
            }
            Event::Burst(outcome) => {
                self.acquire()?;
                if self.permits.len() > out {
                    self.settle(out, outcome);
                }
            }
        }
        Ok(())
    }

    fn acquire(&mut self) -> Result<(), String> {
        let verdict = self.breaker.acquire_at(self.now());
        let ours = verdict.as_ref().map(Permit::is_probe).map_err(|open| open.retry_in);
        let expected = self.reference.acquire();
        self.permits.extend(verdict);
        if ours != expected {
            return Err(format!("a call is answered {ours:?} (is it a probe / wait), not {expected:?}"));
        }
        if self.reference.probes_out() > self.reference.config.probes as usize {
            return Err("too many probes are out".to_owned());
        }
        Ok(())
    }

    fn settle(&mut self, call: usize, outcome: Outcome) {
        let now = self.now();
        self.permits.swap_remove(call).record_at(outcome, now);
        self.reference.settle(call, outcome);
    }

    fn look(&mut self) -> Result<(), String> {
        let (ours, expected) =
            (Look::of(&self.breaker.snapshot_at(self.now()), self.start), self.reference.look());
        if ours == expected { Ok(()) } else { Err(format!("it looks like\n{ours:?}, not\n{expected:?}")) }
    }

    /// With every call that is out lost, it lets one through after a lease and the longest open time.
    fn is_not_wedged(&mut self) -> Result<(), String> {
        let config = self.reference.config.clone();
        let latest = self.now() + config.probe_lease + config.max_open + config.ramp;
        let forced = self.breaker.mode() == crate::breaker::Mode::ForcedOpen;
        match self.breaker.acquire_at(latest) {
            Err(open) if !forced => Err(format!("wedged: {open}")),
            _ => Ok(()),
        }
    }
}
