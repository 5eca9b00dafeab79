//! The journal: every job, step, event and decision, in one SQLite file, each change synced before it is
//! answered.
//!
//! ```text
//! callers ──► queue ──► writer thread: one transaction per group, one savepoint per operation ──► fsync ──► answers
//!                                                                                           └──► watchers wake
//! readers ──► read-only connections (WAL), never waiting for the writer
//! ```
//! A kill at any point leaves the file at some commit, so what was answered is there and nothing is there by
//! halves. The schema is in `schema.sql`; `sqlite3` on the file shows the same.

mod accept;
mod aside;
mod error;
mod feed;
mod finish;
mod forget;
mod read;
mod reader;
mod recover;
mod row;
mod schema;
#[cfg(test)]
mod tests;
mod transition;
mod tx;
mod writer;

use std::{path::Path, sync::Arc};

use bsm_runtime::folder::Folder;
use rusqlite::Connection;

use self::{feed::Feed, reader::Reader, tx::Tx, writer::Writer};
use crate::job::JobId;

pub use accept::{Accepted, Delivery, NewJob};
pub use aside::AfterFailure;
pub use error::Error;
pub use feed::Movement;
pub use finish::{Recorded, Report};
pub use read::{Filter, JobLine, Origin};
pub use transition::{Answer, Ending, Setback};

/// The file's name in the orchestrator's folder.
const FILE: &str = "journal.db";

/// The journal. Clones share it; the last one to go closes the file.
#[derive(Clone)]
pub struct Journal {
    writer: Arc<Writer>,
    reader: Reader,
    feed: Feed,
    /// Let go last, when the file is closed.
    _held: Option<Arc<Folder>>,
}

impl Journal {
    /// Opens the journal in `folder`, makes it if there is none, and brings its schema up to date. Blocks on the
    /// disk; the folder must be held by this process alone.
    ///
    /// # Errors
    /// When the file is newer than this release, foreign, damaged, or cannot be written.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let db = schema::open_writer(&path)?;
        let feed = Feed::default();
        let writer = Writer::start(db, feed.clone()).map_err(|_| Error::Closed)?;
        Ok(Self { writer: Arc::new(writer), reader: Reader::new(path), feed, _held: None })
    }

    /// Opens the journal in a locked folder and keeps the lock for as long as the journal is open.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn open_locked(folder: Folder) -> Result<Self, Error> {
        let journal = Self::open(folder.path())?;
        Ok(Self { _held: Some(Arc::new(folder)), ..journal })
    }

    /// Listens to a job's events from now on. Read them with [`Journal::events`] after this call and after
    /// every wake: then none is missed, and the sequence keeps any from coming twice.
    #[must_use]
    pub fn listen(&self, job: JobId) -> Movement {
        self.feed.listen(job)
    }

    /// Ends when nothing can be written any more, because the writing thread has ended. Cancel safe.
    pub async fn ended(&self) {
        self.writer.ended().await;
    }

    /// How many commits were made since the journal was opened. Operations that wait share one.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// Ends the writing thread as a fault in it would.
    #[cfg(test)]
    pub(crate) async fn kill_writer(&self) {
        let killed = self.write(|_| -> Result<(), Error> { panic!("on purpose") }).await;
        assert!(matches!(killed, Err(Error::Closed)));
    }

    /// Keeps every read waiting until what this returns is dropped.
    #[cfg(test)]
    pub(crate) async fn hold_reads(&self) -> tokio::sync::OwnedSemaphorePermit {
        self.reader.hold().await
    }

    async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.writer.write(work).await
    }

    async fn read<T, F>(&self, query: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    {
        self.reader.read(query).await
    }
}
