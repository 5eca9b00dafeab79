//! What happens to an edge.

use std::{fmt, time::Duration};

use bsm_testkit::Fault as Spoilt;

/// How long an attempt between most services may take.
pub(super) const ATTEMPT: Duration = Duration::from_secs(5);

/// How much later answers come when the edge is slow: more than an attempt may take, for just as long would leave it to
/// chance who is first.
pub(super) const LATE: Duration = Duration::from_millis(5500);

/// A fault of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// kill -9 of the callee, and a start later on. What is no process of the mesh refuses and resets connections.
    Killed,
    /// Connections are reset once something was sent.
    Resets,
    /// Nothing passes, and nobody says so.
    BlackHole,
    /// Answers come [`LATE`].
    Slow,
}

impl Fault {
    pub(super) const ALL: [Fault; 4] = [Fault::Killed, Fault::Resets, Fault::BlackHole, Fault::Slow];

    /// The same as a proxy does it.
    pub(super) fn of_proxy(self) -> Spoilt {
        match self {
            Fault::Killed => Spoilt::refused(),
            Fault::Resets => Spoilt::reset_after(0),
            Fault::BlackHole => Spoilt::black_hole(),
            Fault::Slow => Spoilt::latency(LATE),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Fault::Killed => "killed",
            Fault::Resets => "resets",
            Fault::BlackHole => "black hole",
            Fault::Slow => "5.5 s late",
        })
    }
}
