//! [`Permit`]: the right to make one call, and the duty to say how it went.

use std::mem;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use super::Breaker;
use super::core::Ticket;
use crate::classify::Outcome;

/// The right to make one call, and the duty to say how it went.
///
/// Dropping it without a word means that the caller went away: nothing is counted and a probe's turn goes back, unless
/// the call had already lasted past [`Config::slow_call`](super::Config::slow_call), and then it was slow.
#[derive(Debug)]
#[must_use = "a permit that is dropped says nothing about the call"]
pub struct Permit {
    breaker: Breaker,
    ticket: Ticket,
    watch: Watch,
    settled: bool,
}

/// Starts a call's time when the call is really sent, so that the time in our own queue is not the peer's slowness.
/// Clones start the same call.
#[derive(Clone, Debug)]
pub struct Stopwatch(Arc<OnceLock<Instant>>);

/// How long the call has taken.
#[derive(Debug)]
enum Watch {
    Since(Instant),
    Sent(Stopwatch),
    ToHead(Duration),
}

// === impl Permit ===

impl Permit {
    pub(super) fn new(breaker: Breaker, ticket: Ticket, now: Instant) -> Self {
        Self { breaker, ticket, watch: Watch::Since(now), settled: false }
    }

    /// Whether this call decides if the breaker closes.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.ticket.probe.is_some()
    }

    /// From now on the call's time counts from the start of this stopwatch, and a call that is never started takes
    /// none. Allocates; for calls that may have to wait in a queue.
    pub fn stopwatch(&mut self) -> Stopwatch {
        let stopwatch = Stopwatch(Arc::default());
        self.watch = Watch::Sent(stopwatch.clone());
        stopwatch
    }

    /// The head of the answer has come and promises well: whether the call was slow is settled, however long its body
    /// takes. A probe that has its head cannot be lost any more: if it outlasts its lease, it has passed.
    pub fn head(&mut self) {
        self.head_at(Instant::now());
    }

    /// The answer has brought a message and still goes on, such as a stream of events: a probe has passed, and what
    /// becomes of the stream later is counted nowhere. A call that is no probe goes on as before.
    pub fn lasts(&mut self) {
        if self.is_probe() && !self.settled {
            self.lasts_at(Instant::now());
        }
    }

    /// Says how the call went. If the breaker has changed its state meanwhile, nothing is counted.
    pub fn record(self, outcome: Outcome) {
        self.record_at(outcome, Instant::now());
    }

    /// [`record`](Self::record) for those who have just read the clock.
    pub fn record_at(mut self, outcome: Outcome, now: Instant) {
        self.settle(outcome, now);
    }

    /// The call was never made: nothing is counted, however long it waited, and a probe's turn goes back.
    pub fn unsent(mut self) {
        self.watch = Watch::ToHead(Duration::ZERO);
        self.settle(Outcome::Neutral, Instant::now());
    }

    pub(super) fn head_at(&mut self, now: Instant) {
        let took = self.took(now);
        self.watch = Watch::ToHead(took);
        if self.is_probe() && !self.settled && took < self.breaker.shared.slow_call() {
            self.breaker.shared.probe_has_head(self.ticket, now);
        }
    }

    pub(super) fn lasts_at(&mut self, now: Instant) {
        if self.is_probe() {
            self.settle(Outcome::Healthy, now);
        }
    }

    fn settle(&mut self, outcome: Outcome, now: Instant) {
        if !mem::replace(&mut self.settled, true) {
            self.breaker.shared.settle(self.ticket, outcome, self.took(now), now);
        }
    }

    fn took(&self, now: Instant) -> Duration {
        match &self.watch {
            Watch::Since(start) => now.saturating_duration_since(*start),
            Watch::Sent(Stopwatch(start)) => {
                start.get().map_or(Duration::ZERO, |start| now.saturating_duration_since(*start))
            }
            Watch::ToHead(took) => *took,
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(Outcome::Neutral, Instant::now());
        }
    }
}

// === impl Stopwatch ===

impl Stopwatch {
    /// The call is sent now. Only the first start counts.
    pub fn start(&self) {
        let _ = self.0.set(Instant::now());
    }
}
