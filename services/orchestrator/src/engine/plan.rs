//! What happens next in a running job: a pure function of its strategy, its steps and the time.
//!
//! ```text
//! decided? ──► Finish
//! deadline reached ──► GiveUp: what is open fails, and then the policy decides with that as a fact
//! cut off too often, or an earlier step failed and the strategy stops ──► GiveUp
//! steps that may begin ──► Start          steps that run ──► Wait          all ended ──► Decide
//! ```

use std::{collections::BTreeSet, time::Duration};

use crate::{
    job::{Step, StepState},
    journal::{Ending, Setback},
    strategy::{Execution, OnFailure, Strategy},
};

/// How often a step may be cut off beyond its attempts: one that takes the process down each time must end.
const CUT_OFFS: u32 = 3;

/// A running job as the plan sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) strategy: &'a Strategy,
    pub(super) steps: &'a [Step],
    /// Positions of the steps that this process works on, a wait before another attempt included.
    pub(super) busy: &'a BTreeSet<usize>,
    /// Whether the decision is recorded.
    pub(super) decided: bool,
    /// Since this run of the job began; time in the queue and between two runs does not count.
    pub(super) elapsed: Duration,
}

/// What is to be done, then asked again.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    /// End these steps without running them further.
    GiveUp(Vec<(usize, Ending)>),
    /// Begin these steps.
    Start(Vec<usize>),
    /// Nothing until a step ends or the deadline is reached.
    Wait,
    /// Every step ended: let the policy decide.
    Decide,
    /// The decision is recorded: end the job.
    Finish,
}

/// How long a run of a job may take until it is decided.
pub(super) fn deadline(strategy: &Strategy) -> Duration {
    Duration::from_secs(strategy.deadline_seconds.into())
}

/// What happens next.
pub(super) fn next(view: View<'_>) -> Next {
    if view.decided {
        return Next::Finish;
    }
    let given_up = given_up(view);
    if !given_up.is_empty() {
        return Next::GiveUp(given_up);
    }
    let start = may_begin(view);
    if !start.is_empty() {
        return Next::Start(start);
    }
    if view.steps.iter().all(|step| step.state.is_final()) { Next::Decide } else { Next::Wait }
}

fn given_up(view: View<'_>) -> Vec<(usize, Ending)> {
    let open = view.steps.iter().enumerate().filter(|(_, step)| !step.state.is_final());
    open.filter_map(|(position, step)| Some((position, reason_to_give_up(view, position, step)?))).collect()
}

fn reason_to_give_up(view: View<'_>, position: usize, step: &Step) -> Option<Ending> {
    if view.elapsed >= deadline(view.strategy) {
        let seconds = view.strategy.deadline_seconds;
        return Some(failed("DEADLINE_EXCEEDED", format!("the job's deadline of {seconds} s was reached")));
    }
    if view.busy.contains(&position) {
        return None;
    }
    if step.attempts >= view.strategy.step.max_attempts.saturating_add(CUT_OFFS) {
        let error = format!("it was cut off too often: {} attempts", step.attempts);
        return Some(failed("TOO_MANY_ATTEMPTS", error));
    }
    // A step that was begun before goes on; only the untouched ones are spared.
    let failure = view.steps.iter().find(|step| step.state == StepState::Failed)?;
    let stops = view.strategy.step.on_failure == OnFailure::Stop && step.attempts == 0;
    stops.then(|| Ending::Skipped(format!("{} failed, and the strategy stops then", failure.agent_id)))
}

fn failed(code: &str, error: String) -> Ending {
    Ending::Failed(Setback { code: code.to_owned(), error, ..Setback::default() })
}

fn may_begin(view: View<'_>) -> Vec<usize> {
    let idle = |&(position, step): &(usize, &Step)| {
        step.state == StepState::Pending && !view.busy.contains(&position)
    };
    let steps = view.steps.iter().enumerate();
    match view.strategy.execution {
        Execution::Parallel => steps.filter(idle).map(|(position, _)| position).collect(),
        Execution::Sequential => {
            let current = steps.skip_while(|(_, step)| step.state.is_final()).take(1);
            current.filter(idle).map(|(position, _)| position).collect()
        }
    }
}

#[cfg(test)]
mod tests;
