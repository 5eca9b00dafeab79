//! After a crash: what was open goes on, and what was cut off is begun again.
//!
//! A step that takes the process down each time ends by its attempts. A job that does so between its steps and its end
//! would not, so an end that was cut off counts as a failed run.

use super::{
    Journal,
    aside::{cut_off, fail_run},
    error::{Doing, Error},
    tx::{Happened, Tx},
};
use crate::job::JobId;

impl Journal {
    /// Reads the open jobs, oldest first, and puts the steps that were cut off back to pending. Their attempts
    /// stay counted, and steps that ended stay as they are. Called once, before any job runs.
    ///
    /// # Errors
    /// Those of writing.
    pub async fn recover(&self, now: i64) -> Result<Vec<JobId>, Error> {
        self.write(move |tx| {
            for job in ids(tx, "SELECT id FROM jobs WHERE state = 'running' ORDER BY id")? {
                let cut_off = cut_off(tx, job)?;
                let message = "the orchestrator was restarted and the job goes on";
                tx.event(job, Happened::new("job.recovered", now, message).with("steps_cut_off", cut_off))?;
                if !has_open_steps(tx, job)? {
                    fail_run(tx, job, "the process ended while the job was being decided", now)?;
                }
            }
            ids(tx, "SELECT id FROM jobs WHERE state IN ('queued', 'running') ORDER BY id")
        })
        .await
    }
}

fn has_open_steps(tx: &Tx<'_>, job: JobId) -> Result<bool, Error> {
    tx.db()
        .prepare_cached("SELECT 1 FROM steps WHERE job_id = ?1 AND state IN ('pending', 'running')")
        .and_then(|mut open| open.exists([job]))
        .doing("reading the open steps")
}

fn ids(tx: &Tx<'_>, sql: &str) -> Result<Vec<JobId>, Error> {
    tx.db()
        .prepare_cached(sql)
        .and_then(|mut open| open.query_map([], |row| row.get(0))?.collect())
        .doing("reading the open jobs")
}
