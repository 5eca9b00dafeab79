//! State that tests may wait for.

use std::{
    fmt::Debug,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A value behind a lock that tells when it changed.
#[derive(Debug, Default)]
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changed: watch::Sender<()>,
}

// === impl Watched ===

impl<T> Watched<T> {
    pub(crate) fn read<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        read(&self.lock())
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.send_replace(());
        result
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Debug> Watched<T> {
    /// Waits until `done` says so. Cancel safe.
    ///
    /// # Panics
    /// After 10 s, showing the value.
    pub(crate) async fn until(&self, mut done: impl FnMut(&T) -> bool) {
        let mut changed = self.changed.subscribe();
        let wait = async {
            while !done(&self.lock()) {
                // The sender lives in `self`, so this only ends with a change.
                let _ = changed.changed().await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("what was awaited never came: {:#?}", self.lock());
        }
    }
}
