//! The generic cell rate algorithm: the whole state of a key is the time at which its calls so far are paid off.
//!
//! A call costs `per / limit`. It may be made as long as the calls before it are paid off at most a burst ahead of
//! now.

use std::time::Duration;

use tokio::time::Instant;

use super::{Quota, Refused, Remaining};

/// A quota in the terms of the algorithm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gcra {
    burst: u32,
    cost: Duration,
}

/// When a key's calls so far are paid off. A key nobody has seen is like one that has been paid off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PaidOff(Instant);

// === impl Gcra ===

impl Gcra {
    pub(super) fn new(quota: Quota) -> Self {
        let per = quota.per.clamp(Duration::from_micros(1), Duration::from_secs(24 * 60 * 60));
        let cost = (per / quota.limit.max(1)).max(Duration::from_nanos(1));
        Self { burst: quota.burst.max(1), cost }
    }

    /// Decides about one call: what is left and the new state, or when to come back.
    pub(super) fn decide(
        self,
        state: Option<PaidOff>,
        now: Instant,
    ) -> Result<(Remaining, PaidOff), Refused> {
        let owed = state.map_or(Duration::ZERO, |PaidOff(at)| at.saturating_duration_since(now));
        let whole = self.cost.saturating_mul(self.burst);
        let after = owed + self.cost;
        if after > whole {
            return Err(Refused { limit: self.burst, retry_after: after - whole, reset: owed });
        }
        let remaining = ((whole - after).as_nanos() / self.cost.as_nanos()) as u32; // at most the burst
        Ok((Remaining { limit: self.burst, remaining, reset: after }, PaidOff(now + after)))
    }
}

// === impl PaidOff ===

impl PaidOff {
    /// Whether the key is as good as new.
    pub(super) fn is_idle(self, now: Instant) -> bool {
        self.0 <= now
    }
}
