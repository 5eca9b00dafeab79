//! When a breaker trips, and how it recovers.

use std::time::Duration;

use super::view::Cause;
use super::window::Counts;

/// When a breaker trips, and how it recovers.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Failures in a row that trip it. Default 5; at least 1.
    pub consecutive_failures: u32,
    /// The share of calls within [`window`](Self::window) that trips it if they failed or were slow, 0 to 1. Default
    /// 0.5. It is judged whenever the outcome of a call arrives, be it a good one.
    pub failure_ratio: f64,
    /// Calls there must have been in the window before the share means anything. Default 20; 1 to 20,000.
    pub min_calls: u32,
    /// How far back the share looks. Default 10 s; at least 10 ms. Counted in ten slots.
    pub window: Duration,
    /// A call that takes this long to its head is slow. 5 s between our own services, 30 s for providers; longer
    /// than an honest call to this peer takes.
    pub slow_call: Duration,
    /// How long it stays open the first time. 60 s between our own services, 30 s for providers.
    pub open: Duration,
    /// The longest it stays open. Default 5 min.
    pub max_open: Duration,
    /// By how much an open time is shortened at random, as a share of it, 0 to 1. Default 0.1, so that many
    /// breakers that opened together do not all probe together.
    pub jitter: f64,
    /// Calls that half-open lets through, all of which must be healthy. Default 1; at least 1.
    pub probes: u32,
    /// A probe that has brought no head for this long has failed; one that has, and still goes on, has passed.
    /// Default 60 s; longer than any honest call takes to its head.
    pub probe_lease: Duration,
    /// How long it takes from the first tenth of the calls to all of them, once the probes have passed. Default 3 s;
    /// zero to let all of them through at once.
    pub ramp: Duration,
}

// === impl Config ===

impl Config {
    /// For calls between our own services.
    #[must_use]
    pub const fn internal() -> Self {
        Self {
            consecutive_failures: 5,
            failure_ratio: 0.5,
            min_calls: 20,
            window: Duration::from_secs(10),
            slow_call: Duration::from_secs(5),
            open: Duration::from_secs(60),
            max_open: Duration::from_secs(300),
            jitter: 0.1,
            probes: 1,
            probe_lease: Duration::from_secs(60),
            ramp: Duration::from_secs(3),
        }
    }

    /// For model providers: like [`internal`](Self::internal), but open for 30 s, and slow only after 30 s.
    #[must_use]
    pub const fn provider() -> Self {
        Self { open: Duration::from_secs(30), slow_call: Duration::from_secs(30), ..Self::internal() }
    }

    /// The same with every number inside the range its field names.
    pub(super) fn clamped(self) -> Self {
        Self {
            consecutive_failures: self.consecutive_failures.max(1),
            min_calls: self.min_calls.clamp(1, 20_000),
            window: self.window.max(Duration::from_millis(10)),
            jitter: self.jitter.clamp(0.0, 1.0),
            probes: self.probes.max(1),
            ..self
        }
    }

    /// Which of the two signals these counts give, if any.
    pub(super) fn judge(&self, counts: Counts) -> Option<Cause> {
        let bad = f64::from(counts.failures) + f64::from(counts.slow);
        if counts.consecutive >= self.consecutive_failures {
            Some(Cause::FailuresInARow)
        } else if counts.calls >= self.min_calls && bad >= f64::from(counts.calls) * self.failure_ratio {
            Some(Cause::ShareOfCalls)
        } else {
            None
        }
    }
}
