//! What an operation writes through: the connection inside its savepoint, and the list of events it adds.

use rusqlite::{Connection, OptionalExtension, Params, params};
use serde_json::{Map, Value};

use super::{
    error::{Doing, Error},
    writer::News,
};
use crate::job::{JobId, JobState};

/// An open transaction.
pub(super) struct Tx<'a> {
    db: &'a Connection,
    news: &'a mut News,
}

/// An event before it has its place in the job's sequence.
pub(super) struct Happened {
    pub(super) kind: &'static str,
    pub(super) at: i64,
    pub(super) agent_id: String,
    pub(super) message: String,
    pub(super) data: Map<String, Value>,
}

impl Happened {
    pub(super) fn new(kind: &'static str, at: i64, message: impl Into<String>) -> Self {
        Self { kind, at, agent_id: String::new(), message: message.into(), data: Map::new() }
    }

    pub(super) fn agent(mut self, agent_id: &str) -> Self {
        self.agent_id = agent_id.to_owned();
        self
    }

    pub(super) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.data.insert(field.to_owned(), value.into());
        self
    }
}

impl<'a> Tx<'a> {
    pub(super) fn new(db: &'a Connection, news: &'a mut News) -> Self {
        Self { db, news }
    }

    pub(super) fn db(&self) -> &Connection {
        self.db
    }

    /// Runs one statement and says how many rows it changed.
    pub(super) fn execute(
        &self,
        doing: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<usize, Error> {
        self.db.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).doing(doing)
    }

    /// Adds an event at the end of the job's sequence.
    pub(super) fn event(&mut self, job: JobId, event: Happened) -> Result<(), Error> {
        let sequence = self.last_event(job)? + 1;
        self.execute(
            "adding an event",
            "INSERT INTO events (job_id, sequence, kind, at, agent_id, message, data)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                job,
                sequence as i64,
                event.kind,
                event.at,
                event.agent_id,
                event.message,
                Value::Object(event.data).to_string()
            ],
        )?;
        self.news.push((job, sequence));
        Ok(())
    }

    /// The state of a job.
    pub(super) fn state(&self, job: JobId) -> Result<JobState, Error> {
        self.db
            .prepare_cached("SELECT state FROM jobs WHERE id = ?1")
            .and_then(|mut statement| statement.query_row([job], |row| row.get(0)).optional())
            .doing("reading a job's state")?
            .ok_or(Error::UnknownJob(job))
    }

    /// Refuses unless the job is in `needed`.
    pub(super) fn require(&self, job: JobId, needed: JobState, wanted: &'static str) -> Result<(), Error> {
        let found = self.state(job)?;
        if found == needed {
            return Ok(());
        }
        Err(Error::Misplaced { what: format!("job {job}"), wanted, found: found.to_string() })
    }

    fn last_event(&self, job: JobId) -> Result<u64, Error> {
        let last: i64 = self
            .db
            .prepare_cached("SELECT coalesce(max(sequence), 0) FROM events WHERE job_id = ?1")
            .and_then(|mut statement| statement.query_row([job], |row| row.get(0)))
            .doing("reading the last event")?;
        Ok(last.unsigned_abs())
    }
}
