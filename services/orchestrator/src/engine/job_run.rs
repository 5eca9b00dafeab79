//! One run of a job: asks the plan what is next, does it, writes it down, and asks again.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use bsm_runtime::{call::Call, clock};
use tokio::{
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, info, warn};

use super::{
    Shared,
    attempt::{Attempt, Ended, Outcome, rest_after},
    close,
    failure::Failure,
    obtain,
    persist::persist,
    plan::{self, Next, View},
    supplies::{self, Supplies},
};
use crate::{
    job::{Job, JobId, JobState, Step},
    journal::{Ending, Setback},
};

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The job ended.
    Finished,
    /// The process drains; the job is open in the journal.
    Left,
}

/// A job on its way.
struct JobRun<'a> {
    engine: &'a Shared,
    stop: &'a CancellationToken,
    call: Call,
    job: Job,
    supplies: Arc<Supplies>,
    began: Instant,
    /// Aborted when this is dropped: no question outlives its run.
    tasks: JoinSet<Ended>,
    /// Which step each task is about.
    working: HashMap<Id, usize>,
    handles: HashMap<usize, AbortHandle>,
}

/// Runs a job that the journal has as queued or running, as a part of `call`.
///
/// # Errors
/// When the job cannot be read or written for good, or this program is at fault.
pub(super) async fn run(
    engine: &Arc<Shared>,
    id: JobId,
    call: Call,
    stop: &CancellationToken,
) -> Result<End, Failure> {
    let mut job = persist(stop, || engine.journal.job(id)).await?;
    if job.state == JobState::Queued {
        let now = clock::unix_ms();
        persist(stop, || engine.journal.begin(id, now)).await?;
        (job.state, job.started_at) = (JobState::Running, Some(now));
    }
    let began = Instant::now();
    let in_time = call.within(plan::deadline(&job.strategy));
    tokio::select! {
        obtained = obtain::change(engine, stop, &in_time, &mut job) => obtained?,
        () = stop.cancelled() => return Ok(End::Left),
    }
    let gathering = supplies::gather(&engine.mesh, &call, &job);
    let (supplies, notes) = tokio::select! {
        gathered = gathering => gathered,
        () = stop.cancelled() => return Ok(End::Left),
    };
    let supplies = Arc::new(supplies);
    let (tasks, working, handles) = (JoinSet::new(), HashMap::new(), HashMap::new());
    let mut run = JobRun { engine, stop, call, job, supplies, began, tasks, working, handles };
    for note in notes {
        run.note(note).await?;
    }
    run.drive().await
}

impl JobRun<'_> {
    async fn drive(mut self) -> Result<End, Failure> {
        loop {
            match self.next() {
                Next::GiveUp(steps) => self.give_up(steps).await?,
                // A draining process begins nothing; what has begun may end.
                Next::Start(_) | Next::Wait if self.stop.is_cancelled() && self.handles.is_empty() => {
                    return Ok(End::Left);
                }
                Next::Start(steps) if !self.stop.is_cancelled() => self.start(steps).await?,
                Next::Start(_) | Next::Wait => self.wait().await?,
                Next::Decide => self.decide().await?,
                Next::Finish => {
                    close::finish(self.engine, self.stop, &mut self.job).await?;
                    return Ok(End::Finished);
                }
            }
        }
    }

    fn next(&self) -> Next {
        let busy: BTreeSet<usize> = self.handles.keys().copied().collect();
        plan::next(View {
            strategy: &self.job.strategy,
            steps: &self.job.steps,
            busy: &busy,
            decided: self.job.decision.is_some(),
            elapsed: self.began.elapsed(),
        })
    }

    async fn start(&mut self, steps: Vec<usize>) -> Result<(), Failure> {
        for position in steps {
            let (journal, id, now) = (&self.engine.journal, self.job.id, clock::unix_ms());
            let agent = &self.job.steps[position].agent_id;
            let step = persist(self.stop, || journal.begin_step(id, agent, now)).await?;
            let attempt = self.attempt(&step);
            self.job.steps[position] = step;
            self.spawn(position, attempt.run());
        }
        Ok(())
    }

    fn attempt(&self, step: &Step) -> Attempt {
        let left = plan::deadline(&self.job.strategy).saturating_sub(self.began.elapsed());
        let own = Duration::from_secs(self.job.strategy.step.timeout_seconds.into());
        Attempt {
            mesh: Arc::clone(&self.engine.mesh),
            supplies: Arc::clone(&self.supplies),
            call: self.call.within(left),
            job: self.job.id,
            agent_id: step.agent_id.clone(),
            timeout: own,
        }
    }

    /// Waits for a step, the deadline or the drain, whichever comes first.
    async fn wait(&mut self) -> Result<(), Failure> {
        let deadline = self.began + plan::deadline(&self.job.strategy);
        tokio::select! {
            Some(ended) = self.tasks.join_next_with_id() => self.settle(ended).await,
            () = sleep_until(deadline) => Ok(()),
            // Once: from then on only the steps and the deadline are waited for.
            () = self.stop.cancelled(), if !self.stop.is_cancelled() => Ok(()),
        }
    }

    async fn settle(&mut self, ended: Result<(Id, Ended), JoinError>) -> Result<(), Failure> {
        let (task, ended) = match ended {
            Ok(ended) => ended,
            Err(err) if err.is_cancelled() => return Ok(()), // given up meanwhile
            Err(err) => (err.id(), Ended::of(Outcome::GivenUp(broken(&err)))),
        };
        let Some(position) = self.working.remove(&task) else { return Ok(()) };
        self.handles.remove(&position);
        for note in ended.notes {
            self.note(note).await?;
        }
        let ending = match ended.outcome {
            Outcome::Rested => return Ok(()),
            Outcome::Answered(asked) => Ending::Succeeded { answer: asked.answer, usage: asked.usage },
            Outcome::Failed(setback, wait) if self.may_retry(position) => {
                return self.retry(position, setback, wait).await;
            }
            Outcome::Failed(setback, _) | Outcome::GivenUp(setback) => Ending::Failed(setback),
        };
        self.end(position, ending).await
    }

    fn may_retry(&self, position: usize) -> bool {
        self.job.steps[position].attempts < self.job.strategy.step.max_attempts
    }

    async fn retry(
        &mut self,
        position: usize,
        setback: Setback,
        wait: Option<Duration>,
    ) -> Result<(), Failure> {
        let (journal, id, now) = (&self.engine.journal, self.job.id, clock::unix_ms());
        let agent = &self.job.steps[position].agent_id;
        warn!(agent, code = setback.code, error = setback.error, "the step will be tried again");
        let step = persist(self.stop, || journal.retry_step(id, agent, setback.clone(), now)).await?;
        let (rest, stop) = (rest_after(step.attempts, wait), self.stop.clone());
        self.job.steps[position] = step;
        self.spawn(position, async move {
            tokio::select! {
                () = sleep(rest) => {}
                () = stop.cancelled() => {} // nothing is begun any more
            }
            Ended::of(Outcome::Rested)
        });
        Ok(())
    }

    async fn give_up(&mut self, steps: Vec<(usize, Ending)>) -> Result<(), Failure> {
        for (position, ending) in steps {
            if let Some(task) = self.handles.remove(&position) {
                self.working.remove(&task.id());
                task.abort();
            }
            self.end(position, ending).await?;
        }
        Ok(())
    }

    async fn end(&mut self, position: usize, ending: Ending) -> Result<(), Failure> {
        let (journal, id, now) = (&self.engine.journal, self.job.id, clock::unix_ms());
        let agent = &self.job.steps[position].agent_id;
        if let Ending::Failed(setback) = &ending {
            warn!(agent, code = setback.code, error = setback.error, "the step failed");
        }
        let step = persist(self.stop, || journal.end_step(id, agent, ending.clone(), now)).await?;
        self.job.steps[position] = step;
        Ok(())
    }

    async fn decide(&mut self) -> Result<(), Failure> {
        let recorded = close::decide(self.engine, self.stop, &mut self.job).await?;
        info!(action = %recorded.decision.action, rule = recorded.decision.rule, "decided");
        close::remember(self.engine, self.stop, &self.call, &mut self.job, &self.supplies, &recorded).await
    }

    async fn note(&mut self, note: String) -> Result<(), Failure> {
        close::note(self.engine, self.stop, &mut self.job, note).await
    }

    fn spawn(&mut self, position: usize, work: impl Future<Output = Ended> + Send + 'static) {
        let task = self.tasks.spawn(work.instrument(Span::current()));
        self.working.insert(task.id(), position);
        self.handles.insert(position, task);
    }
}

/// A panic while asking is a fault of this program; the job goes on without that step.
fn broken(err: &JoinError) -> Setback {
    warn!(error = %err, "the step's task died");
    let error = "the step's task died; the log has the cause".to_owned();
    Setback { code: "INTERNAL".to_owned(), error, ..Setback::default() }
}
