//! What may happen to a breaker, made from random numbers.

use std::time::Duration;

use crate::breaker::{Config, Mode};
use crate::classify::Outcome;
use crate::testing::sequences::Chance;

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
    /// A health check found the peer well.
    PeerWell,
    Mode(Mode),
}

/// A breaker's settings and what happens to it.
pub(super) fn make(chance: &mut Chance) -> (Config, Vec<Event>) {
    let config = config(chance);
    let length = 10 + chance.below(70);
    let events = (0..length).map(|_| event(chance, &config)).collect();
    (config, events)
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
        _ => match chance.below(6) {
            4 | 5 => Event::PeerWell,
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
