//! Tells watchers of a job that it moved. What happened is in the journal; this only says that there is more.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::job::JobId;

/// The watched jobs, each with the sequence of its last committed event. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Feed {
    jobs: Arc<Mutex<HashMap<JobId, watch::Sender<u64>>>>,
}

/// A watcher's ear on one job. Dropping it ends the subscription.
pub struct Movement {
    job: JobId,
    feed: Feed,
    /// `None` only while dropping.
    last: Option<watch::Receiver<u64>>,
}

// === impl Feed ===

impl Feed {
    /// Listens from now on; read the journal after this call, so that nothing falls between.
    pub(super) fn listen(&self, job: JobId) -> Movement {
        let last = self.lock().entry(job).or_insert_with(|| watch::Sender::new(0)).subscribe();
        Movement { job, feed: self.clone(), last: Some(last) }
    }

    /// Called once the events up to `sequence` are committed.
    pub(super) fn publish(&self, job: JobId, sequence: u64) {
        if let Some(watchers) = self.lock().get(&job) {
            watchers.send_replace(sequence);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, watch::Sender<u64>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Movement ===

impl Movement {
    /// Waits until events were committed that were not there at the last call. Cancel safe.
    pub async fn next(&mut self) {
        let Some(last) = &mut self.last else { return };
        // The sender lives in the feed as long as this receiver does.
        let _ = last.changed().await;
    }
}

impl Drop for Movement {
    fn drop(&mut self) {
        self.last = None;
        let mut jobs = self.feed.lock();
        if let Entry::Occupied(watchers) = jobs.entry(self.job)
            && watchers.get().receiver_count() == 0
        {
            watchers.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_commit_between_listening_and_waiting_is_not_missed() {
        let feed = Feed::default();
        let job = JobId::new();
        let mut movement = feed.listen(job);
        feed.publish(job, 1);
        movement.next().await;
    }

    #[test]
    fn a_job_that_nobody_watches_takes_no_room() {
        let feed = Feed::default();
        let job = JobId::new();
        let (first, second) = (feed.listen(job), feed.listen(job));
        drop(first);
        assert_eq!(feed.lock().len(), 1);
        drop(second);
        assert!(feed.lock().is_empty());
        feed.publish(job, 7);
        assert!(feed.lock().is_empty());
    }
}
