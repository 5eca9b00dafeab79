//! Runs jobs: from the queue through their steps to a decision and a report.
//!
//! ```text
//! submit ──► journal ──► queue ──► scheduler ──► job run: plan ──► start steps, give up, decide, finish
//!                          ▲                                ▲              │
//!            recovery ─────┘                                └── journal ◄──┘  one transaction per move
//! ```
//! The plan is pure; everything it asks for is written to the journal before it counts.

mod ask;
mod attempt;
mod close;
mod failure;
mod job_run;
mod key;
mod knowledge;
mod obtain;
mod persist;
mod plan;
mod queue;
mod remember;
mod scheduler;
mod stranded;
mod supplies;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use bsm_runtime::clock;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info};

use self::{queue::Queue, stranded::Stranded};
use crate::{
    clients::SharedMesh,
    github::GitHub,
    job::{JobId, JobState},
    journal::{self, Accepted, Delivery, Journal, NewJob},
    rules::Rules,
};

pub use ask::{Asked, Unanswered};
pub(crate) use ask::{Question, ask};
pub(crate) use knowledge::{Subject, fetch as fetch_knowledge, words};
pub(crate) use supplies::wanted;

/// The reason code of a step whose answer did not fit the schema, even when asked again.
pub const UNPARSEABLE_ANSWER: &str = "UNPARSEABLE_ANSWER";

/// The engine. Clones share it.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

/// What all jobs share.
struct Shared {
    journal: Journal,
    mesh: SharedMesh,
    github: Option<GitHub>,
    rules: Arc<Rules>,
    queue: Queue,
    stranded: Stranded,
    reports: PathBuf,
    max_jobs: usize,
}

/// What an engine is made of.
pub struct Parts {
    /// Where jobs are kept.
    pub journal: Journal,
    /// The other services.
    pub mesh: SharedMesh,
    /// Where the change of an event is fetched from that carries none; without it such events have none.
    pub github: Option<GitHub>,
    /// Strategies and policy.
    pub rules: Arc<Rules>,
    /// The folder that reports are written to; it must exist.
    pub reports: PathBuf,
    /// Jobs that run at once, at least 1; others wait in order.
    pub max_jobs: usize,
}

impl Engine {
    /// An engine that runs nothing yet: see [`Engine::recover`] and [`Engine::run`].
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { journal, mesh, github, rules, reports, max_jobs } = parts;
        let (queue, stranded) = (Queue::default(), Stranded::default());
        Self(Arc::new(Shared { journal, mesh, github, rules, queue, stranded, reports, max_jobs }))
    }

    /// Queues the jobs that an earlier process left open, oldest first. Called once, before [`Engine::run`].
    ///
    /// # Errors
    /// Those of the journal.
    pub async fn recover(&self) -> Result<usize, journal::Error> {
        let open = self.0.journal.recover(clock::unix_ms()).await?;
        if !open.is_empty() {
            info!(jobs = open.len(), "jobs left open go on");
        }
        open.iter().for_each(|job| self.0.queue.push(*job));
        Ok(open.len())
    }

    /// Runs jobs until `stop`; then lets the steps that have begun end, and leaves the rest for the next start.
    /// Dropping it leaves them where they are, which is as safe.
    ///
    /// # Errors
    /// Never; the type is that of a task of the process.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        scheduler::run(self.0, stop).await
    }

    /// Takes an event in. Once this answers, the job is on the disk and in the queue. Detached: the caller may go
    /// at any moment.
    ///
    /// # Errors
    /// [`journal::Error::Conflict`]; those of writing.
    pub async fn submit(&self, job: NewJob, delivery: Delivery) -> Result<Accepted, journal::Error> {
        let engine = self.clone();
        let taking = async move {
            let accepted = engine.0.journal.accept(job, delivery).await?;
            if !accepted.duplicate {
                engine.0.queue.push(accepted.job_id);
            }
            Ok(accepted)
        };
        let taken = tokio::spawn(taking.in_current_span()).await;
        taken.unwrap_or_else(|err| Err(journal::Error::of_task("the taking of an event", &err)))
    }

    /// What a job waits for, as a sentence; empty when it waits for nothing.
    #[must_use]
    pub fn waiting_for(&self, job: JobId, state: JobState) -> String {
        if state.is_final() {
            return String::new();
        }
        if let Some(reason) = self.0.stranded.reason(job) {
            return format!("the next start of the orchestrator, because nobody works on it: {reason}");
        }
        let places = self.0.max_jobs;
        match (state, self.0.queue.ahead_of(job)) {
            (JobState::WaitingApproval, _) => "a person's approval".to_owned(),
            (_, Some(0)) => format!("a place among the {places} jobs that run at once"),
            (_, Some(ahead)) => {
                format!("a place among the {places} jobs that run at once, with {ahead} ahead of it")
            }
            (_, None) => String::new(),
        }
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// The other services.
    #[must_use]
    pub fn mesh(&self) -> &SharedMesh {
        &self.0.mesh
    }

    /// Strategies and policy.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.0.rules
    }
}
