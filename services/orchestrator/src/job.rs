//! What a job is: one run of a strategy on one event, made of steps, ended by a decision.
//!
//! ```text
//! job:  QUEUED ──► RUNNING ──► SUCCEEDED          a decision was reached, whatever it says
//!         │           ├──────► WAITING_APPROVAL   a person must answer first
//!         └───────────┴──────► FAILED, CANCELLED, SUPERSEDED
//! step: PENDING ──► RUNNING ──► SUCCEEDED, FAILED
//!          └──────────────────► SKIPPED, CANCELLED
//! ```
//! All times are milliseconds since 1970-01-01 UTC.

mod event;
mod id;
mod state;
mod subject;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{answer::Review, strategy::Strategy};

pub use event::JobEvent;
pub use id::{JobId, MalformedJobId};
pub use state::{Action, JobState, StepState, UnknownName};
pub use subject::Subject;

/// One run of a strategy on one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Sortable by time of creation.
    pub id: JobId,
    /// The event's name, e.g. `pull_request.opened`.
    pub event: String,
    /// Where the job stands.
    pub state: JobState,
    /// Where the event came from: api, github, ci, schedule, cli.
    pub source: String,
    /// What the job is about, for people: `owner/repo#12`, or empty.
    pub subject: String,
    /// The correlation id of the call that submitted the event.
    pub correlation_id: String,
    /// When the event was accepted.
    pub created_at: i64,
    /// When the job first ran.
    pub started_at: Option<i64>,
    /// When the job reached a final state.
    pub finished_at: Option<i64>,
    /// The strategy as it was when the job was accepted; a later edit of the file does not touch it.
    pub strategy: Strategy,
    /// The event's payload, a JSON object.
    pub payload: Value,
    /// Free fields about the caller, a JSON object.
    pub context: Value,
    /// One step per agent, in the order of the strategy.
    pub steps: Vec<Step>,
    /// The policy's verdict, once reached.
    pub decision: Option<Decision>,
    /// The report's name below the report folder, once written.
    pub report_file: Option<String>,
    /// What the agents could not be given, each a sentence.
    pub notes: Vec<String>,
}

/// One agent's part in a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The agent that does the step.
    pub agent_id: String,
    /// Where the step stands.
    pub state: StepState,
    /// How often it was begun.
    pub attempts: u32,
    /// When the last attempt began.
    pub started_at: Option<i64>,
    /// When the step reached a final state.
    pub finished_at: Option<i64>,
    /// The agent's answer; present when the step succeeded.
    pub review: Option<Review>,
    /// Why the step failed or was skipped, as a sentence; empty otherwise. While a step is pending or running
    /// again, the error of the attempt before.
    pub error: String,
    /// The reason code of `error`; empty otherwise.
    pub code: String,
    /// Who answered, and what it took; empty and 0 until somebody did.
    pub usage: Usage,
}

/// Who answered a step, and what it took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The provider, e.g. `openai` or `offline`.
    pub provider: String,
    /// The model as the provider names it.
    pub model: String,
    /// Tokens read, all attempts and the repair included.
    pub input_tokens: u32,
    /// Tokens written, all attempts and the repair included.
    pub output_tokens: u32,
}

/// The policy's verdict on a job, recorded exactly once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Names the decision outside, e.g. as the marker in a comment.
    pub id: String,
    /// What is to be done.
    pub action: Action,
    /// Why, as a sentence.
    pub reason: String,
    /// The policy rule that matched; `otherwise` when none did.
    pub rule: String,
    /// Whether the action may be carried out without a person.
    pub automated: bool,
    /// The facts it rests on.
    pub evidence: Vec<Evidence>,
    /// When it was recorded.
    pub decided_at: i64,
    /// Identifies the policy that decided.
    pub policy_version: String,
}

/// One fact that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What kind of fact: step, finding, change, ci, gate.
    pub kind: String,
    /// The agent, file or check it is about.
    pub subject: String,
    /// The fact as a sentence.
    pub detail: String,
}

// === impl Step ===

impl Step {
    /// A step that nobody has begun.
    #[must_use]
    pub fn pending(agent_id: impl Into<String>) -> Self {
        Self {
            agent_id: agent_id.into(),
            state: StepState::Pending,
            attempts: 0,
            started_at: None,
            finished_at: None,
            review: None,
            error: String::new(),
            code: String::new(),
            usage: Usage::default(),
        }
    }
}

// === impl Job ===

impl Job {
    /// The step of an agent.
    #[must_use]
    pub fn step(&self, agent_id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.agent_id == agent_id)
    }
}
