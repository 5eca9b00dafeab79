//! The usage itself: numbers go in, sums come out.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bsm_runtime::degraded::Degraded;
use bsm_runtime::folder::Folder;
use bsm_runtime::sqlite;
use tokio::task::spawn_blocking;

use super::pending::Pending;
use super::writer::Writer;
use super::{Key, Listed, OpenError, Query, ReadError, Record, Sums, query, schema};
use crate::budget::{Account, Amount, Window};

/// The file's name in the folder.
pub(super) const FILE: &str = "usage.db";

/// The usage. Clones share it; the last one to go writes what is left and closes the file.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

/// What an account used in a window before this process was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Who.
    pub account: Account,
    /// In which window.
    pub window: Window,
    /// How much.
    pub amount: Amount,
}

#[derive(Debug)]
struct Inner {
    pending: Arc<Pending>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    path: PathBuf,
    /// Let go last, when the file is closed.
    _folder: Folder,
}

// === impl Store ===

impl Store {
    /// Opens the usage in `folder`, makes it if there is none. Rows go after `keep_days`; trouble with the disk is noted
    /// in `degraded`. Blocks on the disk.
    ///
    /// # Errors
    /// When the file is newer, foreign or damaged, or cannot be written.
    pub fn open(folder: Folder, keep_days: u32, degraded: Degraded) -> Result<Store, OpenError> {
        let path = folder.path().join(FILE);
        let db = schema::open_writer(&path)?;
        let pending = Arc::new(Pending::default());
        let writer = Writer { db, pending: Arc::clone(&pending), degraded, keep_days };
        let thread = thread::Builder::new().name("usage".into()).spawn(move || writer.serve());
        let thread = Mutex::new(Some(thread.map_err(OpenError::Thread)?));
        Ok(Store { inner: Arc::new(Inner { pending, thread, path, _folder: folder }) })
    }

    /// Adds what a call took. Never waits.
    pub fn add(&self, record: Record) {
        self.inner.pending.add(record);
    }

    /// Ends when everything that was added before is on disk, or could not be written.
    pub async fn written(&self) {
        let _ = self.inner.pending.written().await; // dropped by a thread that has ended: nothing to wait for
    }

    /// Sums, everything that was added before included.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn list(&self, query: Query) -> Result<Listed, ReadError> {
        self.written().await;
        let path = self.inner.path.clone();
        let listed = spawn_blocking(move || query.ask(&sqlite::open_to_read(&path)?)).await;
        listed.map_err(|_| ReadError::Closed)?.map_err(|err| ReadError::Database(Arc::new(err)))
    }

    /// What was used in the day and the minute of `now`. Blocks on the disk.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn used(&self, now: i64) -> Result<Vec<Used>, OpenError> {
        let read = || {
            let db = sqlite::open_to_read(&self.inner.path)?;
            let mut all = Vec::new();
            for window in Window::ALL {
                let rows = query::since(&db, window.began(now))?;
                all.extend(rows.into_iter().map(|(key, sums)| used(key, window, sums)));
            }
            Ok(all)
        };
        read().map_err(|source| OpenError::Unusable { path: self.inner.path.clone(), source })
    }
}

fn used(key: Key, window: Window, sums: Sums) -> Used {
    let named = |name: String| (!name.is_empty()).then_some(name);
    let account = Account { caller: key.caller, agent: named(key.agent), job: named(key.job) };
    let amount = Amount { requests: sums.requests, tokens: sums.tokens.total(), nanos: sums.nanos };
    Used { account, window, amount }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.pending.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic there was told by its thread.
        thread.into_iter().for_each(|thread| drop(thread.join()));
    }
}
