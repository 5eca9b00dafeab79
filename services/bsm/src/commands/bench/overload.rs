//! The overload figure: how a target does under many times the load that it can bear.

use std::{io, time::Duration};

use super::{
    plan::Plan,
    ramp::{Ramp, Step},
    report::Summary,
    run::Bench,
};
use crate::cli::FASTEST;

/// What the series came to; what an interrupt kept from being measured is missing.
pub(super) struct Overload {
    pub(super) factor: f64,
    /// The target at the rate that counts as no load.
    pub(super) unloaded: Summary,
    /// What the ramp saw.
    pub(super) steps: Vec<Step>,
    /// The most good answers a second.
    pub(super) peak: f64,
    /// The target at `factor` times the peak.
    pub(super) overloaded: Option<Summary>,
}

/// How long each rate of the ramp is tried at most, after a time that does not count.
const STEP: Duration = Duration::from_secs(2);
const SETTLE: Duration = Duration::from_secs(1);

/// Measures the unloaded target, finds its peak, then sends `factor` times as much.
///
/// # Errors
/// When a load cannot be sent at all.
pub(super) async fn measure(bench: &Bench, plan: Plan, factor: f64) -> io::Result<Overload> {
    let unloaded = Summary::of(&bench.run(plan, "unloaded").await?);
    let mut ramp = Ramp::from(plan.rate);
    while let Some(rate) = ramp.next(FASTEST / factor).filter(|_| !bench.is_interrupted()) {
        let (warmup, duration) = (plan.warmup.min(SETTLE), plan.duration.min(STEP));
        let step = Plan { rate, warmup, duration, ..plan };
        let goodput = Summary::of(&bench.run(step, "ramp").await?).goodput;
        if !bench.is_interrupted() {
            ramp.saw(Step { offered: rate, goodput });
        }
    }
    // What no step exceeded, the unloaded run may have reached.
    let peak = ramp.peak().max(unloaded.goodput);
    let mut overload = Overload { factor, unloaded, steps: ramp.into_steps(), peak, overloaded: None };
    if peak > 0.0 && !bench.is_interrupted() {
        let run = bench.run(Plan { rate: peak * factor, ..plan }, "overload").await?;
        overload.overloaded = Some(Summary::of(&run));
    }
    Ok(overload)
}
