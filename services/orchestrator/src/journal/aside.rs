//! Runs that failed outside of their job's steps: tried again a few times, then the job is set aside with its reason,
//! so that no start of the process is spent on it for ever.

use rusqlite::{OptionalExtension, params};

use super::{
    Journal,
    error::{Doing, Error},
    transition::add_note,
    tx::{Happened, Tx},
};
use crate::job::{JobId, JobState, StepState};

/// How many runs of a job may fail.
const MOST: u32 = 3;

/// The code of the steps that were open when their job was set aside.
const CODE: &str = "JOB_FAILED";

/// What becomes of a job whose run failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// It is open and may run again.
    Again,
    /// It has ended.
    Ended,
}

impl Journal {
    /// A run of an open job failed for `reason`, a sentence without its full stop. Its steps that ran are cut off; after
    /// the last run that it may have, the job ends as failed.
    ///
    /// # Errors
    /// [`Error::UnknownJob`]; those of writing.
    pub async fn fail_run(&self, job: JobId, reason: &str, now: i64) -> Result<AfterFailure, Error> {
        let reason = reason.to_owned();
        self.write(move |tx| {
            if tx.state(job)?.is_final() {
                return Ok(AfterFailure::Ended);
            }
            cut_off(tx, job)?;
            fail_run(tx, job, &reason, now)
        })
        .await
    }
}

/// Counts the failed run of an open job none of whose steps runs.
pub(super) fn fail_run(tx: &mut Tx<'_>, job: JobId, reason: &str, now: i64) -> Result<AfterFailure, Error> {
    let failed = count(tx, job)?;
    if failed >= MOST {
        set_aside(tx, job, reason, now)?;
        return Ok(AfterFailure::Ended);
    }
    let message = format!("run {failed} of {MOST} failed and the job begins again: {reason}");
    tx.event(job, Happened::new("job.run_failed", now, message).with("run", failed))?;
    Ok(AfterFailure::Again)
}

/// Puts the steps that run back to pending; says how many.
pub(super) fn cut_off(tx: &Tx<'_>, job: JobId) -> Result<usize, Error> {
    tx.execute(
        "putting steps back",
        "UPDATE steps SET state = 'pending' WHERE job_id = ?1 AND state = 'running'",
        params![job],
    )
}

fn count(tx: &Tx<'_>, job: JobId) -> Result<u32, Error> {
    let sql = "UPDATE jobs SET failed_runs = failed_runs + 1 WHERE id = ?1 RETURNING failed_runs";
    tx.db()
        .prepare_cached(sql)
        .and_then(|mut update| update.query_row([job], |row| row.get(0)).optional())
        .doing("counting a failed run")?
        .ok_or(Error::UnknownJob(job))
}

fn set_aside(tx: &mut Tx<'_>, job: JobId, reason: &str, now: i64) -> Result<(), Error> {
    let sentence = format!("the job was set aside after {MOST} failed runs: {reason}");
    tx.execute(
        "ending the steps of a job that failed",
        "UPDATE steps SET state = ?2, error = ?3, code = ?4, finished_at = ?5
         WHERE job_id = ?1 AND state IN ('pending', 'running')",
        params![job, StepState::Cancelled, sentence, CODE, now],
    )?;
    tx.execute(
        "setting a job aside",
        "UPDATE jobs SET state = ?2, finished_at = ?3 WHERE id = ?1",
        params![job, JobState::Failed, now],
    )?;
    // The report proper may be what failed, so this one is written without it.
    tx.execute(
        "keeping a report",
        "INSERT OR REPLACE INTO reports (job_id, markdown) VALUES (?1, ?2)",
        params![job, format!("# Report\n\nThere is no decision: {sentence}.\n")],
    )?;
    add_note(tx, job, sentence.clone(), now)?;
    tx.event(job, Happened::new("job.failed", now, sentence))
}
