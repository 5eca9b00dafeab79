//! The jobs that wait for a place, first come, first served. The journal has them too: this is only their order.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::job::JobId;

/// Ids of queued jobs.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<JobId>>,
    more: Notify,
}

impl Queue {
    pub(super) fn push(&self, job: JobId) {
        self.lock().push_back(job);
        self.more.notify_one();
    }

    /// Takes the next job, once there is one. Cancel safe: a job is taken only by the call that returns it.
    pub(super) async fn pop(&self) -> JobId {
        loop {
            let more = self.more.notified();
            if let Some(job) = self.lock().pop_front() {
                return job;
            }
            more.await;
        }
    }

    /// How many jobs are ahead of this one; `None` when it does not wait here.
    pub(super) fn ahead_of(&self, job: JobId) -> Option<usize> {
        self.lock().iter().position(|waiting| *waiting == job)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<JobId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_leave_in_the_order_they_came() {
        let queue = Queue::default();
        let jobs = [JobId::new(), JobId::new(), JobId::new()];
        jobs.iter().for_each(|job| queue.push(*job));
        assert_eq!(queue.ahead_of(jobs[2]), Some(2));
        for job in jobs {
            assert_eq!(queue.pop().await, job);
        }
        assert_eq!(queue.ahead_of(jobs[2]), None);
    }

    #[tokio::test]
    async fn a_job_that_comes_while_somebody_waits_is_taken_at_once() {
        let queue = Queue::default();
        let job = JobId::new();
        let (taken, ()) = tokio::join!(queue.pop(), async { queue.push(job) });
        assert_eq!(taken, job);
    }
}
