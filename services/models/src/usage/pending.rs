//! What is not on disk yet: sums in memory, taken by the one thread that writes them.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Key, Record, Sums};
use crate::budget::Window;

/// Sums kept in memory while the disk fails; beyond that, numbers of new rows are lost, and that is told.
const MOST: usize = 65_536;

/// What is not on disk yet, and who waits for it to be.
#[derive(Debug, Default)]
pub(super) struct Pending {
    state: Mutex<State>,
    news: Condvar,
}

/// The sums of each minute and key.
pub(super) type Rows = HashMap<(i64, Key), Sums>;

#[derive(Debug, Default)]
struct State {
    rows: Rows,
    waiting: Vec<oneshot::Sender<()>>,
    lost: u64,
    closed: bool,
    /// The writer waits for something to do. While it works or rests, waking it would only cost the caller time.
    asleep: bool,
}

/// What the writer has to do.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) rows: Rows,
    /// Whom to tell once the rows are on disk.
    pub(super) waiting: Vec<oneshot::Sender<()>>,
    /// Calls whose numbers are lost since the last time.
    pub(super) lost: u64,
}

// === impl Pending ===

impl Pending {
    pub(super) fn add(&self, record: Record) {
        let mut state = self.lock();
        state.merge((Window::Minute.began(record.at), record.key), record.sums);
        let is_asleep = std::mem::take(&mut state.asleep);
        drop(state);
        if is_asleep {
            self.news.notify_one();
        }
    }

    /// Puts back what could not be written.
    pub(super) fn put_back(&self, rows: Rows) {
        let mut state = self.lock();
        rows.into_iter().for_each(|(key, sums)| state.merge(key, sums));
    }

    /// Is told when everything that was added before is on disk, or could not be written.
    pub(super) fn written(&self) -> oneshot::Receiver<()> {
        let (told, written) = oneshot::channel();
        let mut state = self.lock();
        if !state.closed {
            state.waiting.push(told);
        }
        drop(state);
        self.news.notify_one();
        written
    }

    /// Waits for something to do; `None` when nothing will come any more.
    pub(super) fn take(&self) -> Option<Work> {
        let idle = |state: &mut State| {
            state.asleep = state.rows.is_empty() && state.waiting.is_empty() && !state.closed;
            state.asleep
        };
        let state = self.news.wait_while(self.lock(), idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        if state.rows.is_empty() && state.waiting.is_empty() {
            return None;
        }
        let State { rows, waiting, lost, .. } = &mut *state;
        Some(Work {
            rows: std::mem::take(rows),
            waiting: std::mem::take(waiting),
            lost: std::mem::take(lost),
        })
    }

    /// Rests, unless somebody waits or the end comes.
    pub(super) fn rest(&self, pause: Duration) {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
        drop(self.news.wait_timeout_while(self.lock(), pause, idle));
    }

    /// Nothing will be added any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn merge(&mut self, key: (i64, Key), sums: Sums) {
        if self.rows.len() >= MOST && !self.rows.contains_key(&key) {
            self.lost += sums.requests;
            return;
        }
        let row = self.rows.entry(key).or_default();
        *row = row.plus(sums);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::thread;

    use super::*;

    fn record() -> Record {
        Record { at: 0, key: Key::default(), sums: Sums { requests: 1, ..Sums::default() } }
    }

    #[test]
    fn a_writer_that_sleeps_is_woken_by_the_first_record_and_one_that_rests_is_left_alone() {
        let pending = Arc::new(Pending::default());
        let (tell, took) = mpsc::channel();
        let theirs = Arc::clone(&pending);
        let writer = thread::spawn(move || tell.send(theirs.take().map(|work| work.rows.len())));
        while !pending.lock().asleep {
            thread::yield_now();
        }
        pending.add(record());
        assert_eq!(took.recv_timeout(Duration::from_secs(20)), Ok(Some(1)));
        writer.join().unwrap().unwrap();
        assert!(!pending.lock().asleep, "it is at work, and nobody is woken for the next");
        pending.add(record());
        assert_eq!(pending.take().map(|work| work.rows.len()), Some(1), "which it finds when it looks again");
    }
}
