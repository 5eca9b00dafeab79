//! How much one provider, or one of its model families, is asked at once and in a minute.

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Fields, Node, Path, whole};
use bsm_stack::bulkhead;

/// The limits of a provider or of a model family of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls in flight and waiting for a turn.
    pub bulkhead: bulkhead::Config,
    /// How many calls may begin in a minute; `None`: as many as come.
    pub rate: Option<Rate>,
}

/// How many calls may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In a minute, evenly spread; from 1.
    pub per_minute: u32,
    /// At once; from 1, at most `per_minute`.
    pub burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bulkhead: bulkhead::Config { max_in_flight: 10, max_queue: 10 }, rate: None }
    }
}

/// Limits; those that are missing are those of `base`.
pub(super) fn read(node: &Node, path: &Path<'_>, findings: &mut Findings, base: Limits) -> Option<Limits> {
    let mut fields = Fields::of(node, path, findings)?;
    let in_flight = fields.optional("in_flight", whole(1..=4096)).map(|n| n as usize);
    // Waiting places follow the slots unless they are said: a queue "as long again".
    let queue = fields.optional("queue", whole(0..=65_536)).map(|n| n as usize);
    let bulkhead = bulkhead::Config {
        max_in_flight: in_flight.unwrap_or(base.bulkhead.max_in_flight),
        max_queue: queue.or(in_flight).unwrap_or(base.bulkhead.max_queue),
    };
    let rate = fields.optional("rate", rate).or(base.rate);
    fields.finish();
    Some(Limits { bulkhead, rate })
}

fn rate(node: &Node, path: &Path<'_>, findings: &mut Findings) -> Option<Rate> {
    let mut fields = Fields::of(node, path, findings)?;
    let per_minute = fields.required("per_minute", whole(1..=1_000_000)).map(|n| n as u32);
    let burst = fields.optional("burst", whole(1..=1_000_000)).map(|n| n as u32);
    if let (Some(per_minute), Some(burst)) = (per_minute, burst)
        && burst > per_minute
    {
        let message = format!("{burst} calls at once are more than the {per_minute} of a minute");
        fields.error("burst", message, format!("write at most {per_minute}"));
    }
    fields.finish();
    let per_minute = per_minute?;
    Some(Rate { per_minute, burst: burst.unwrap_or(per_minute) })
}
