//! What can be seen of a breaker: its refusals, its changes, and how it looks at one moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// What a breaker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls flow; just after a recovery, a growing share of them.
    Closed,
    /// Calls are refused.
    Open,
    /// A few calls are let through to see whether it works again.
    HalfOpen,
}

/// How much a breaker has to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It decides by itself.
    #[default]
    Normal,
    /// It refuses every call until an operator says otherwise.
    ForcedOpen,
    /// It admits every call and counts none.
    Disabled,
    /// It admits every call and counts them, but never trips.
    MetricsOnly,
}

/// Why a breaker changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// It tripped: too many failures in a row.
    FailuresInARow,
    /// It tripped: too large a share of the calls failed or were slow.
    ShareOfCalls,
    /// Its open time is over and a call came.
    ProbeDue,
    /// Its peer was seen to be well before its open time was over.
    PeerWell,
    /// Every probe was healthy.
    ProbesPassed,
    /// A probe failed or was slow.
    ProbeFailed,
    /// A probe never came back.
    ProbeLost,
    /// An operator reset it.
    Reset,
    /// An operator, or a flag, set its mode.
    ModeSet,
}

/// The call was not sent, so it is safe to send it elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("circuit {breaker:?} is open, try again in {retry_in:?}")]
pub struct CircuitOpen {
    /// Which breaker refused.
    pub breaker: Arc<str>,
    /// When it is worth asking again. Where an operator holds it open nobody knows: then this is how long it stays
    /// open by itself, a pace at which to ask.
    pub retry_in: Duration,
    /// Whether an operator holds it open, so that time alone changes nothing.
    pub forced: bool,
}

/// A change of state or mode, told to everyone who [subscribed](super::Breaker::subscribe).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Which breaker.
    pub breaker: Arc<str>,
    /// What it did before.
    pub from: State,
    /// What it does now.
    pub to: State,
    /// Its mode now.
    pub mode: Mode,
    /// Why.
    pub cause: Cause,
    /// When; for a lost probe, when its lease ended, even if nobody noticed until later.
    pub at: Instant,
    /// The number of the new state; grows with every change.
    pub generation: u64,
}

/// What the closed state has counted within its window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Calls whose outcome counts, failed and slow ones included.
    pub calls: u32,
    /// Those that failed.
    pub failures: u32,
    /// Those that did not fail but were slow.
    pub slow: u32,
}

/// What a breaker looks like at one moment. The totals count from the start of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The dependency it guards.
    pub name: Arc<str>,
    /// What it is doing.
    pub state: State,
    /// How much it has to say.
    pub mode: Mode,
    /// The number of this state; grows with every change.
    pub generation: u64,
    /// Failures since the last healthy answer; 0 unless closed.
    pub consecutive_failures: u32,
    /// The counts of the window; all 0 unless closed.
    pub recent: Recent,
    /// The share of calls let through, in percent: 100 when closed, 10 to 99 in the ramp after a recovery, else 0.
    pub admits_percent: u8,
    /// When it last went from closed to open; `None` while it is closed.
    pub opened_at: Option<Instant>,
    /// When the next probe may go out; only while open, and not while forced open.
    pub retry_in: Option<Duration>,
    /// The last change of state or mode.
    pub last_transition: Option<Transition>,
    /// Calls asked for, admitted or not. Calls made while it was disabled are in none of the totals.
    pub total: u64,
    /// Calls that counted as failures.
    pub failures: u64,
    /// Calls that counted as healthy, the slow ones included.
    pub successes: u64,
    /// Calls that did not fail but were slow, answered or given up.
    pub slow: u64,
    /// Calls refused.
    pub rejected: u64,
}
