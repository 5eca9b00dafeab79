//! How long one attempt may keep us waiting, and whose fault it is when it takes longer.
//!
//! Only the time spent waiting for the provider counts: a caller that reads a stream slowly does not use up the
//! provider's time.

use std::future::Future;
use std::time::Duration;

use bsm_stack::Deadline;
use tokio::time::{Instant, timeout_at};

use crate::catalog::Timeouts;
use crate::failure::{Failure, Kind};

#[cfg(test)]
mod tests;

/// The time that attempts at one provider are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Waiting for one attempt in all.
    pub whole: Duration,
    /// Waiting for the first piece of a stream.
    pub first: Duration,
    /// Waiting for the next bytes of a stream that has begun.
    pub silence: Duration,
}

/// What is left for one attempt.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    limits: Limits,
    left: Duration,
    caller: Option<Deadline>,
    stage: Stage,
}

/// How far an attempt has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A whole answer, or a stream that was not opened yet.
    Silent,
    /// A stream whose first piece is still to come.
    Opening,
    Begun,
}

/// What ends a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The attempt has had all its time.
    Whole,
    /// The stream has not begun in time.
    First,
    /// The stream has been silent for too long.
    Silence,
    /// Nobody waits any more.
    Caller,
}

// === impl Limits ===

impl Limits {
    /// The limits of an entry of the catalog. No part is longer than the whole.
    #[must_use]
    pub fn of(timeouts: Timeouts) -> Self {
        let Timeouts { first_token, between_chunks, whole, .. } = timeouts;
        Self { whole, first: first_token.min(whole), silence: between_chunks }
    }
}

// === impl Patience ===

impl Patience {
    /// Full patience, as far as the caller's deadline allows.
    #[must_use]
    pub fn new(limits: Limits, caller: Option<Deadline>) -> Self {
        Self { limits, left: limits.whole, caller, stage: Stage::Silent }
    }

    /// The provider has had this much of the attempt's time already.
    pub fn spent(&mut self, took: Duration) {
        self.left = self.left.saturating_sub(took);
    }

    /// How long the provider has been waited for so far.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.limits.whole.saturating_sub(self.left)
    }

    /// What is waited for is the first piece of a stream.
    pub fn opens(&mut self) {
        self.stage = Stage::Opening;
    }

    /// How long the head of an answer may take, where that is less than the whole: a stream must begin in time.
    #[must_use]
    pub fn head(&self) -> Option<Duration> {
        let Limits { whole, first, .. } = self.limits;
        (self.stage == Stage::Opening && first < whole).then_some(first)
    }

    /// From here on silence has its own limit.
    pub fn begun(&mut self) {
        self.stage = Stage::Begun;
    }

    /// Waits for something of the provider's. Cancel safe if `future` is.
    ///
    /// # Errors
    /// The future's own failure; [`Kind::Timeout`] if the provider is too slow, [`Kind::CallerDeadline`] if the
    /// caller's time is over first.
    pub async fn wait<T>(&mut self, future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let began = Instant::now();
        let (until, end) = self.until(began);
        let result = timeout_at(until, future).await;
        self.left = self.left.saturating_sub(began.elapsed());
        result.unwrap_or_else(|_elapsed| Err(self.failure(end)))
    }

    /// When a wait that begins at `now` ends at the latest, and why.
    fn until(&self, now: Instant) -> (Instant, End) {
        let (wait, end) = match self.stage {
            Stage::Begun if self.limits.silence < self.left => (self.limits.silence, End::Silence),
            Stage::Opening => {
                (self.limits.first.min(self.limits.whole).saturating_sub(self.waited()), End::First)
            }
            Stage::Begun | Stage::Silent => (self.left, End::Whole),
        };
        let until = now + wait;
        match self.caller {
            Some(deadline) if deadline.instant() <= until => (deadline.instant(), End::Caller),
            _ => (until, end),
        }
    }

    fn failure(&self, end: End) -> Failure {
        let Limits { whole, first, silence } = self.limits;
        match end {
            End::Whole => Failure::new(Kind::Timeout, format!("did not finish its answer within {whole:?}")),
            End::First => Failure::new(Kind::Timeout, format!("did not begin its answer within {first:?}")),
            End::Silence => {
                Failure::new(Kind::Timeout, format!("fell silent for {silence:?} amid its answer"))
            }
            End::Caller => Failure::new(Kind::CallerDeadline, "did not answer before the caller's deadline"),
        }
    }
}
