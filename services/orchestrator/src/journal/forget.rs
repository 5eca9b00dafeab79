//! Forgetting jobs that ended long ago. Their decisions stay: what was decided is decided for ever.

use rusqlite::params;

use super::{
    Journal,
    error::{Doing, Error},
    tx::Tx,
};
use crate::job::JobId;

/// What a job takes with it, before the job itself.
const PARTS: [&str; 6] = [
    "DELETE FROM inputs WHERE job_id = ?1",
    "DELETE FROM steps WHERE job_id = ?1",
    "DELETE FROM events WHERE job_id = ?1",
    "DELETE FROM notes WHERE job_id = ?1",
    "DELETE FROM reports WHERE job_id = ?1",
    "DELETE FROM deliveries WHERE job_id = ?1",
];

impl Journal {
    /// At most `limit` jobs that ended before a time in ms since 1970, those that ended first before the others.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn ended_before(&self, before: i64, limit: u32) -> Result<Vec<JobId>, Error> {
        self.read(move |db| {
            db.prepare_cached("SELECT id FROM jobs WHERE finished_at < ?1 ORDER BY finished_at LIMIT ?2")
                .and_then(|mut old| old.query_map(params![before, limit], |row| row.get(0))?.collect())
                .doing("reading the jobs that ended long ago")
        })
        .await
    }

    /// Deletes jobs that have ended, with all that belongs to them but their decisions. An event that is delivered
    /// again afterwards is a new one.
    ///
    /// # Errors
    /// [`Error::Misplaced`] when one of them is open; those of writing.
    pub async fn forget(&self, jobs: Vec<JobId>) -> Result<(), Error> {
        self.write(move |tx| jobs.iter().try_for_each(|job| forget(tx, *job))).await
    }
}

fn forget(tx: &Tx<'_>, job: JobId) -> Result<(), Error> {
    let state = tx.state(job)?;
    if !state.is_final() {
        let (what, found) = (format!("job {job}"), state.to_string());
        return Err(Error::Misplaced { what, wanted: "be forgotten", found });
    }
    for sql in PARTS.into_iter().chain(["DELETE FROM jobs WHERE id = ?1"]) {
        tx.execute("forgetting a job", sql, params![job])?;
    }
    Ok(())
}
