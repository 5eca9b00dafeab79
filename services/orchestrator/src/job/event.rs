//! What happened in a job, as its watchers see it.

use serde_json::{Map, Value};

/// One thing that happened in a job; kept in the journal in the order of `sequence`.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEvent {
    /// Counts from 1 within the job, without gaps.
    pub sequence: u64,
    /// `job.queued`, `step.started`, `decision.made`, ...
    pub kind: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// The agent, for step events; empty otherwise.
    pub agent_id: String,
    /// What happened, as a sentence.
    pub message: String,
    /// Further fields.
    pub data: Map<String, Value>,
}
