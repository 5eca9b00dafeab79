//! The end of a process: who runs, who is told to stop, and how long they may take.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::{error, info, warn};

/// Keeps the tasks of a process. Clones share them.
///
/// A task that fails or panics drains the whole process: a mesh that lost a part silently is worse than one
/// that restarts. Draining always ends after the grace period, because a quiet HTTP/2 peer can hold a graceful
/// shutdown open for ever.
#[derive(Clone, Debug)]
pub struct Drain {
    stop: CancellationToken,
    tasks: TaskTracker,
    grace: Duration,
    failure: Arc<Mutex<Option<anyhow::Error>>>,
}

impl Drain {
    /// A drain that waits at most `grace` for its tasks (10 s in the product).
    pub fn new(grace: Duration) -> Drain {
        Drain { stop: CancellationToken::new(), tasks: TaskTracker::new(), grace, failure: Arc::default() }
    }

    /// Cancelled as draining begins.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Something that the end waits for as long as it is kept: work that is in no task of its own.
    pub(crate) fn staying(&self) -> TaskTrackerToken {
        self.tasks.token()
    }

    /// Begins to drain.
    pub fn begin(&self) {
        self.stop.cancel();
    }

    /// Runs a task for the life of the process. `task` gets the token that says when to stop; it may end before
    /// that with `Ok`.
    pub fn spawn<F, T>(&self, name: &'static str, task: F)
    where
        F: FnOnce(CancellationToken) -> T,
        T: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let running = tokio::spawn(task(self.stopping()));
        let drain = self.clone();
        self.tasks.spawn(async move {
            match running.await {
                Ok(Ok(())) => {}
                Ok(Err(err)) => drain.fail(err.context(format!("the task \"{name}\" failed"))),
                Err(err) if err.is_panic() => drain.fail(anyhow::anyhow!("the task \"{name}\" panicked")),
                Err(_) => {}
            }
        });
    }

    /// Waits for `signal` or for a task that fails, then drains.
    ///
    /// # Errors
    /// The first failure of a task.
    pub async fn run_until(&self, signal: impl Future<Output = &'static str>) -> anyhow::Result<()> {
        tokio::select! {
            name = signal => info!(signal = name, "draining"),
            () = self.stop.cancelled() => {}
        }
        self.finish().await
    }

    /// Tells every task to stop and waits for them, at most the grace period.
    ///
    /// # Errors
    /// The first failure of a task.
    pub async fn finish(&self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.grace, self.tasks.wait()).await.is_err() {
            warn!(grace = ?self.grace, left = self.tasks.len(), "tasks still run after the grace period");
        }
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
    }

    fn fail(&self, err: anyhow::Error) {
        error!(error = format!("{err:#}"), "draining because a part of the process ended");
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(err);
        self.stop.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ignores_the_stop_is_left_behind_after_the_grace_period() {
        let drain = Drain::new(Duration::from_secs(10));
        drain.spawn("stubborn", |_| std::future::pending());
        let began = tokio::time::Instant::now();
        drain.run_until(async { "SIGTERM" }).await.unwrap();
        assert_eq!(began.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_failed_task_stops_the_others_and_is_reported() {
        let drain = Drain::new(Duration::from_secs(10));
        drain.spawn("patient", |stop| async move {
            stop.cancelled().await;
            Ok(())
        });
        drain.spawn("broken", |_| async { anyhow::bail!("the disk is gone") });
        let err = drain.run_until(std::future::pending()).await.unwrap_err();
        assert_eq!(format!("{err:#}"), "the task \"broken\" failed: the disk is gone");
    }

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let drain = Drain::new(Duration::from_secs(10));
        drain.spawn("panicking", |_| async { panic!("on purpose") });
        let err = drain.run_until(std::future::pending()).await.unwrap_err();
        assert_eq!(err.to_string(), "the task \"panicking\" panicked");
    }
}
