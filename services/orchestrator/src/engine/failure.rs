//! A run of a job that could not go on, and what becomes of the job.

use std::any::Any;

use bsm_runtime::clock;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{Shared, persist::persist};
use crate::{
    job::JobId,
    journal::{self, AfterFailure},
};

/// Why a run could not go on. A step that fails is none: that is a fact for the policy.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The journal refused or failed.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// A fault of this program; the panic's own message is in the log.
    #[error("a fault of this program stopped {doing}; the log has the cause")]
    Panicked {
        /// What was being done.
        doing: &'static str,
    },
}

impl Failure {
    /// A task beside the runtime's own threads gave no answer.
    pub(super) fn of_task(doing: &'static str, err: &JoinError) -> Self {
        journal::Error::of_task(doing, err).into()
    }

    /// The run itself panicked.
    pub(super) fn of_panic(_: Box<dyn Any + Send>) -> Self {
        Self::Panicked { doing: "the job's run" }
    }

    /// Whether the drain explains it: the journal was left in the middle of a move, which is safe.
    fn is_of_drain(&self, stop: &CancellationToken) -> bool {
        let journal =
            matches!(self, Self::Journal(err) if err.is_transient() || matches!(err, journal::Error::Closed));
        stop.is_cancelled() && journal
    }

    /// For people outside: no path.
    fn told(&self) -> String {
        use journal::Error;
        match self {
            Self::Journal(Error::Newer { .. } | Error::Foreign(_) | Error::Unusable { .. }) => {
                "the journal cannot be opened".to_owned()
            }
            other => other.to_string(),
        }
    }
}

/// Writes a failed run down, so that the job runs again or is set aside. When even that cannot be written, the job is
/// open with nobody on it, and says so.
pub(super) async fn after(engine: &Shared, id: JobId, failure: Failure, stop: &CancellationToken) {
    if failure.is_of_drain(stop) {
        return info!(error = %failure, "the process drains; the job goes on at the next start");
    }
    let (reason, now) = (failure.told(), clock::unix_ms());
    // With what the database said, which people outside are not told.
    error!(error = format!("{:#}", anyhow::Error::new(failure)), "the job's run failed");
    match persist(stop, || engine.journal.fail_run(id, &reason, now)).await {
        Ok(AfterFailure::Again) if !stop.is_cancelled() => engine.queue.push(id),
        Ok(AfterFailure::Again) => info!("the process drains; the job goes on at the next start"),
        Ok(AfterFailure::Ended) => error!("the job was set aside"),
        Err(err) => {
            error!(error = %err, "nobody works on the job until the next start");
            engine.stranded.insert(id, reason);
        }
    }
}
