//! How long a provider may take.

use std::time::Duration;

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Fields, Node, Path, number};

/// The times that attempts at one provider are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Making a connection. 0.01 to 60 s; default 5 s.
    pub connect: Duration,
    /// From sending to the first piece of a stream. 0.01 to 600 s; default 30 s.
    pub first_token: Duration,
    /// Between two pieces of a stream. 0.01 to 600 s; default 10 s.
    pub between_chunks: Duration,
    /// From sending to the end of a whole answer, and waiting for a stream in all. 0.01 to 600 s; default 30 s.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            connect: seconds(5),
            first_token: seconds(30),
            between_chunks: seconds(10),
            whole: seconds(30),
        }
    }
}

/// Timeouts; those that are missing are those of `base`.
pub(super) fn read(
    node: &Node,
    path: &Path<'_>,
    findings: &mut Findings,
    base: Timeouts,
) -> Option<Timeouts> {
    let mut fields = Fields::of(node, path, findings)?;
    let mut seconds =
        |name, most, or| fields.optional(name, number(0.01..=most)).map_or(or, Duration::from_secs_f64);
    let timeouts = Timeouts {
        connect: seconds("connect", 60.0, base.connect),
        first_token: seconds("first_token", 600.0, base.first_token),
        between_chunks: seconds("between_chunks", 600.0, base.between_chunks),
        whole: seconds("whole", 600.0, base.whole),
    };
    fields.finish();
    Some(timeouts)
}
