//! Sequences of events: made from a number, and made shorter while they still fail.

use std::time::Duration;

use crate::breaker::{Config, Mode};
use crate::classify::Outcome;

/// Something that happens to a breaker. A number says which of the calls that are out it is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Acquire,
    Settle(u16, Outcome),
    /// A call that is over at once.
    Burst(Outcome),
    Head(u16),
    Lasts(u16),
    Pass(Duration),
    Look,
    Reset,
    Mode(Mode),
}

#[derive(Clone, Debug)]
pub(super) struct Sequence {
    config: Config,
    pub(super) events: Vec<Event>,
}

/// SplitMix64: a sequence of numbers that look random and depend on the first alone.
struct Chance(u64);

// === impl Sequence ===

impl Sequence {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let config = config(&mut chance);
        let length = 10 + chance.below(70);
        let events = (0..length).map(|_| event(&mut chance, &config)).collect();
        Self { config, events }
    }

    pub(super) fn config(&self) -> Config {
        self.config.clone()
    }

    /// Leaves out events, many at a time and then single ones, as long as what is left still fails.
    pub(super) fn shrink(mut self, fails: impl Fn(&Self) -> bool) -> Self {
        let mut chunk = self.events.len();
        while chunk > 0 {
            let mut at = 0;
            while at < self.events.len() {
                let end = (at + chunk).min(self.events.len());
                let mut shorter = self.clone();
                shorter.events.drain(at..end);
                if fails(&shorter) {
                    self = shorter;
                } else {
                    at = end;
                }
            }
            chunk /= 2;
        }
        self
    }
}

fn config(chance: &mut Chance) -> Config {
    let millis = |chance: &mut Chance, of: &[u64]| Duration::from_millis(*chance.pick(of));
    let open = millis(chance, &[0, 100, 1_000, 60_000]);
    Config {
        consecutive_failures: 1 + chance.below(6) as u32,
        failure_ratio: *chance.pick(&[0.2, 0.5, 1.0]),
        min_calls: 1 + chance.below(12) as u32,
        window: millis(chance, &[10, 1_000, 10_000]),
        slow_call: millis(chance, &[50, 5_000]),
        open,
        max_open: open * (1 + chance.below(5) as u32),
        jitter: *chance.pick(&[0.0, 0.1]),
        probes: 1 + chance.below(3) as u32,
        probe_lease: millis(chance, &[200, 60_000]),
        ramp: millis(chance, &[0, 300, 3_000]),
    }
}

fn event(chance: &mut Chance, config: &Config) -> Event {
    match chance.below(40) {
        0..=9 => Event::Acquire,
        10..=17 => Event::Settle(chance.index(), outcome(chance)),
        18..=26 => Event::Burst(outcome(chance)),
        27..=28 => Event::Head(chance.index()),
        29 => Event::Lasts(chance.index()),
        30..=35 => Event::Pass(time(chance, config)),
        36..=38 => Event::Look,
        _ => match chance.below(4) {
            0 | 1 => Event::Mode(*chance.pick(&[
                Mode::Normal,
                Mode::Normal,
                Mode::ForcedOpen,
                Mode::Disabled,
                Mode::MetricsOnly,
            ])),
            _ => Event::Reset,
        },
    }
}

fn outcome(chance: &mut Chance) -> Outcome {
    use Outcome::{Credential, Failure, Healthy, Neutral, Throttled};
    *chance.pick(&[
        Failure, Failure, Failure, Failure, Healthy, Healthy, Healthy, Neutral, Throttled, Credential,
    ])
}

/// Mostly what the breaker cares about: its own times, and a nanosecond more or less.
fn time(chance: &mut Chance, config: &Config) -> Duration {
    let Config { window, slow_call, open, max_open, probe_lease, ramp, .. } = config;
    let own =
        [*window, *window / 10, *slow_call, *open, *max_open, *probe_lease, *ramp, *ramp / 2, *open / 2];
    let near = *chance.pick(&own);
    match chance.below(4) {
        0 => near.saturating_sub(Duration::from_nanos(1)),
        1 => near + Duration::from_nanos(1),
        2 => near,
        _ => Duration::from_millis(chance.below(500)),
    }
}

// === impl Chance ===

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn index(&mut self) -> u16 {
        self.next() as u16
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}
