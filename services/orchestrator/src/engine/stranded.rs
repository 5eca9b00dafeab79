//! Jobs that are open in the journal although nobody works on them, until the next start.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::job::JobId;

/// Why nobody works on which job.
#[derive(Default)]
pub(super) struct Stranded(Mutex<HashMap<JobId, String>>);

impl Stranded {
    pub(super) fn insert(&self, job: JobId, reason: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job, reason);
    }

    /// Why nobody works on a job; `None` when somebody does.
    pub(super) fn reason(&self, job: JobId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&job).cloned()
    }
}
