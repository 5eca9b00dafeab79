//! Circuit breaker: stop sending to what keeps failing, and find out by itself when it works again.
//!
//! ```text
//! Closed --5 failures in a row, or half of 20 calls in 10 s failed or slow--> Open --its time is over--> HalfOpen
//!   ^                                                                          ^                          |   |
//!   |                                                                          '-- a probe fails, is -----'   |
//!   |                                                                              slow or never comes back   |
//!   '--- every probe comes back healthy; then the share of calls let through ramps up from a tenth to all ----'
//! ```
//!
//! Who sees by other means that the peer is well again, such as a health check, may end the open time at once
//! ([`Breaker::peer_is_well`]): then, too, a call has to prove it.
//!
//! "Closed" means that calls flow. Each time the breaker opens again without having come back to full flow, it stays
//! open twice as long, up to [`Config::max_open`]. The ramp is part of the closed state: the same two signals trip it
//! there, not a single failure, because a peer that fails one call in a hundred would never get through it.
//!
//! How long a call took is measured from its admission to its head, or to its end where nobody marks the head; where
//! a queue lies between, from the moment its [`Stopwatch`] is started. Calls that a stream's peer has answered with a
//! message, and that go on, have proved the peer: see [`Permit::lasts`].
//!
//! - `config`, `view`: what goes in, what can be seen.
//! - `core`: the state machine, pure: (state, event, now) → (state, verdict); `ramp` is its share of the way back.
//! - `window`: the counts of the closed state, without a lock; made of `tally`.
//! - `gate`: what an admission must know, in two words that are read without a lock.
//! - `handle`, `permit`: [`Breaker`] and [`Permit`], where all of it meets the clock.
//! - `layer`, `sent`, `judge`: [`BreakerLayer`], [`SentLayer`] and [`Judge`], where they meet a service.

mod config;
mod core;
mod gate;
mod handle;
mod judge;
mod layer;
mod permit;
mod ramp;
mod sent;
mod tally;
mod view;
mod window;

#[cfg(test)]
mod tests;

pub use config::Config;
pub use handle::Breaker;
pub use judge::Judge;
pub(crate) use layer::Pass;
pub use layer::{BreakerFuture, BreakerLayer, BreakerService, Verdict};
pub use permit::{Permit, Stopwatch};
pub use sent::{Sent, SentLayer};
pub use view::{Cause, CircuitOpen, Mode, Recent, Snapshot, State, Transition};

/// The atomics of `tally`, `window` and `gate`; a model checker puts its own here.
mod atomic {
    pub(super) use std::sync::atomic::{AtomicU64, fence};
}
