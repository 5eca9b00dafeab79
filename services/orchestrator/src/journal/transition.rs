//! The moves of a job and its steps. Each is one transaction that checks where the job stands, writes the
//! result, the next state and the event together, and refuses a move from anywhere else.

use rusqlite::{OptionalExtension, Params, params};

use super::{
    Journal,
    error::{Doing, Error},
    row::{self, STEP, to_json},
    tx::{Happened, Tx},
};
use crate::{
    answer::Review,
    job::{JobId, JobState, Step, StepState, Usage},
};

/// How a step ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The agent answered.
    Succeeded {
        /// What it said.
        answer: Answer,
        /// Who gave it; tokens of this attempt.
        usage: Usage,
    },
    /// It will not be tried again.
    Failed(Setback),
    /// It was never begun, for this reason.
    Skipped(String),
}

/// What an agent said.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// An answer by the schema, which the policy weighs.
    Review(Review),
    /// Text, which watchers are shown and nobody weighs.
    Prose(String),
}

/// An attempt that did not work out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setback {
    /// The reason code, e.g. `UPSTREAM_TIMEOUT`.
    pub code: String,
    /// The reason as a sentence.
    pub error: String,
    /// What the attempt took all the same.
    pub usage: Usage,
}

/// How much of an answer in prose its event shows, in characters.
const SHOWN_PROSE: usize = 4_000;

impl Journal {
    /// A queued job begins.
    ///
    /// # Errors
    /// [`Error::Misplaced`] when it is not queued; those of writing.
    pub async fn begin(&self, job: JobId, now: i64) -> Result<(), Error> {
        self.write(move |tx| {
            tx.require(job, JobState::Queued, "begin")?;
            tx.execute(
                "beginning a job",
                "UPDATE jobs SET state = ?2, started_at = ?3 WHERE id = ?1",
                params![job, JobState::Running, now],
            )?;
            tx.event(job, Happened::new("job.running", now, "the job began"))
        })
        .await
    }

    /// A pending step begins; its attempts count one more, whatever becomes of this one.
    ///
    /// # Errors
    /// [`Error::Misplaced`] when it is not pending in a running job; those of writing.
    pub async fn begin_step(&self, job: JobId, agent: &str, now: i64) -> Result<Step, Error> {
        let agent = agent.to_owned();
        self.write(move |tx| {
            tx.require(job, JobState::Running, "begin a step")?;
            let sql = format!(
                "UPDATE steps SET state = 'running', attempts = attempts + 1, started_at = ?3
                 WHERE job_id = ?1 AND agent_id = ?2 AND state = 'pending' RETURNING {STEP}"
            );
            let step = moved(tx, job, &agent, "begin", &sql, params![job, agent, now])?;
            let message = format!("{agent} began, attempt {}", step.attempts);
            let event = Happened::new("step.started", now, message).with("attempt", step.attempts);
            tx.event(job, event.agent(&agent))?;
            Ok(step)
        })
        .await
    }

    /// A running step failed and will be tried again; the error is kept meanwhile.
    ///
    /// # Errors
    /// [`Error::Misplaced`] when it is not running in a running job; those of writing.
    pub async fn retry_step(
        &self,
        job: JobId,
        agent: &str,
        setback: Setback,
        now: i64,
    ) -> Result<Step, Error> {
        let agent = agent.to_owned();
        self.write(move |tx| {
            tx.require(job, JobState::Running, "retry a step")?;
            let outcome = Outcome::of_setback(&setback);
            let step = write_end(tx, job, &agent, StepState::Pending, &outcome, None)?;
            let message = format!("{agent} failed and will be tried again: {}", setback.error);
            let event = Happened::new("step.retrying", now, message)
                .with("code", setback.code)
                .with("attempt", step.attempts);
            tx.event(job, event.agent(&agent))?;
            Ok(step)
        })
        .await
    }

    /// A step that is pending or running ends; it never moves again.
    ///
    /// # Errors
    /// [`Error::Misplaced`] when it has ended already or its job is not running; those of writing.
    pub async fn end_step(&self, job: JobId, agent: &str, ending: Ending, now: i64) -> Result<Step, Error> {
        let agent = agent.to_owned();
        self.write(move |tx| {
            tx.require(job, JobState::Running, "end a step")?;
            let (state, outcome) = Outcome::of(&ending);
            let step = write_end(tx, job, &agent, state, &outcome, Some(now))?;
            tx.event(job, ended(&agent, &ending, now))?;
            Ok(step)
        })
        .await
    }

    /// Gives a job the diff that its event only named. From here on it is a part of the payload: what agents are shown,
    /// what the decision is unique for, and what the job goes on with after a crash.
    ///
    /// # Errors
    /// [`Error::Misplaced`] when the job is not running, or a step has begun without the diff; those of writing.
    pub async fn supply(&self, job: JobId, diff: String, now: i64) -> Result<(), Error> {
        self.write(move |tx| {
            tx.require(job, JobState::Running, "be given a diff")?;
            let supplied = tx.execute(
                "giving a job its diff",
                "UPDATE inputs SET payload = json_set(payload, '$.diff', ?2) WHERE job_id = ?1
                 AND NOT EXISTS (SELECT 1 FROM steps WHERE job_id = ?1 AND attempts > 0)",
                params![job, diff],
            )?;
            if supplied == 0 {
                let (what, found) = (format!("job {job}"), "with a step that has begun".to_owned());
                return Err(Error::Misplaced { what, wanted: "be given a diff", found });
            }
            let event = Happened::new("job.supplied", now, "the diff was fetched from GitHub");
            tx.event(job, event.with("bytes", diff.len()))
        })
        .await
    }

    /// Notes something that the agents could not be given. A note that the job has already changes nothing.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn note(&self, job: JobId, note: &str, now: i64) -> Result<(), Error> {
        let note = note.to_owned();
        self.write(move |tx| add_note(tx, job, note, now)).await
    }
}

/// Notes something once.
pub(super) fn add_note(tx: &mut Tx<'_>, job: JobId, note: String, now: i64) -> Result<(), Error> {
    let added = tx.execute(
        "adding a note",
        "INSERT OR IGNORE INTO notes (job_id, position, note)
         SELECT ?1, count(*), ?2 FROM notes WHERE job_id = ?1",
        params![job, note],
    )?;
    if added == 0 { Ok(()) } else { tx.event(job, Happened::new("job.noted", now, note)) }
}

/// The columns that the end of an attempt writes.
struct Outcome<'a> {
    review: Option<String>,
    error: &'a str,
    code: &'a str,
    usage: Option<&'a Usage>,
}

impl<'a> Outcome<'a> {
    fn of_setback(setback: &'a Setback) -> Self {
        Self { review: None, error: &setback.error, code: &setback.code, usage: Some(&setback.usage) }
    }

    fn of(ending: &'a Ending) -> (StepState, Self) {
        match ending {
            Ending::Succeeded { answer, usage } => {
                let review = match answer {
                    Answer::Review(review) => Some(to_json(review)),
                    Answer::Prose(_) => None,
                };
                (StepState::Succeeded, Self { review, error: "", code: "", usage: Some(usage) })
            }
            Ending::Failed(setback) => (StepState::Failed, Self::of_setback(setback)),
            Ending::Skipped(reason) => {
                (StepState::Skipped, Self { review: None, error: reason, code: "SKIPPED", usage: None })
            }
        }
    }
}

/// Tokens add up over the attempts; the provider is the last one that said anything.
fn write_end(
    tx: &Tx<'_>,
    job: JobId,
    agent: &str,
    state: StepState,
    outcome: &Outcome<'_>,
    finished_at: Option<i64>,
) -> Result<Step, Error> {
    let nobody = Usage::default();
    let usage = outcome.usage.unwrap_or(&nobody);
    // Only what runs can be tried again; what was never begun can still be given up.
    let from = if state == StepState::Pending { "'running'" } else { "'pending', 'running'" };
    let sql = format!(
        "UPDATE steps SET state = ?3, review = ?4, error = ?5, code = ?6, finished_at = ?7,
           provider = iif(?8 = '', provider, ?8), model = iif(?8 = '', model, ?9),
           input_tokens = input_tokens + ?10, output_tokens = output_tokens + ?11
         WHERE job_id = ?1 AND agent_id = ?2 AND state IN ({from}) RETURNING {STEP}"
    );
    let params = params![
        job,
        agent,
        state,
        outcome.review,
        outcome.error,
        outcome.code,
        finished_at,
        usage.provider,
        usage.model,
        usage.input_tokens,
        usage.output_tokens
    ];
    moved(tx, job, agent, "end", &sql, params)
}

/// Runs an UPDATE of one step that returns it; no row means that the step stood elsewhere.
fn moved(
    tx: &Tx<'_>,
    job: JobId,
    agent: &str,
    wanted: &'static str,
    sql: &str,
    params: impl Params,
) -> Result<Step, Error> {
    let step = tx
        .db()
        .prepare_cached(sql)
        .and_then(|mut update| update.query_row(params, row::step).optional())
        .doing("moving a step")?;
    match step {
        Some(step) => Ok(step),
        None => Err(Error::Misplaced {
            what: format!("step {agent} of job {job}"),
            wanted,
            found: step_state(tx, job, agent)?.map_or_else(|| "not there".into(), |state| state.to_string()),
        }),
    }
}

fn step_state(tx: &Tx<'_>, job: JobId, agent: &str) -> Result<Option<StepState>, Error> {
    tx.db()
        .prepare_cached("SELECT state FROM steps WHERE job_id = ?1 AND agent_id = ?2")
        .and_then(|mut find| find.query_row(params![job, agent], |row| row.get(0)).optional())
        .doing("reading a step's state")
}

fn ended(agent: &str, ending: &Ending, now: i64) -> Happened {
    let event = match ending {
        Ending::Succeeded { answer, usage } => {
            answered(agent, answer, now).with("provider", &*usage.provider).with("model", &*usage.model)
        }
        Ending::Failed(setback) => {
            Happened::new("step.failed", now, format!("{agent} failed: {}", setback.error))
                .with("code", &*setback.code)
        }
        Ending::Skipped(reason) => {
            Happened::new("step.skipped", now, format!("{agent} was skipped: {reason}"))
        }
    };
    event.agent(agent)
}

fn answered(agent: &str, answer: &Answer, now: i64) -> Happened {
    let event = |message| Happened::new("step.succeeded", now, message);
    match answer {
        Answer::Review(review) => event(format!("{agent} answered: {}", review.decision))
            .with("decision", review.decision.as_str())
            .with("score", review.score)
            .with("findings", review.findings.len()),
        Answer::Prose(text) => event(format!("{agent} answered in prose"))
            .with("output", text.chars().take(SHOWN_PROSE).collect::<String>()),
    }
}
