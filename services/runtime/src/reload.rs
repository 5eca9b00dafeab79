//! Files that people edit while the process runs: read again as a whole, checked as at the start, and put in force
//! only if nothing is wrong with them.
//!
//! ```text
//! edit ──alarm──► 200 ms of quiet ──stamp──► read and check everything ──► in force, followers are told
//!   or every 10 s, without any event          └─ an error: the last good version stays, and it is said
//! ```
//!
//! Events are only an alarm. Whether anything changed is told by what the file system says of the files, and what
//! changed by reading all of them: no order of events can make a version of half an edit that would not have been
//! accepted at the start.

mod alarm;
mod stamp;

use std::{fmt::Display, path::PathBuf, sync::Arc, time::Duration};

use tokio::task::{JoinError, spawn_blocking};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    process::Process,
    versions::{Versioned, Versions},
};
use alarm::Alarm;
use stamp::Stamp;

/// Between two looks at the files where no event comes: some file systems have none.
const POLL: Duration = Duration::from_secs(10);

/// What is read again.
pub struct Source<T, E> {
    /// What it is, in logs, metrics and health: `agents`.
    pub name: &'static str,
    /// The folders it lies in, of which names that begin with a dot are not looked at; or single files.
    pub places: Vec<PathBuf>,
    /// Reads and checks all of it; blocks. An error is displayed with all that was found.
    pub read: Box<dyn Fn() -> Result<T, E> + Send + Sync>,
}

/// A source, and what is in force of it.
struct Kept<T, E> {
    source: Arc<Source<T, E>>,
    process: Process,
    versions: Versions<T>,
    alarm: Alarm,
    /// The files as they were when they were read last, whether or not that went well.
    stamp: Stamp,
}

/// Reads a source, and again after every edit for as long as the process runs.
///
/// # Errors
/// When it cannot be used as it is now. Later, what cannot be used leaves the last good version in force, and is told
/// by a line in the log, a count, and a note in the health of the mesh.
pub async fn open<T, E>(process: &Process, source: Source<T, E>) -> Result<Versions<T>, E>
where
    T: Versioned,
    E: Display + From<JoinError> + Send + 'static,
{
    let alarm = Alarm::on(&source.places); // before the files are read: no edit falls in between
    let source = Arc::new(source);
    let (stamp, first) = source.read().await?;
    let versions = Versions::new(first?);
    let process = process.clone();
    let kept = Kept { source, process: process.clone(), versions: versions.clone(), alarm, stamp };
    process.drain.spawn("reload", |stop| kept.run(stop));
    Ok(versions)
}

// === impl Source ===

impl<T: Send + 'static, E: Send + 'static> Source<T, E> {
    /// The stamp is taken first: an edit while the files are read shows as one at the next look.
    async fn read(self: &Arc<Self>) -> Result<(Stamp, Result<T, E>), JoinError> {
        let source = Arc::clone(self);
        spawn_blocking(move || (Stamp::of(&source.places), (source.read)())).await
    }

    async fn stamp(self: &Arc<Self>) -> Result<Stamp, JoinError> {
        let source = Arc::clone(self);
        spawn_blocking(move || Stamp::of(&source.places)).await
    }
}

// === impl Kept ===

impl<T, E> Kept<T, E>
where
    T: Versioned,
    E: Display + From<JoinError> + Send + 'static,
{
    async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.alarm.rung() => {}
                () = tokio::time::sleep(POLL) => {}
            }
            if self.source.stamp().await? != self.stamp {
                self.alarm.quiet().await;
                self.alarm = Alarm::on(&self.source.places); // a folder may have been put in the place of another
                self.read_again().await?;
            }
        }
    }

    async fn read_again(&mut self) -> Result<(), JoinError> {
        let (stamp, read) = self.source.read().await?;
        self.stamp = stamp;
        let Kept { source, process, versions, .. } = self;
        process.metrics.reloaded(source.name, read.is_ok());
        match read {
            Ok(next) => {
                let version = next.version().to_owned();
                process.degraded.mend(source.name);
                let changed = versions.replace(next);
                info!(what = source.name, version, changed, "edited files are read and in force");
            }
            Err(problem) => {
                let (what, version) = (source.name, versions.current().version().to_owned());
                process.degraded.note(what, refused(what));
                error!(what, in_force = version, %problem, "edited files are not usable; the last good ones stay in force");
            }
        }
        Ok(())
    }
}

/// For whoever asks for the health of the mesh; what exactly is wrong names paths and stands in the log.
fn refused(what: &str) -> String {
    format!(
        "The {what} were edited and are not usable; the last good ones stay in force. The log says what is wrong."
    )
}

#[cfg(test)]
mod tests;
