//! The change of a job whose event only names it: fetched once, and kept with the job before any agent is asked, so
//! that the agents, the decision and whoever runs the job again after a crash look at the same.

use bsm_runtime::{call::Call, clock};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Shared, close, failure::Failure, persist::persist};
use crate::{
    github::{GitHub, PullRef},
    job::{Job, StepState},
};

/// The events that are about a pull request.
const ABOUT_PULL_REQUESTS: &str = "pull_request.";

/// Fetches the change of a job that lacks it. Where that fails, the job has a note that says why and goes on without:
/// nothing is approved then. Cancel safe.
///
/// # Errors
/// When the journal does not take the diff or the note.
pub(super) async fn change(
    engine: &Shared,
    stop: &CancellationToken,
    call: &Call,
    job: &mut Job,
) -> Result<(), Failure> {
    let Some(github) = engine.github.as_ref().filter(|_| lacks_its_change(job)) else { return Ok(()) };
    match fetched(github, call, &job.payload).await {
        None => Ok(()),
        Some(Ok(diff)) => {
            let (id, now) = (job.id, clock::unix_ms());
            persist(stop, || engine.journal.supply(id, diff.clone(), now)).await?;
            info!(bytes = diff.len(), "the diff was fetched from GitHub");
            job.payload["diff"] = diff.into();
            Ok(())
        }
        Some(Err(why)) => {
            warn!(why, "the change could not be fetched; the job goes on without it");
            let note = format!("the change could not be fetched, so the agents went without it: {why}");
            close::note(engine, stop, job, note).await
        }
    }
}

/// The diff, or why there is none; `None` for a payload that names no pull request's head.
async fn fetched(github: &GitHub, call: &Call, payload: &Value) -> Option<Result<String, String>> {
    match PullRef::of(payload) {
        Ok(pull) => Some(github.diff(call, &pull?).await.map_err(|why| why.to_string())),
        Err(bad_name) => Some(Err(bad_name.to_string())),
    }
}

/// Whether the event names a change that it does not carry, and no agent was asked without it yet: those that come
/// later must not be shown more than the first were.
fn lacks_its_change(job: &Job) -> bool {
    let untouched = |step: &crate::job::Step| step.state == StepState::Pending && step.attempts == 0;
    let carries_none = job.payload.get("diff").is_none_or(Value::is_null);
    job.event.starts_with(ABOUT_PULL_REQUESTS) && carries_none && job.steps.iter().all(untouched)
}
