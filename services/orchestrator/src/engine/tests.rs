//! Whole jobs on a real journal, with a scripted mesh.

mod crash;
mod fetched;
mod outcomes;
mod poison;
mod pool;
mod traces;

use std::{path::Path, sync::Arc};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use super::Engine;
use crate::{
    fake::{APPROVE, Fake, Say, engine, new_job, strategy, tally},
    job::{Action, Job, JobId, JobState, StepState},
    journal::{Delivery, NewJob},
    strategy::{Execution, OnFailure, Strategy},
};

/// An engine that runs.
struct Running {
    dir: TempDir,
    mesh: Arc<Fake>,
    engine: Engine,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    fn start(mesh: Fake) -> Self {
        Self::with(mesh, 16)
    }

    fn with(mesh: Fake, max_jobs: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mesh = Arc::new(mesh);
        let engine = engine(dir.path(), &mesh, max_jobs);
        Self::run(dir, mesh, engine)
    }

    fn run(dir: TempDir, mesh: Arc<Fake>, engine: Engine) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(engine.clone().run(stop.clone()));
        Self { dir, mesh, engine, stop, task }
    }

    async fn submit(&self, job: NewJob) -> JobId {
        self.engine.submit(job, Delivery::default()).await.unwrap().job_id
    }

    async fn ended(&self, id: JobId) -> Job {
        let journal = self.engine.journal();
        let mut movement = journal.listen(id);
        while !journal.state(id).await.unwrap().is_final() {
            movement.next().await;
        }
        journal.job(id).await.unwrap()
    }

    async fn job(&self, strategy: Strategy) -> Job {
        let id = self.submit(new_job(strategy)).await;
        self.ended(id).await
    }

    /// Waits until the job's events have one of this kind for this agent.
    async fn happened(&self, id: JobId, kind: &str, agent: &str) {
        let journal = self.engine.journal();
        let mut movement = journal.listen(id);
        loop {
            let events = journal.events(id, 0, 1000).await.unwrap();
            if events.iter().any(|event| event.kind == kind && event.agent_id == agent) {
                return;
            }
            movement.next().await;
        }
    }

    /// What a second process finds that starts on this one's files as they are now.
    fn copied(&self) -> TempDir {
        copy(self.dir.path())
    }
}

fn copy(from: &Path) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["journal.db", "journal.db-wal"] {
        let _ = std::fs::copy(from.join(name), dir.path().join(name));
    }
    dir
}

fn parallel(agents: &[&str]) -> Strategy {
    strategy(Execution::Parallel, OnFailure::Continue, agents)
}

fn sequential(agents: &[&str]) -> Strategy {
    strategy(Execution::Sequential, OnFailure::Stop, agents)
}

fn action(job: &Job) -> Action {
    job.decision.as_ref().expect("a job that ended has a decision").action
}
