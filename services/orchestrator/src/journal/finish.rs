//! How a job ends: its decision, recorded once for its key, then its final state with the report.

use rusqlite::{OptionalExtension, Row, params};

use super::{
    Journal,
    error::{Doing, Error},
    row::{self, to_json},
    transition::add_note,
    tx::{Happened, Tx},
};
use crate::job::{Action, Decision, JobId, JobState};

/// A decision as the journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The job's decision. Action, reason and evidence are the job's own; the id is that of the decision that was
    /// recorded first for the key.
    pub decision: Decision,
    /// The job that decided the same first, when it was another one.
    pub first: Option<JobId>,
    /// What was noted about an earlier decision for the key.
    pub note: Option<String>,
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
    /// Records the decision of a running job under `key`; without one, under a key of the job alone.
    ///
    /// Where the job has a decision, nothing is recorded again. Where another job decided the key, its decision
    /// becomes this job's only if both say the same; a verdict is never overruled by an earlier one, but recorded
    /// beside it, under the job's own key. Either is noted.
    ///
    /// # Errors
    /// [`Error::Misplaced`] when the job is not running; those of writing.
    pub async fn decide(
        &self,
        job: JobId,
        key: Option<String>,
        decision: Decision,
    ) -> Result<Recorded, Error> {
        self.write(move |tx| {
            tx.require(job, JobState::Running, "be decided")?;
            match own(tx, job)? {
                Some(recorded) => Ok(recorded),
                None => record(tx, job, key, decision),
            }
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

/// A decision that was recorded for a key.
struct Earlier {
    id: String,
    job: JobId,
    action: Action,
}

fn record(tx: &mut Tx<'_>, job: JobId, key: Option<String>, decision: Decision) -> Result<Recorded, Error> {
    let earlier = key.as_deref().map(|key| decided(tx, key)).transpose()?.flatten();
    let note = earlier.as_ref().map(|earlier| earlier.noted(&decision));
    let recorded = match earlier {
        Some(earlier) if earlier.action == decision.action => {
            let decision = Decision { id: earlier.id, ..decision };
            Recorded { decision, first: Some(earlier.job), note }
        }
        Some(_) => insert(tx, job, own_key(job), decision, note)?,
        None => insert(tx, job, key.unwrap_or_else(|| own_key(job)), decision, note)?,
    };
    adopt(tx, job, &recorded)?;
    if let Some(note) = &recorded.note {
        add_note(tx, job, note.clone(), recorded.decision.decided_at)?;
    }
    Ok(recorded)
}

/// The key of what belongs to one job alone.
fn own_key(job: JobId) -> String {
    format!("job:{job}")
}

fn insert(
    tx: &Tx<'_>,
    job: JobId,
    key: String,
    decision: Decision,
    note: Option<String>,
) -> Result<Recorded, Error> {
    tx.execute(
        "recording a decision",
        "INSERT INTO decisions (id, key, job_id, action, decided_at, decision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![decision.id, key, job, decision.action, decision.decided_at, to_json(&decision)],
    )?;
    Ok(Recorded { decision, first: None, note })
}

/// The decision that the job has already.
fn own(tx: &Tx<'_>, job: JobId) -> Result<Option<Recorded>, Error> {
    let read = |row: &Row<'_>| {
        let first: JobId = row.get(0)?;
        Ok(Recorded { decision: row::json(row, 1)?, first: (first != job).then_some(first), note: None })
    };
    tx.db()
        .prepare_cached(
            "SELECT d.job_id, coalesce(j.verdict, d.decision)
             FROM jobs j JOIN decisions d ON d.id = j.decision_id WHERE j.id = ?1",
        )
        .and_then(|mut find| find.query_row([job], read).optional())
        .doing("looking a job's decision up")
}

/// The decision that the key has already.
fn decided(tx: &Tx<'_>, key: &str) -> Result<Option<Earlier>, Error> {
    let read = |row: &Row<'_>| Ok(Earlier { id: row.get(0)?, job: row.get(1)?, action: row.get(2)? });
    tx.db()
        .prepare_cached("SELECT id, job_id, action FROM decisions WHERE key = ?1")
        .and_then(|mut find| find.query_row([key], read).optional())
        .doing("looking a decision up")
}

fn adopt(tx: &mut Tx<'_>, job: JobId, recorded: &Recorded) -> Result<(), Error> {
    let decision = &recorded.decision;
    tx.execute(
        "giving a job its decision",
        "UPDATE jobs SET decision_id = ?2, verdict = ?3 WHERE id = ?1",
        params![job, decision.id, recorded.first.map(|_| to_json(decision))],
    )?;
    let message = format!("{}: {}", decision.action, decision.reason);
    let event = Happened::new("decision.made", decision.decided_at, message)
        .with("decision_id", decision.id.clone())
        .with("action", decision.action.as_str())
        .with("rule", decision.rule.clone())
        .with("automated", decision.automated);
    tx.event(job, event)
}

impl Earlier {
    /// What people are told about it beside a later verdict.
    fn noted(&self, later: &Decision) -> String {
        let (job, action) = (self.job, self.action);
        if action == later.action {
            format!("job {job} decided the same before, so this is the same decision")
        } else {
            format!("job {job} decided before: {action}; it does not overrule what this job found")
        }
    }
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
