//! How a job ends: its decision, recorded once for its key, then its final state with the report.

use rusqlite::{OptionalExtension, Params, Row, params};

use super::{
    Journal,
    error::{Doing, Error},
    row::{self, to_json},
    tx::{Happened, Tx},
};
use crate::job::{Decision, JobId, JobState};

/// A decision as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What was decided for the key.
    pub decision: Decision,
    /// The job that decided first, when it was another one.
    pub first: Option<JobId>,
}

/// What is kept of a job that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The report in Markdown.
    pub markdown: String,
    /// The name of its file below the report folder; `None` when the file could not be written.
    pub file: Option<String>,
}

impl Journal {
    /// Records the decision of a running job under `key`. Where the job has a decision, or the key was decided by
    /// another job, nothing is recorded again and the job keeps or gets that decision.
    ///
    /// # Errors
    /// [`Error::Misplaced`] when the job is not running; those of writing.
    pub async fn decide(&self, job: JobId, key: String, decision: Decision) -> Result<Recorded, Error> {
        self.write(move |tx| {
            tx.require(job, JobState::Running, "be decided")?;
            if let Some(recorded) = own(tx, job)? {
                return Ok(recorded);
            }
            if let Some(recorded) = decided(tx, job, &key)? {
                adopt(tx, job, &recorded, decision.decided_at)?;
                return Ok(recorded);
            }
            tx.execute(
                "recording a decision",
                "INSERT INTO decisions (id, key, job_id, action, decided_at, decision)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![decision.id, key, job, decision.action, decision.decided_at, to_json(&decision)],
            )?;
            let recorded = Recorded { decision, first: None };
            adopt(tx, job, &recorded, recorded.decision.decided_at)?;
            Ok(recorded)
        })
        .await
    }

    /// Ends a running job with its report.
    ///
    /// # Errors
    /// [`Error::Misplaced`] when the job is not running; those of writing.
    pub async fn finish(&self, job: JobId, end: JobState, report: Report, now: i64) -> Result<(), Error> {
        self.write(move |tx| {
            tx.require(job, JobState::Running, "end")?;
            tx.execute(
                "ending a job",
                "UPDATE jobs SET state = ?2, finished_at = ?3, report_file = ?4 WHERE id = ?1",
                params![job, end, now, report.file],
            )?;
            tx.execute(
                "keeping a report",
                "INSERT OR REPLACE INTO reports (job_id, markdown) VALUES (?1, ?2)",
                params![job, report.markdown],
            )?;
            tx.event(job, Happened::new(kind(end), now, format!("the job ended: {end}")))
        })
        .await
    }
}

/// The decision that the job has already.
fn own(tx: &Tx<'_>, job: JobId) -> Result<Option<Recorded>, Error> {
    let sql =
        "SELECT d.job_id, d.decision FROM jobs j JOIN decisions d ON d.id = j.decision_id WHERE j.id = ?1";
    find(tx, job, sql, params![job])
}

/// The decision that the key has already.
fn decided(tx: &Tx<'_>, job: JobId, key: &str) -> Result<Option<Recorded>, Error> {
    find(tx, job, "SELECT job_id, decision FROM decisions WHERE key = ?1", params![key])
}

fn find(tx: &Tx<'_>, job: JobId, sql: &str, params: impl Params) -> Result<Option<Recorded>, Error> {
    let read = |row: &Row<'_>| {
        let first: JobId = row.get(0)?;
        Ok(Recorded { decision: row::json(row, 1)?, first: (first != job).then_some(first) })
    };
    tx.db()
        .prepare_cached(sql)
        .and_then(|mut find| find.query_row(params, read).optional())
        .doing("looking a decision up")
}

fn adopt(tx: &mut Tx<'_>, job: JobId, recorded: &Recorded, now: i64) -> Result<(), Error> {
    let decision = &recorded.decision;
    tx.execute(
        "giving a job its decision",
        "UPDATE jobs SET decision_id = ?2 WHERE id = ?1",
        params![job, decision.id],
    )?;
    let event = Happened::new("decision.made", now, format!("{}: {}", decision.action, decision.reason))
        .with("decision_id", decision.id.clone())
        .with("action", decision.action.as_str())
        .with("rule", decision.rule.clone())
        .with("automated", decision.automated);
    tx.event(job, event)
}

const fn kind(end: JobState) -> &'static str {
    match end {
        JobState::Queued => "job.queued",
        JobState::Running => "job.running",
        JobState::WaitingApproval => "job.waiting_approval",
        JobState::Succeeded => "job.succeeded",
        JobState::Failed => "job.failed",
        JobState::Cancelled => "job.cancelled",
        JobState::Superseded => "job.superseded",
    }
}
