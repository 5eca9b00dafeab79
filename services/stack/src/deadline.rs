//! The deadline of a whole call: one point in time, inherited from hop to hop.
//!
//! It travels as `grpc-timeout` on the wire and as a [`Deadline`] in the request's extensions inside a process.
//! [`InboundLayer`] turns the first into the second, [`OutboundLayer`] the second into the first. Both enforce it
//! on the head *and* on the body of the response: a stream that hangs after its third message ends too.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

mod enforce;
mod grpc_timeout;
mod inbound;
mod outbound;
#[cfg(test)]
mod tests;

pub use enforce::{DeadlineBody, DeadlineFuture};
pub use grpc_timeout::{GRPC_TIMEOUT, format_grpc_timeout, parse_grpc_timeout};
pub use inbound::{Inbound, InboundLayer};
pub use outbound::{Outbound, OutboundLayer};

/// About a century; the far end of what a deadline may be, because clocks cannot count further.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The moment after which nobody waits for the answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(Instant);

/// The call was not done when its deadline passed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct DeadlineExceeded {
    /// How long the call had when it reached the layer that gave up; zero if it came too late to be started.
    pub given: Duration,
}

// === impl Deadline ===

impl Deadline {
    /// The deadline `timeout` from now; durations beyond a century count as a century.
    #[must_use]
    pub fn after(timeout: Duration) -> Self {
        Self::counting_from(Instant::now(), timeout)
    }

    /// The deadline `timeout` after `now`.
    fn counting_from(now: Instant, timeout: Duration) -> Self {
        Self(now + timeout.min(FAR))
    }

    /// The deadline at a point in time.
    #[must_use]
    pub const fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// The point in time.
    #[must_use]
    pub const fn instant(&self) -> Instant {
        self.0
    }

    /// What is left at `now`; zero when it has passed.
    #[must_use]
    pub fn remaining(&self, now: Instant) -> Duration {
        self.0.saturating_duration_since(now)
    }

    /// Whether it has passed at `now`. The last instant is already too late.
    #[must_use]
    pub fn expired(&self, now: Instant) -> bool {
        self.0 <= now
    }

    /// The stricter of two.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

// === impl DeadlineExceeded ===

impl fmt::Display for DeadlineExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.given.is_zero() {
            return f.write_str("the deadline had passed before the call was started");
        }
        write!(f, "the deadline passed before the call was done; it was given {:?}", self.given)
    }
}
