//! The limit as a function of how long calls take: (state, sample, now) → state.
//!
//! Samples are gathered in windows, and each window's median is held against the time that calls take without load:
//!
//! ```text
//! gradient = tolerance × unloaded / median      between ½ and 1: by how much the window was too slow (a time that
//!                                               is negligible counts as the negligible time)
//! limit    → limit × gradient + √limit          the root is the queue that is allowed, and the growth
//! ```
//!
//! Three things keep it honest. A limit that nobody presses against does not move, for nothing is known about it. Calls
//! that ran out of time count more than any gradient: a tenth of them in a window cost a tenth of the limit, and half of
//! them half of it; so do callers who left after a wait that no call needs. And since
//! under a steady load nobody sees the time without load, the limit is halved for a moment every now and then, to see how
//! long the calls take that start in that moment. As long as fewer calls take less time in proportion, they stood in a queue
//! and may still do, and it is halved again; the time that then stays is the time without load. A limit that is far too
//! high, as after a sudden loss of capacity, comes down with each of these steps.

use std::time::Duration;

use tokio::time::Instant;

use super::Config;

#[cfg(test)]
mod tests;

/// Samples kept of one window; a busy process does not need all of them.
pub(super) const KEPT: usize = 256;

/// What the limit is multiplied with when calls run out of time.
const BACK_OFF: f64 = 0.9;

/// And when most of them do: nothing comes of work that nobody waits for any more, so it must end within moments.
const COLLAPSE: f64 = 0.5;

/// A caller who left had waited in vain if it waited this many times as long as calls take without load, and so long
/// at least: those whose hedge was answered first, or who changed their minds, leave earlier.
const IN_VAIN: (u32, Duration) = (10, Duration::from_millis(500));

/// Two crowds can be told apart when the smaller is at most this part of the larger.
const CONTRAST: f64 = 0.7;

/// A crowd that queued is brought down to what it was, with a little room.
const ENOUGH: f64 = 1.2;

/// The part of the time that probing may take is one in this many.
const PROBE_SHARE: u32 = 30;

/// What one call says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// When the call was let in.
    pub(super) started: Instant,
    /// Calls in flight when it was, itself included: the queue that it stood in.
    pub(super) in_flight: usize,
    /// Calls in flight now: the queue that there is. What was let in before a rush ends in it.
    pub(super) now_in_flight: usize,
    /// How it went.
    pub(super) ended: Ended,
}

/// How a call went, as far as it matters here. Calls that failed otherwise say nothing: failing is often quick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It gave a good head.
    Answered,
    /// It ran out of time.
    OutOfTime,
    /// Its caller went away.
    Left,
}

/// The limit and what it rests on.
#[derive(Debug)]
pub(super) struct Gradient {
    config: Config,
    limit: f64,
    unloaded: Option<Duration>,
    phase: Phase,
    window: Window,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Steady { probe_at: Instant },
    Probing(Probe),
}

/// A look at fewer calls, in steps.
#[derive(Clone, Copy, Debug)]
struct Probe {
    began: Instant,
    /// When this step began; calls from before do not count.
    since: Instant,
    /// The limit in this step.
    level: f64,
    /// What was seen of the larger crowd before.
    before: Seen,
}

/// What a window shows.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// How long its calls took, in the middle.
    took: Duration,
    /// How many there were when they were let in, on average.
    crowd: f64,
}

/// What a smaller crowd says of a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Larger {
    Queued,
    DidNotQueue,
    /// They are too much alike.
    Unknown,
}

#[derive(Debug)]
struct Window {
    opened: Instant,
    times: Vec<Duration>,
    answered: usize,
    out_of_time: usize,
    peak: usize,  // of calls in flight
    crowd: usize, // the sum of those in flight when each answered one was let in
}

// === impl Gradient ===

impl Gradient {
    pub(super) fn new(config: Config, now: Instant) -> Self {
        let phase = Phase::Steady { probe_at: now + config.probe_every };
        Self { config, limit: config.initial as f64, unloaded: None, phase, window: Window::open(now) }
    }

    /// How many calls there may be in flight.
    pub(super) fn limit(&self) -> usize {
        let limit = match self.phase {
            Phase::Steady { .. } => self.limit,
            Phase::Probing(Probe { level, .. }) => level,
        };
        (limit as usize).clamp(self.config.min, self.config.max)
    }

    /// How long calls take without load, as far as is known.
    pub(super) const fn unloaded(&self) -> Option<Duration> {
        self.unloaded
    }

    /// Takes a sample into account.
    pub(super) fn observe(&mut self, sample: Sample, now: Instant) {
        if matches!(self.phase, Phase::Probing(Probe { since, .. }) if sample.started < since) {
            return; // it stood in the queue that the probe wants to be without
        }
        if sample.ended == Ended::Left && !self.was_in_vain(now.saturating_duration_since(sample.started)) {
            return;
        }
        self.window.add(sample, now);
        let Config { window, min_samples, .. } = self.config;
        if self.window.age(now) >= window && self.window.answered + self.window.out_of_time >= min_samples {
            self.judge(now);
            self.window = Window::open(now);
        }
    }

    /// Whether a caller who left after so long had waited for longer than any call needs.
    fn was_in_vain(&self, waited: Duration) -> bool {
        let (times, least) = IN_VAIN;
        waited >= least && self.unloaded.is_none_or(|unloaded| waited >= unloaded * times)
    }

    fn judge(&mut self, now: Instant) {
        let seen = self.window.seen();
        if let Phase::Probing(probe) = self.phase {
            return self.probed(probe, seen, now);
        }
        if self.window.out_of_time * 10 >= self.window.answered {
            let most = self.window.out_of_time > self.window.answered;
            return self.set(self.limit * if most { COLLAPSE } else { BACK_OFF });
        }
        let Some(Seen { took: median, crowd }) = seen else { return };
        if (self.window.peak as f64) < self.limit / 2.0 {
            // Nobody queues, so this *is* the time without load, be it longer or shorter than before.
            self.unloaded = Some(self.unloaded.map_or(median, |known| (known + median) / 2));
            return;
        }
        let unloaded = self.unloaded.map_or(median, |known| known.min(median));
        self.unloaded = Some(unloaded);
        self.set(self.next_limit(unloaded, median));
        if matches!(self.phase, Phase::Steady { probe_at } if probe_at <= now) {
            let before = Seen { took: median, crowd };
            self.phase = Phase::Probing(Probe { began: now, since: now, level: self.limit / 2.0, before });
        }
    }

    /// A step of a probe is over: one more, or the time without load.
    fn probed(&mut self, probe: Probe, seen: Option<Seen>, now: Instant) {
        let Probe { began, level, before, .. } = probe;
        let Some(seen) = seen.filter(|_| level > self.config.min as f64) else {
            return self.probed_enough(began, seen, now);
        };
        let before = match seen.tells_of(before) {
            Larger::DidNotQueue => return self.probed_enough(began, Some(seen), now),
            Larger::Queued => {
                self.set(self.limit.min(before.crowd * ENOUGH)); // nobody is idle with that many
                seen
            }
            Larger::Unknown if seen.crowd > before.crowd => seen, // the first look was at a queue still growing
            Larger::Unknown => before,
        };
        self.phase = Phase::Probing(Probe { began, since: now, level: level / 2.0, before });
    }

    fn probed_enough(&mut self, began: Instant, seen: Option<Seen>, now: Instant) {
        self.unloaded = seen.map(|seen| seen.took).or(self.unloaded);
        let pause = self.config.probe_every.max((now - began) * PROBE_SHARE);
        self.phase = Phase::Steady { probe_at: now + pause };
    }

    fn next_limit(&self, unloaded: Duration, median: Duration) -> f64 {
        let Config { tolerance, negligible, smoothing, .. } = self.config;
        let unloaded = unloaded.max(negligible);
        let gradient = match median.is_zero() {
            true => 1.0, // calls that take no time at all are in time
            false => (tolerance * unloaded.as_secs_f64() / median.as_secs_f64()).clamp(0.5, 1.0),
        };
        let verdict = self.limit * gradient + self.limit.sqrt();
        self.limit * (1.0 - smoothing) + verdict * smoothing
    }

    fn set(&mut self, limit: f64) {
        self.limit = limit.clamp(self.config.min as f64, self.config.max as f64);
    }
}

// === impl Seen ===

impl Seen {
    /// In a queue calls take as much less time as they are fewer, without one as long as before: halfway between is the
    /// line.
    fn tells_of(self, larger: Seen) -> Larger {
        let contrast = self.crowd / larger.crowd;
        if contrast > CONTRAST {
            return Larger::Unknown;
        }
        match self.took < larger.took.mul_f64((1.0 + contrast) / 2.0) {
            true => Larger::Queued,
            false => Larger::DidNotQueue,
        }
    }
}

// === impl Window ===

impl Window {
    const fn open(now: Instant) -> Self {
        Self { opened: now, times: Vec::new(), answered: 0, out_of_time: 0, peak: 0, crowd: 0 }
    }

    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.opened)
    }

    fn add(&mut self, sample: Sample, now: Instant) {
        self.peak = self.peak.max(sample.in_flight).max(sample.now_in_flight);
        if sample.ended != Ended::Answered {
            self.out_of_time += 1;
            return;
        }
        let took = now.saturating_duration_since(sample.started);
        match self.times.get_mut(self.answered % KEPT) {
            Some(oldest) => *oldest = took,
            None => self.times.push(took),
        }
        self.answered += 1;
        self.crowd += sample.in_flight;
    }

    fn seen(&mut self) -> Option<Seen> {
        let middle = self.times.len() / 2;
        let crowd = self.crowd as f64 / self.answered as f64;
        (!self.times.is_empty()).then(|| Seen { took: *self.times.select_nth_unstable(middle).1, crowd })
    }
}
