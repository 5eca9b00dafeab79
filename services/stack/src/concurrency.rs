//! Adaptive concurrency: how many inbound calls a process takes on at once, found out by itself.
//!
//! A fixed limit is wrong on the next machine, with the next release and on the day a dependency is slow. This one
//! follows the time that calls take: as long as they take no longer than they do without load, there is room for
//! more; when they take longer, they queue somewhere, and fewer should be let in. What does not fit is refused in the
//! same moment, the least important first, so that what is let in is answered in time.
//!
//! A call holds its place until its body has ended; its *time* is the time to its head. Calls that must not wait for
//! anybody, such as health checks, reflection and operations, and streams that last as long as a client pleases, are
//! exempt: they are neither counted nor timed.
//!
//! - `gradient`: the limit as a function of samples and the time passed in; pure.
//! - `shares`: how much of the limit is for whom; pure.
//! - `limiter`: [`Limiter`] and [`Permit`], where they meet the clock.
//! - `layer`: [`ConcurrencyLayer`], where that meets a service.

use std::sync::Arc;
use std::time::Duration;

use crate::priority::Priority;

mod gradient;
mod layer;
mod limiter;
mod shares;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use layer::{Concurrency, ConcurrencyFuture, ConcurrencyLayer};
pub use limiter::{Limiter, Permit};

/// Between which bounds a limit moves, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Where it begins. Default 64.
    pub initial: usize,
    /// It never falls below this. Default 16; at least 1.
    pub min: usize,
    /// It never rises above this. Default 1024.
    pub max: usize,
    /// How much longer than without load calls may take before the limit falls. Default 1.3; 1 to 4. The calls of
    /// one process differ, so a little above 1 is not yet a queue.
    pub tolerance: f64,
    /// Calls that take no longer than this do not queue, whatever they take without load. Default 0. Where calls take a
    /// fraction of a millisecond, the scheduler alone makes some of them take several times as long.
    pub negligible: Duration,
    /// How much a window's verdict counts against what was believed before. Default 0.3; 0.01 to 1.
    pub smoothing: f64,
    /// How long samples are collected before the limit moves. Default 100 ms.
    pub window: Duration,
    /// How many samples there must be before it moves. Default 10; 1 to 256.
    pub min_samples: usize,
    /// While calls press against the limit, how often it is lowered for a moment to see how long they take without a
    /// queue. Default 10 s; longer where calls take long, so that no more than a thirtieth of the time is spent on it.
    pub probe_every: Duration,
}

/// The call was not started, so it is safe to send it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{limiter:?} is overloaded: {in_flight} calls in flight, of {room} that leave room for {} calls", priority.as_str())]
pub struct Overloaded {
    /// Which limiter refused.
    pub limiter: Arc<str>,
    /// How important the call was.
    pub priority: Priority,
    /// Calls in flight at that moment.
    pub in_flight: usize,
    /// How many there may be for calls of this importance to be let in.
    pub room: usize,
}

/// What a limiter looks like at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it limits.
    pub name: Arc<str>,
    /// Calls in flight, without the exempt.
    pub in_flight: usize,
    /// How many there may be now.
    pub limit: usize,
    /// Where the limit ends below.
    pub min: usize,
    /// Where the limit ends above.
    pub max: usize,
    /// How long calls take without load, as far as is known.
    pub unloaded: Option<Duration>,
    /// Calls refused since the start of the process, in the order of [`Priority::ALL`].
    pub refused: [u64; 3],
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            initial: 64,
            min: 16,
            max: 1024,
            tolerance: 1.3,
            negligible: Duration::ZERO,
            smoothing: 0.3,
            window: Duration::from_millis(100),
            min_samples: 10,
            probe_every: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// The same with every number inside its range.
    fn clamped(self) -> Self {
        let min = self.min.max(1);
        let max = self.max.max(min);
        Self {
            initial: self.initial.clamp(min, max),
            min,
            max,
            tolerance: self.tolerance.clamp(1.0, 4.0),
            smoothing: self.smoothing.clamp(0.01, 1.0),
            min_samples: self.min_samples.clamp(1, gradient::KEPT),
            ..self
        }
    }
}
