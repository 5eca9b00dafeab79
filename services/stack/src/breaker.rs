//! Circuit breaker: stop sending to what keeps failing, and find out by itself when it works again.
//!
//! ```text
//! Closed --5 failures in a row, or half of 20 calls in 10 s--> Open --its time is over--> HalfOpen
//!   ^                                                           ^                            |  |
//!   |                                                           '---- a probe fails, or -----'  |
//!   |                                                                 never comes back          |
//!   '------------------------------ every probe comes back healthy -----------------------------'
//! ```
//!
//! "Closed" means that calls flow. Each time the breaker opens again without having closed, it stays open twice as
//! long, up to [`Config::max_open`].
//!
//! - `core`: the state machine, pure: (state, event, now) → (state, verdict).
//! - `window`: the counts of the closed state, without a lock.
//! - `handle`: [`Breaker`] and [`Permit`], where the two meet the clock.
//! - `layer`: [`BreakerLayer`], where they meet a service.
//!
//! Slowness trips nothing yet: a call that is too slow counts only when the attempt timeout below makes it fail.

use std::sync::Arc;
use std::time::Duration;

mod core;
mod handle;
mod jitter;
mod layer;
mod window;

pub use handle::{Breaker, Permit};
pub use layer::{BreakerFuture, BreakerLayer, BreakerService, Verdict};

/// When a breaker trips, and how it recovers.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Failures in a row that trip it. Default 5; at least 1.
    pub consecutive_failures: u32,
    /// The share of failures within [`window`](Self::window) that trips it, 0 to 1. Default 0.5. It is judged when a
    /// failure arrives.
    pub failure_ratio: f64,
    /// Calls there must have been in the window before the share means anything. Default 20; 1 to 20,000.
    pub min_calls: u32,
    /// How far back the share looks. Default 10 s; at least 10 ms. Counted in ten slots.
    pub window: Duration,
    /// How long it stays open the first time. 60 s between our own services, 30 s for providers.
    pub open: Duration,
    /// The longest it stays open. Default 5 min.
    pub max_open: Duration,
    /// By how much an open time is shortened at random, as a share of it, 0 to 1. Default 0.1, so that many
    /// breakers that opened together do not all probe together.
    pub jitter: f64,
    /// Calls that half-open lets through, all of which must be healthy. Default 1; at least 1.
    pub probes: u32,
    /// A probe that has said nothing for this long has failed. Default 60 s; longer than any honest call.
    pub probe_lease: Duration,
}

/// What a breaker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls flow.
    Closed,
    /// Calls are refused.
    Open,
    /// A few calls are let through to see whether it works again.
    HalfOpen,
}

/// The call was not sent, so it is safe to send it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("circuit {breaker:?} is open, try again in {retry_in:?}")]
pub struct CircuitOpen {
    /// Which breaker refused.
    pub breaker: Arc<str>,
    /// When it is worth asking again.
    pub retry_in: Duration,
}

/// A change of state, told to everyone who [subscribed](Breaker::subscribe).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Which breaker.
    pub breaker: Arc<str>,
    /// What it did before.
    pub from: State,
    /// What it does now.
    pub to: State,
    /// The number of the new state; grows with every change.
    pub generation: u64,
}

/// What a breaker looks like at one moment. The totals count from the start of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The dependency it guards.
    pub name: Arc<str>,
    /// What it is doing.
    pub state: State,
    /// Failures since the last healthy answer; 0 unless closed.
    pub consecutive_failures: u32,
    /// When the next probe may go out; only while open.
    pub retry_in: Option<Duration>,
    /// Calls asked for, admitted or not.
    pub total: u64,
    /// Calls that counted as failures.
    pub failures: u64,
    /// Calls that counted as healthy.
    pub successes: u64,
    /// Calls refused.
    pub rejected: u64,
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
            open: Duration::from_secs(60),
            max_open: Duration::from_secs(300),
            jitter: 0.1,
            probes: 1,
            probe_lease: Duration::from_secs(60),
        }
    }

    /// For model providers: like [`internal`](Self::internal), but open for 30 s.
    #[must_use]
    pub const fn provider() -> Self {
        Self { open: Duration::from_secs(30), ..Self::internal() }
    }

    /// The same with every number inside the range its field names.
    fn clamped(self) -> Self {
        Self {
            consecutive_failures: self.consecutive_failures.max(1),
            min_calls: self.min_calls.clamp(1, 20_000),
            window: self.window.max(Duration::from_millis(10)),
            jitter: self.jitter.clamp(0.0, 1.0),
            probes: self.probes.max(1),
            ..self
        }
    }
}
