//! Whether to send again, and when: a function of what happened so far, the time and a roll of the dice.

use std::time::Duration;

use tokio::time::Instant;

use super::failure::{Failure, Processed, Pushback};
use crate::deadline::Deadline;

#[cfg(test)]
mod tests;

/// How often and after how long a failed call is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// All attempts, the first included. Default 3; 0 and 1 both mean no retry.
    pub max_attempts: u32,
    /// The longest wait before the first retry; it doubles with each. Default 50 ms.
    pub base: Duration,
    /// The longest backoff. Default 2 s.
    pub cap: Duration,
    /// The longest wait before an attempt: where a callee asks for more, or the deadline leaves less, the failure is
    /// final, and the caller learns when to come back. Default 30 s.
    pub patience: Duration,
    /// The largest request body that is kept for a further attempt, in bytes. Default 256 KiB.
    pub max_body: usize,
}

/// What happened to a call so far.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    /// Attempts made.
    pub attempts: u32,
    /// Whether the call is marked [`Idempotent`](super::Idempotent).
    pub idempotent: bool,
    /// When nobody waits any more.
    pub deadline: Option<Deadline>,
}

/// What to do about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send again after a wait.
    Again {
        /// The wait.
        after: Duration,
    },
    /// The failure is the answer.
    Final(Why),
}

/// Why a failure is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// All attempts are used up.
    Attempts,
    /// The callee may have done the work, and doing it twice is not safe.
    Processed,
    /// The callee asked not to be called again.
    Pushback,
    /// The next attempt would begin after the deadline.
    TooLate,
}

// === impl Policy ===

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base: Duration::from_millis(50),
            cap: Duration::from_secs(2),
            patience: Duration::from_secs(30),
            max_body: 256 * 1024,
        }
    }
}

impl Policy {
    /// Decides about a failed attempt; `roll` is a random number in [0, 1). The budget has its say afterwards.
    #[must_use]
    pub fn decide(&self, tried: Tried, failure: Failure, now: Instant, roll: f64) -> Verdict {
        if tried.attempts >= self.max_attempts {
            return Verdict::Final(Why::Attempts);
        }
        if !tried.idempotent && failure.processed == Processed::Perhaps {
            return Verdict::Final(Why::Processed);
        }
        let backoff = self.backoff(tried.attempts, roll);
        let after = match failure.pushback {
            Pushback::Silent => backoff,
            Pushback::After(wait) => wait.saturating_add(backoff), // all who were told the same spread out
            Pushback::Never => return Verdict::Final(Why::Pushback),
        };
        let left =
            tried.deadline.map_or(self.patience, |deadline| deadline.remaining(now).min(self.patience));
        if after < left { Verdict::Again { after } } else { Verdict::Final(Why::TooLate) }
    }

    /// Whether a call that was provably not processed may move on to another endpoint, at once.
    #[must_use]
    pub fn moves_on(&self, tried: Tried, failure: Failure, now: Instant) -> bool {
        failure.processed == Processed::No
            && failure.pushback != Pushback::Never
            && tried.attempts < self.max_attempts
            && !tried.deadline.is_some_and(|deadline| deadline.expired(now))
    }

    /// Full jitter: anything between nothing and `base` doubled with each attempt, so that those who failed together
    /// do not come back together.
    fn backoff(&self, attempts: u32, roll: f64) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap).mul_f64(roll.clamp(0.0, 1.0))
    }
}
