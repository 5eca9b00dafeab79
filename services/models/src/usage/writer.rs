//! The one thread that writes: all that waits in one transaction; what is old goes now and then.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bsm_runtime::clock;
use bsm_runtime::degraded::Degraded;
use rusqlite::{Connection, params};
use tracing::{error, info};

use super::pending::{Pending, Rows, Work};
use super::{Key, Sums};
use crate::budget::Window;

/// The rest after a failure of the disk, before it is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The rest after a commit: what comes meanwhile shares the next one, so that a disk is synced twenty times a second at
/// most, however many calls there are.
const AFTER_COMMIT: Duration = Duration::from_millis(50);

/// How often it is looked for rows that have become old.
const ROUND: Duration = Duration::from_secs(60 * 60);

/// The subject of the health note.
const SUBJECT: &str = "usage";

/// What the thread owns.
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) pending: Arc<Pending>,
    pub(super) degraded: Degraded,
    /// Days that rows are kept.
    pub(super) keep_days: u32,
}

// === impl Writer ===

impl Writer {
    /// Writes until the end, and then what is left.
    pub(super) fn serve(mut self) {
        let mut last_round: Option<Instant> = None;
        while let Some(work) = self.pending.take() {
            let is_written = self.write(work);
            if last_round.is_none_or(|last| last.elapsed() >= ROUND) {
                last_round = Some(Instant::now());
                self.forget(clock::unix_ms());
            }
            if !is_written && self.pending.is_closed() {
                return; // the disk has had its last chance
            }
            self.pending.rest(if is_written { AFTER_COMMIT } else { AFTER_FAILURE });
        }
    }

    /// Whether the rows are on disk.
    fn write(&mut self, Work { rows, waiting, lost }: Work) -> bool {
        if lost > 0 {
            error!(calls = lost, "the usage of calls is lost: too much waited for a disk that fails");
        }
        let done = add(&mut self.db, &rows);
        let is_written = done.is_ok();
        match done {
            Ok(()) => self.degraded.mend(SUBJECT),
            Err(err) => {
                error!(error = %err, rows = rows.len(), "usage could not be written; it is tried again");
                let note =
                    "The usage of models cannot be written to disk; a restart would lose what was not.";
                self.degraded.note(SUBJECT, note);
                self.pending.put_back(rows);
            }
        }
        for told in waiting {
            let _ = told.send(()); // who waited may have gone
        }
        is_written
    }

    pub(super) fn forget(&mut self, now: i64) {
        let before = Window::Day.began(now) - i64::from(self.keep_days) * Window::Day.ms();
        match self.db.execute("DELETE FROM usage WHERE minute < ?1", [before]) {
            Ok(0) => {}
            Ok(rows) => info!(rows, "usage of long ago is forgotten"),
            Err(err) => error!(error = %err, "old usage is still there"),
        }
    }
}

const ADD: &str = "INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
  ON CONFLICT DO UPDATE SET
    requests = requests + excluded.requests, failed = failed + excluded.failed,
    estimated = estimated + excluded.estimated, unpriced = unpriced + excluded.unpriced,
    input_tokens = input_tokens + excluded.input_tokens, output_tokens = output_tokens + excluded.output_tokens,
    cached_tokens = cached_tokens + excluded.cached_tokens,
    reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens, nanos = nanos + excluded.nanos";

/// Adds the rows to those of the same minute and key, all or none.
fn add(db: &mut Connection, rows: &Rows) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let tx = db.transaction()?;
    {
        let mut add = tx.prepare_cached(ADD)?;
        for ((minute, Key { caller, agent, job, provider, model }), sums) in rows {
            let [requests, failed, estimated, unpriced, input, output, cached, reasoning, nanos] =
                counts(sums);
            add.execute(params![
                minute, caller, agent, job, provider, model, requests, failed, estimated, unpriced, input,
                output, cached, reasoning, nanos
            ])?;
        }
    }
    tx.commit()
}

fn counts(sums: &Sums) -> [i64; 9] {
    let Sums { requests, failed, estimated, unpriced, tokens, nanos } = *sums;
    [
        requests,
        failed,
        estimated,
        unpriced,
        tokens.input,
        tokens.output,
        tokens.cached,
        tokens.reasoning,
        nanos,
    ]
    .map(|count| i64::try_from(count).unwrap_or(i64::MAX))
}
