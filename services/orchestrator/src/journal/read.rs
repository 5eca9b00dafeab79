//! What the journal tells about jobs. Reads see the last commit and never wait for the writer.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    Journal,
    error::{Doing, Error},
    row::{self, EVENT, STEP},
};
use crate::job::{Action, Job, JobEvent, JobId, JobState, Step};

/// One line of a list of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobLine {
    /// The job.
    pub id: JobId,
    /// Its event.
    pub event: String,
    /// Where it stands.
    pub state: JobState,
    /// What it is about.
    pub subject: String,
    /// When it was accepted, in ms since 1970.
    pub created_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// What was decided.
    pub action: Option<Action>,
}

/// The call that submitted a job's event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Its correlation id.
    pub correlation_id: String,
    /// Its trace, if it had one.
    pub traceparent: Option<String>,
    /// Who made it.
    pub caller: String,
}

/// Which jobs a list shows, newest first.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only jobs in this state.
    pub state: Option<JobState>,
    /// Only jobs of this event.
    pub event: Option<String>,
    /// Only jobs older than this one: the last of the page before.
    pub before: Option<JobId>,
    /// How many at most.
    pub limit: u32,
}

impl Journal {
    /// One job in full.
    ///
    /// # Errors
    /// [`Error::UnknownJob`]; those of reading.
    pub async fn job(&self, id: JobId) -> Result<Job, Error> {
        self.read(move |db| {
            // One transaction, so that job, steps and decision are of the same moment.
            let tx = db.unchecked_transaction().doing("reading a job")?;
            job(&tx, id).doing("reading a job")?.ok_or(Error::UnknownJob(id))
        })
        .await
    }

    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn jobs(&self, filter: Filter) -> Result<Vec<JobLine>, Error> {
        self.read(move |db| lines(db, &filter).doing("listing jobs")).await
    }

    /// The step of an agent that ended last, in the newest of its jobs, with that job; none where it never ran.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn last_run(&self, agent_id: String) -> Result<Option<(JobId, Step)>, Error> {
        let sql = format!(
            "SELECT {STEP}, job_id FROM steps WHERE agent_id = ?1 AND state IN ('succeeded', 'failed') \
             ORDER BY job_id DESC LIMIT 1"
        );
        let read = |row: &Row<'_>| Ok((row.get("job_id")?, row::step(row)?));
        self.read(move |db| {
            db.prepare_cached(&sql)
                .and_then(|mut find| find.query_row([agent_id], read).optional())
                .doing("reading what an agent did last")
        })
        .await
    }

    /// At most `limit` events of a job after the one with sequence `after` (0: from the first), in order.
    ///
    /// # Errors
    /// [`Error::UnknownJob`]; those of reading.
    pub async fn events(&self, id: JobId, after: u64, limit: u32) -> Result<Vec<JobEvent>, Error> {
        self.read(move |db| {
            state(db, id)?;
            let sql = format!(
                "SELECT {EVENT} FROM events WHERE job_id = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3"
            );
            db.prepare_cached(&sql)
                .and_then(|mut events| {
                    events.query_map(params![id, after as i64, limit], row::event)?.collect()
                })
                .doing("reading events")
        })
        .await
    }

    /// Where a job stands.
    ///
    /// # Errors
    /// [`Error::UnknownJob`]; those of reading.
    pub async fn state(&self, id: JobId) -> Result<JobState, Error> {
        self.read(move |db| state(db, id)).await
    }

    /// The call that submitted a job's event.
    ///
    /// # Errors
    /// [`Error::UnknownJob`]; those of reading.
    pub async fn origin(&self, id: JobId) -> Result<Origin, Error> {
        let read = |row: &Row<'_>| {
            Ok(Origin { correlation_id: row.get(0)?, traceparent: row.get(1)?, caller: row.get(2)? })
        };
        self.read(move |db| {
            db.prepare_cached("SELECT correlation_id, traceparent, caller FROM jobs WHERE id = ?1")
                .and_then(|mut find| find.query_row([id], read).optional())
                .doing("reading where a job comes from")?
                .ok_or(Error::UnknownJob(id))
        })
        .await
    }

    /// The report of a job; `None` while it has none.
    ///
    /// # Errors
    /// [`Error::UnknownJob`]; those of reading.
    pub async fn report(&self, id: JobId) -> Result<Option<(String, Option<String>)>, Error> {
        self.read(move |db| {
            state(db, id)?;
            db.prepare_cached(
                "SELECT markdown, report_file FROM reports JOIN jobs ON id = job_id WHERE job_id = ?1",
            )
            .and_then(|mut find| find.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional())
            .doing("reading a report")
        })
        .await
    }
}

fn state(db: &Connection, id: JobId) -> Result<JobState, Error> {
    db.prepare_cached("SELECT state FROM jobs WHERE id = ?1")
        .and_then(|mut find| find.query_row([id], |row| row.get(0)).optional())
        .doing("reading a job's state")?
        .ok_or(Error::UnknownJob(id))
}

fn job(db: &Connection, id: JobId) -> rusqlite::Result<Option<Job>> {
    let sql = "SELECT j.event, j.state, j.source, j.subject, j.correlation_id, j.created_at, j.started_at,
                 j.finished_at, j.report_file, i.strategy, i.payload, i.context, coalesce(j.verdict, d.decision)
               FROM jobs j JOIN inputs i ON i.job_id = j.id LEFT JOIN decisions d ON d.id = j.decision_id
               WHERE j.id = ?1";
    let found = db.prepare_cached(sql)?.query_row([id], |row| {
        Ok(Job {
            id,
            event: row.get(0)?,
            state: row.get(1)?,
            source: row.get(2)?,
            subject: row.get(3)?,
            correlation_id: row.get(4)?,
            created_at: row.get(5)?,
            started_at: row.get(6)?,
            finished_at: row.get(7)?,
            report_file: row.get(8)?,
            strategy: row::json(row, 9)?,
            payload: row::json(row, 10)?,
            context: row::json(row, 11)?,
            decision: row::optional_json(row, 12)?,
            steps: Vec::new(),
            notes: Vec::new(),
        })
    });
    let Some(mut job) = found.optional()? else { return Ok(None) };
    let steps = format!("SELECT {STEP} FROM steps WHERE job_id = ?1 ORDER BY position");
    job.steps = db.prepare_cached(&steps)?.query_map([id], row::step)?.collect::<Result<_, _>>()?;
    let notes = "SELECT note FROM notes WHERE job_id = ?1 ORDER BY position";
    job.notes = db.prepare_cached(notes)?.query_map([id], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(Some(job))
}

fn lines(db: &Connection, filter: &Filter) -> rusqlite::Result<Vec<JobLine>> {
    // Each condition that is not asked for is left out, so that SQLite can choose the index for the others.
    let mut sql = String::from(
        "SELECT j.id, j.event, j.state, j.subject, j.created_at, j.finished_at, d.action
         FROM jobs j LEFT JOIN decisions d ON d.id = j.decision_id WHERE (?1 IS NULL OR j.id < ?1)",
    );
    sql.push_str(if filter.state.is_some() { " AND j.state = ?2" } else { " AND ?2 IS NULL" });
    sql.push_str(if filter.event.is_some() { " AND j.event = ?3" } else { " AND ?3 IS NULL" });
    sql.push_str(" ORDER BY j.id DESC LIMIT ?4");
    let mut list = db.prepare_cached(&sql)?;
    let rows = list.query_map(params![filter.before, filter.state, filter.event, filter.limit], |row| {
        Ok(JobLine {
            id: row.get(0)?,
            event: row.get(1)?,
            state: row.get(2)?,
            subject: row.get(3)?,
            created_at: row.get(4)?,
            finished_at: row.get(5)?,
            action: row.get(6)?,
        })
    })?;
    rows.collect()
}
