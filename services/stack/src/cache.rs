//! Cache: what was loaded once is served to many, for a bounded time, and never from before an invalidation.
//!
//! ```text
//!            loaded        ttl (less jitter)        ttl + max_stale          ttl + max_stale_on_error
//! a value:     |--- fresh ---|------- stale ------------|---- only if the load fails ----|-- gone
//!              served        served, marked; reloaded   callers wait for a load
//!                            once in the background
//! ```
//!
//! - Single flight: callers who miss the same key wait for the same load. It runs in a task of its own, so that a
//!   caller who goes away takes nothing with it, and a load that panics is an error, not a hang.
//! - Epochs: [`Cache::invalidate`], [`Cache::clear`] and [`Cache::put`] end the epoch of a key. A load that began in
//!   an older epoch is not kept, and nobody who comes later waits for it. So after `invalidate` has returned, no
//!   `get` sees a value that was loaded before it.
//! - Errors are shared by those who waited, and remembered for at most a second, so that a stampede on a failing
//!   key is one load a second.
//! - A load that nobody can use any more (its key was invalidated, its waiters are gone, or the cache is) is dropped.
//!
//! Invalidation comes by event; the time to live is a safety net. When the events themselves fail to come,
//! [`Cache::doubt`] makes everything stale: it is served only as far as the configuration trusts stale values.
//!
//! - `entry`: what a value is still good for, pure: (entry, now) → fresh, stale, failing or expired.
//! - `shelf`: the entries and the loads under way, and the epochs between them; no clock and no tasks.
//! - `flight`: one load, from its start to its landing.
//! - `handle`: [`Cache`], where these meet the clock, the loader and the callers.

use std::sync::Arc;
use std::time::Duration;

mod entry;
mod flight;
mod handle;
mod shelf;
mod stats;
#[cfg(test)]
mod tests;

pub use handle::Cache;
#[cfg(test)]
pub(crate) use handle::World;
pub use stats::Stats;

/// The longest a failed load is remembered.
const MAX_REMEMBERED: Duration = Duration::from_secs(1);

/// How much a cache holds, and for how long.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Keys it holds at most, remembered failures included; the least useful one makes room. Default 10,000; at
    /// least 1.
    pub capacity: usize,
    /// How long a value is fresh.
    pub ttl: Duration,
    /// How long after `ttl` a stale value is still served while it is reloaded. Default: one `ttl` more. A hard
    /// ceiling: beyond it, callers wait. Zero turns it off: whatever is not fresh is loaded before it is served.
    pub max_stale: Duration,
    /// How long after `ttl` a stale value is still served if loading a new one fails. Default 1 h. Zero turns it off.
    pub max_stale_on_error: Duration,
    /// How long a failure is remembered, in which time nothing is loaded. Default and maximum: 1 s.
    pub remember_failure: Duration,
    /// By how much a `ttl` is shortened at random, as a share of it, 0 to 1. Default 0.1, so that what was loaded
    /// together is not reloaded together.
    pub jitter: f64,
}

/// A value, and how it was come by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got<V> {
    /// The value.
    pub value: V,
    /// Its age, if it is older than it should be. Whoever passes the value on says so.
    pub stale: Option<Duration>,
    /// How it was come by.
    pub source: Source,
}

/// How a value was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// It was there and fresh.
    Hit,
    /// This call loaded it.
    Loaded,
    /// Another call was loading it already.
    Joined,
    /// It was there and stale: it is being reloaded, or that failed.
    Stale,
}

/// Whether calls that miss the same key share one load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stampede {
    /// They do.
    #[default]
    Prevented,
    /// Each loads by itself, and the load ends with the call.
    Allowed,
}

/// Why a value could not be loaded. Shared by everyone who waited for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError<E> {
    /// The loader said so.
    #[error(transparent)]
    Failed(E),
    /// The load ended without an answer.
    #[error("the load ended without an answer: it panicked, or its runtime was shut down")]
    Lost,
}

/// What a call is told in the end.
type Answer<V, E> = Result<Got<V>, Arc<LoadError<E>>>;

// === impl Config ===

impl Config {
    /// Fresh for `ttl`, with every other field at its default.
    #[must_use]
    pub const fn with_ttl(ttl: Duration) -> Self {
        Self {
            capacity: 10_000,
            ttl,
            max_stale: ttl,
            max_stale_on_error: Duration::from_secs(3600),
            remember_failure: MAX_REMEMBERED,
            jitter: 0.1,
        }
    }

    /// The same with every number inside the range its field names.
    fn clamped(self) -> Self {
        Self {
            capacity: self.capacity.max(1),
            remember_failure: self.remember_failure.min(MAX_REMEMBERED),
            jitter: self.jitter.clamp(0.0, 1.0), // NaN stays, and shortens nothing: see `entry::lifetime`
            ..self
        }
    }
}

// === impl Got ===

impl<V> Got<V> {
    fn hit(value: V) -> Self {
        Self { value, stale: None, source: Source::Hit }
    }

    fn stale(value: V, age: Duration) -> Self {
        Self { value, stale: Some(age), source: Source::Stale }
    }
}
