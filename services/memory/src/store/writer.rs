//! The one thread that writes: it takes all writes that wait, commits them together, tells the index, and answers.
//! So a durable write costs a share of an fsync, and what is answered is on the disk and found.

use std::{io, sync::Arc, thread};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use super::row::{self, Written};
use crate::{
    collections::Collections,
    error::{Doing, Error},
    likeness::Entry,
    record::{Collection, Record, Stored},
    words::WordSet,
};

/// How many writes may wait. More callers wait for a place, which slows them to the disk's pace.
const QUEUE: usize = 1024;

/// How many writes share a commit at most, so that the first of them does not wait for ever.
const GROUP: usize = 256;

/// The way to the writing thread. Dropping it waits until what was queued is committed and the file is closed.
#[derive(Debug)]
pub(super) struct Writer {
    /// None only while dropping.
    queue: Option<mpsc::Sender<Write>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// A write on its way.
#[derive(Debug)]
struct Write {
    collection: Collection,
    record: Record,
    words: WordSet,
    now: i64,
    answer: oneshot::Sender<Result<Stored, Error>>,
}

// === impl Writer ===

impl Writer {
    /// Starts the thread.
    pub(super) fn start(db: Connection, collections: Arc<Collections>) -> io::Result<Writer> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let thread = Thread { db, collections, failure: None };
        let thread = thread::Builder::new().name("memory".into()).spawn(move || thread.serve(waiting))?;
        Ok(Writer { queue: Some(queue), thread: Some(thread) })
    }

    /// Keeps a record and answers once it is on the disk and found.
    ///
    /// Cancelled before it is queued, nothing happens; afterwards the write goes on unheard.
    ///
    /// # Errors
    /// Those of the disk. Of a write that failed nothing is kept, except after [`Error::Failed`].
    pub(super) async fn write(
        &self,
        collection: Collection,
        record: Record,
        now: i64,
    ) -> Result<Stored, Error> {
        // Here and not in the thread, which would be everybody's bottleneck; a text is at most 64 KiB.
        let words = WordSet::of(&record.text);
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        let write = Write { collection, record, words, now, answer };
        queue.send(write).await.map_err(|_| Error::Closed)?;
        answered.await.map_err(|_| Error::Closed)?
    }

    /// Ends when the thread has ended.
    pub(super) async fn ended(&self) {
        if let Some(queue) = &self.queue {
            queue.closed().await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic there was answered with `Closed` to every caller.
            let _ = thread.join();
        }
    }
}

// === the thread ===

struct Thread {
    db: Connection,
    collections: Arc<Collections>,
    /// Set once a commit failed on the disk. What an fsync that failed leaves behind is unknown, and the next one
    /// would not tell, so nothing is written after it.
    failure: Option<Error>,
}

impl Thread {
    fn serve(mut self, mut waiting: mpsc::Receiver<Write>) {
        while let Some(first) = waiting.blocking_recv() {
            let group = gather(first, &mut waiting);
            match self.commit(&group) {
                Ok(written) => {
                    group.into_iter().zip(written).for_each(|(write, written)| self.finish(write, written));
                }
                Err(err) => group.into_iter().for_each(|write| answer(write.answer, Err(err.clone()))),
            }
        }
    }

    fn commit(&mut self, group: &[Write]) -> Result<Vec<Written>, Error> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let done = self.transact(group).map_err(Error::of_writing);
        if let Err(err) = &done {
            error!(error = err as &dyn std::error::Error, writes = group.len(), "writes were not kept");
            if !self.db.is_autocommit() {
                let _ = self.db.execute_batch("ROLLBACK"); // if this fails too, the next BEGIN says so
            }
            if matches!(err, Error::Failed(_)) {
                self.failure = Some(err.clone());
            }
        }
        done
    }

    fn transact(&self, group: &[Write]) -> Result<Vec<Written>, Error> {
        self.db.execute_batch("BEGIN IMMEDIATE").doing("beginning to write")?;
        let writes = group.iter().map(|w| row::write(&self.db, &w.collection, &w.record, w.now));
        let written = writes.collect::<rusqlite::Result<Vec<_>>>().doing("keeping a record")?;
        self.db.execute_batch("COMMIT").doing("committing")?;
        Ok(written)
    }

    /// The record is on the disk: makes it findable, then says so.
    fn finish(&self, write: Write, written: Written) {
        let Write { collection, record: Record { id, metadata, .. }, words, answer: caller, .. } = write;
        let Written { key, created_at } = written;
        let entry = Entry { key, id: id.as_str().into(), created_at, words, metadata };
        self.collections.begin(&collection).insert(entry);
        answer(caller, Ok(Stored { id, created_at }));
    }
}

/// The caller may have gone; the write stands all the same.
fn answer(caller: oneshot::Sender<Result<Stored, Error>>, outcome: Result<Stored, Error>) {
    let _ = caller.send(outcome);
}

/// The first of those that wait and all that wait behind it, up to [`GROUP`].
fn gather<T>(first: T, waiting: &mut mpsc::Receiver<T>) -> Vec<T> {
    let mut group = vec![first];
    while group.len() < GROUP
        && let Ok(more) = waiting.try_recv()
    {
        group.push(more);
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_wait_share_a_commit_up_to_a_bound() {
        let (queue, mut waiting) = mpsc::channel(QUEUE);
        for n in 1..=GROUP + 1 {
            queue.try_send(n).unwrap();
        }
        let group = gather(0, &mut waiting);
        assert_eq!(group, (0..GROUP).collect::<Vec<_>>());
        assert_eq!(gather(GROUP, &mut waiting), [GROUP, GROUP, GROUP + 1]);
    }

    #[test]
    fn nothing_is_written_after_the_disk_failed_once() {
        let fsync = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
        let failed = Error::of("committing", rusqlite::Error::SqliteFailure(fsync, None)).of_writing();
        assert!(matches!(failed, Error::Failed(_)), "{failed}");
        let db = Connection::open_in_memory().unwrap();
        let mut thread = Thread { db, collections: Arc::default(), failure: Some(failed) };
        assert!(matches!(thread.commit(&[]), Err(Error::Failed(_))));
        thread.failure = None;
        assert_eq!(thread.commit(&[]).unwrap().len(), 0, "the database itself would write");
    }
}
