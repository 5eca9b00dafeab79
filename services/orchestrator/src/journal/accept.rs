//! Taking an event in: a new job, or the one that the same event made before.

use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::{
    Journal,
    error::{Doing, Error},
    row::to_json,
    tx::{Happened, Tx},
};
use crate::{
    job::{JobId, JobState, StepState},
    strategy::Strategy,
};

/// A job to be.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its id, unless the event turns out to be known.
    pub id: JobId,
    /// The event's name.
    pub event: String,
    /// Where the event came from.
    pub source: String,
    /// What it is about, for people.
    pub subject: String,
    /// The correlation id of the call.
    pub correlation_id: String,
    /// The trace of the call, if it has one.
    pub traceparent: Option<String>,
    /// Who is charged for what its agents ask: the caller of the call.
    pub caller: String,
    /// Now, in ms since 1970.
    pub created_at: i64,
    /// The strategy in force.
    pub strategy: Strategy,
    /// The event's payload, a JSON object.
    pub payload: Value,
    /// Free fields about the caller, a JSON object.
    pub context: Value,
    /// The job whose event this is once more.
    pub rerun_of: Option<JobId>,
}

/// What makes two deliveries the same event.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// The caller's key, if it gave one.
    pub key: Option<String>,
    /// Names the body in full, whoever delivers it; a second delivery of it is the same event. `None` when the
    /// caller did not say that its bodies are unique.
    pub body_key: Option<String>,
    /// Hash of the event and its payload: a known key with another hash is a conflict.
    pub body_hash: String,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The job that stands for it.
    pub job_id: JobId,
    /// Whether it was known already.
    pub duplicate: bool,
    /// Where the job stands.
    pub state: JobState,
}

impl Journal {
    /// Keeps an event as a queued job, unless it is known. Once this answers, the event is on the disk.
    ///
    /// # Errors
    /// [`Error::Conflict`] for a known key with another body; those of writing.
    pub async fn accept(&self, job: NewJob, delivery: Delivery) -> Result<Accepted, Error> {
        self.write(move |tx| match known(tx, &delivery)? {
            Some(job_id) => {
                // The same body under a new key: from now on that key names the job too.
                remember(tx, &delivery, job_id, job.created_at)?;
                Ok(Accepted { job_id, duplicate: true, state: tx.state(job_id)? })
            }
            None => {
                insert(tx, &job)?;
                remember(tx, &delivery, job.id, job.created_at)?;
                Ok(Accepted { job_id: job.id, duplicate: false, state: JobState::Queued })
            }
        })
        .await
    }
}

fn known(tx: &Tx<'_>, delivery: &Delivery) -> Result<Option<JobId>, Error> {
    if let Some(key) = &delivery.key
        && let Some((job, body_hash)) = find(tx, &by_key(key))?
    {
        if body_hash != delivery.body_hash {
            return Err(Error::Conflict { key: key.clone() });
        }
        return Ok(Some(job));
    }
    let Some(body) = &delivery.body_key else { return Ok(None) };
    Ok(find(tx, &by_body(body))?.map(|(job, _)| job))
}

fn find(tx: &Tx<'_>, key: &str) -> Result<Option<(JobId, String)>, Error> {
    tx.db()
        .prepare_cached("SELECT job_id, body_hash FROM deliveries WHERE key = ?1")
        .and_then(|mut find| find.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional())
        .doing("looking a delivery up")
}

fn remember(tx: &Tx<'_>, delivery: &Delivery, job: JobId, now: i64) -> Result<(), Error> {
    let keys = [delivery.key.as_deref().map(by_key), delivery.body_key.as_deref().map(by_body)];
    for key in keys.into_iter().flatten() {
        tx.execute(
            "keeping a delivery",
            "INSERT OR IGNORE INTO deliveries (key, job_id, body_hash, received_at) VALUES (?1, ?2, ?3, ?4)",
            params![key, job, delivery.body_hash, now],
        )?;
    }
    Ok(())
}

/// The two kinds of keys share a table but can never be mistaken for each other.
fn by_key(key: &str) -> String {
    format!("key:{key}")
}

fn by_body(body: &str) -> String {
    format!("body:{body}")
}

fn insert(tx: &mut Tx<'_>, job: &NewJob) -> Result<(), Error> {
    tx.execute(
        "keeping a job",
        "INSERT INTO jobs (id, event, state, source, subject, correlation_id, created_at, traceparent,
                           caller)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            job.id,
            job.event,
            JobState::Queued,
            job.source,
            job.subject,
            job.correlation_id,
            job.created_at,
            job.traceparent,
            job.caller
        ],
    )?;
    tx.execute(
        "keeping a job's input",
        "INSERT INTO inputs (job_id, strategy, payload, context) VALUES (?1, ?2, ?3, ?4)",
        params![job.id, to_json(&job.strategy), job.payload.to_string(), job.context.to_string()],
    )?;
    for (position, agent) in job.strategy.agents.iter().enumerate() {
        tx.execute(
            "keeping a step",
            "INSERT INTO steps (job_id, position, agent_id, state) VALUES (?1, ?2, ?3, ?4)",
            params![job.id, position as i64, agent, StepState::Pending],
        )?;
    }
    tx.event(job.id, queued(job))
}

fn queued(job: &NewJob) -> Happened {
    let message = match job.rerun_of {
        None => format!("the event {} was accepted", job.event),
        Some(earlier) => format!("the event {} of job {earlier} runs again", job.event),
    };
    let queued = Happened::new("job.queued", job.created_at, message)
        .with("event", job.event.clone())
        .with("agents", job.strategy.agents.clone());
    match job.rerun_of {
        None => queued,
        Some(earlier) => queued.with("rerun_of", earlier.to_string()),
    }
}
