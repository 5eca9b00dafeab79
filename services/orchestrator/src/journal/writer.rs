//! The one thread that writes: it takes all operations that wait, runs each in a savepoint, and commits them
//! together. So the cost of a durable step is one share of an fsync, and an answer always follows its commit.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    error::{Doing, Error},
    feed::Feed,
    tx::Tx,
};
use crate::job::JobId;

/// How many operations may wait. More callers wait for a place, which slows them to the disk's pace.
const QUEUE: usize = 1024;

/// How many operations share a commit at most, so that the first of them does not wait for ever.
const GROUP: usize = 256;

/// The way to the writing thread. Dropping it waits until what was queued is committed and the file is closed.
pub(super) struct Writer {
    /// `None` only while dropping.
    queue: Option<mpsc::Sender<Box<dyn Operation>>>,
    thread: Option<thread::JoinHandle<()>>,
    commits: Arc<AtomicU64>,
}

/// An operation on its way: run inside a group, answered after the group's commit.
trait Operation: Send {
    /// Runs in its savepoint. False: undo it.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;
    /// `group` is what became of the commit.
    fn answer(self: Box<Self>, group: &Result<(), Error>);
}

/// The events that were added: whose, and with which sequence.
pub(super) type News = Vec<(JobId, u64)>;

// === impl Writer ===

impl Writer {
    pub(super) fn start(db: Connection, feed: Feed) -> io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let desk = Desk { db, feed, commits: Arc::clone(&commits) };
        let thread = thread::Builder::new().name("journal".into()).spawn(move || desk.serve(waiting))?;
        Ok(Self { queue: Some(queue), thread: Some(thread), commits })
    }

    /// How many groups were committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Runs `work` in a transaction and answers once it is on the disk.
    ///
    /// Cancelled before it is queued, nothing happens; afterwards the operation goes on unheard.
    ///
    /// # Errors
    /// Those of `work`, and those of the commit. In both cases nothing of `work` is kept.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(Error::Closed)?;
        let pending = Pending { work: Some(work), outcome: None, reply };
        queue.send(Box::new(pending)).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
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

// === impl Desk ===

/// What the writing thread owns.
struct Desk {
    db: Connection,
    feed: Feed,
    commits: Arc<AtomicU64>,
}

impl Desk {
    fn serve(self, mut waiting: mpsc::Receiver<Box<dyn Operation>>) {
        let mut group = Vec::new();
        while let Some(first) = waiting.blocking_recv() {
            group.push(first);
            while group.len() < GROUP
                && let Ok(more) = waiting.try_recv()
            {
                group.push(more);
            }
            self.commit(&mut group);
        }
    }

    fn commit(&self, group: &mut Vec<Box<dyn Operation>>) {
        let mut news = News::new();
        let done = run(&self.db, group, &mut news);
        if done.is_ok() {
            self.commits.fetch_add(1, Ordering::Relaxed);
            news.iter().for_each(|(job, sequence)| self.feed.publish(*job, *sequence));
        } else if !self.db.is_autocommit() {
            // If this fails too, the next BEGIN says so.
            let _ = self.db.execute_batch("ROLLBACK");
        }
        group.drain(..).for_each(|operation| operation.answer(&done));
    }
}

fn run(db: &Connection, group: &mut [Box<dyn Operation>], news: &mut News) -> Result<(), Error> {
    db.execute_batch("BEGIN IMMEDIATE").doing("beginning to write")?;
    for operation in group {
        db.execute_batch("SAVEPOINT operation").doing("beginning an operation")?;
        let known = news.len();
        let keep = operation.run(&mut Tx::new(db, news));
        if db.is_autocommit() {
            // SQLite gave the whole transaction up, as it does when the disk is full.
            return Err(Error::Full);
        }
        if !keep {
            news.truncate(known);
            db.execute_batch("ROLLBACK TO operation").doing("undoing an operation")?;
        }
        db.execute_batch("RELEASE operation").doing("ending an operation")?;
    }
    db.execute_batch("COMMIT").doing("committing")
}

// === impl Pending ===

struct Pending<F, T> {
    work: Option<F>,
    outcome: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<F, T> Operation for Pending<F, T>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let outcome = self.work.take().map(|work| work(tx));
        let keep = matches!(outcome, Some(Ok(_)));
        self.outcome = outcome;
        keep
    }

    fn answer(self: Box<Self>, group: &Result<(), Error>) {
        let answer = match (self.outcome, group) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(commit)) => Err(commit.clone()),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(Error::Closed),
        };
        // The caller may have gone; the operation stands all the same.
        let _ = self.reply.send(answer);
    }
}
