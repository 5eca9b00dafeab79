//! What the policy weighs: how every step ended, what of the change was seen, the checks and the gates.

use serde_json::Value;

use crate::{
    answer::{Finding, Opinion, Review},
    change::{Change, Extent, Seen},
    ci::{self, Ci},
    job::{Job, Step, StepState},
};

/// Reason codes of steps whose agent was too late.
const LATE: [&str; 3] = ["DEADLINE_EXCEEDED", "STEP_TIMEOUT", "UPSTREAM_TIMEOUT"];
/// The reason code of a step whose answer did not fit the schema.
const UNFIT: &str = "UNPARSEABLE_ANSWER";

/// Everything that a decision rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// One per agent, in the order of the strategy.
    pub steps: Vec<StepFact>,
    /// How much of the change the agents were shown.
    pub change: Seen,
    /// What the checks say.
    pub ci: Ci,
    /// The gates that nobody has answered yet, by name.
    pub pending_gates: Vec<String>,
}

/// How one agent's step ended.
#[derive(Debug, Clone, PartialEq)]
pub struct StepFact {
    /// The agent.
    pub agent: String,
    /// Whether nothing is approved without it.
    pub required: bool,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a step ended. The texts are sentences without their full stop, and may be empty.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The agent answered in the schema.
    Reviewed(Review),
    /// The agent answered in prose, which says nothing that can be weighed.
    Answered,
    /// The agent did not answer.
    Failed(String),
    /// The agent was not asked.
    Skipped(String),
    /// The answer did not come in time.
    Late(String),
    /// The answer did not fit the schema.
    Unparseable(String),
}

// === impl Facts ===

impl Facts {
    /// The facts of a job whose steps have ended. A step that has not counts as failed.
    #[must_use]
    pub fn of(job: &Job, mut pending_gates: Vec<String>) -> Self {
        if job.payload.get("isDraft").is_some_and(|draft| !matches!(draft, Value::Null | Value::Bool(false)))
        {
            pending_gates.push("the pull request is a draft".to_owned());
        }
        let fact = |step: &Step| StepFact::of(step, job.strategy.requires(&step.agent_id));
        let change = match Change::from_payload(&job.payload) {
            Ok(change) => Seen::of(change.as_ref()),
            Err(invalid) => Seen { extent: Extent::Missing(invalid.to_string()), ..Seen::of(None) },
        };
        Self {
            steps: job.steps.iter().map(fact).collect(),
            change,
            ci: ci::from_payload(&job.payload),
            pending_gates,
        }
    }

    /// The steps without which nothing is approved.
    pub(super) fn required(&self) -> impl Iterator<Item = &StepFact> {
        self.steps.iter().filter(|step| step.required)
    }

    /// The steps that an approval could do without.
    pub(super) fn optional(&self) -> impl Iterator<Item = &StepFact> {
        self.steps.iter().filter(|step| !step.required)
    }

    /// Every finding with the agent that found it.
    pub(super) fn findings(&self) -> impl Iterator<Item = (&str, &Finding)> {
        self.steps.iter().flat_map(|step| {
            let findings = step.review().map_or(&[][..], |review| &review.findings);
            findings.iter().map(|finding| (step.agent.as_str(), finding))
        })
    }
}

// === impl StepFact ===

impl StepFact {
    /// How a step of a job ended.
    #[must_use]
    pub fn of(step: &Step, required: bool) -> Self {
        let error = step.error.trim_end_matches('.').to_owned();
        let outcome = match (step.state, &step.review) {
            (StepState::Succeeded, Some(review)) => Outcome::Reviewed(review.clone()),
            (StepState::Succeeded, None) => Outcome::Answered,
            (StepState::Skipped | StepState::Cancelled, _) => Outcome::Skipped(error),
            (StepState::Failed, _) if LATE.contains(&step.code.as_str()) => Outcome::Late(error),
            (StepState::Failed, _) if step.code == UNFIT => Outcome::Unparseable(error),
            (StepState::Failed, _) => Outcome::Failed(error),
            (StepState::Pending | StepState::Running, _) => Outcome::Failed("it has not ended".to_owned()),
        };
        Self { agent: step.agent_id.clone(), required, outcome }
    }

    /// The answer, if there is one that can be weighed.
    #[must_use]
    pub fn review(&self) -> Option<&Review> {
        match &self.outcome {
            Outcome::Reviewed(review) => Some(review),
            _ => None,
        }
    }

    /// What the agent did, as a sentence without its full stop.
    pub(super) fn told(&self) -> String {
        format!("{} {}", self.agent, self.outcome)
    }

    /// Why this step is no approval; `None` if it is one.
    pub(super) fn objection(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Reviewed(review) if review.decision == Opinion::Approve => None,
            Outcome::Reviewed(review) => Some(format!("{} says {}", self.agent, review.decision)),
            _ => Some(self.told()),
        }
    }
}

/// What happened, as it follows on the agent's name.
impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (what, why) = match self {
            Self::Reviewed(review) => {
                return write!(f, "says {}, score {}/10", review.decision, review.score);
            }
            Self::Answered => ("answered in prose, which is no review", ""),
            Self::Failed(why) => ("failed", why.as_str()),
            Self::Skipped(why) => ("was skipped", why.as_str()),
            Self::Late(why) => ("was too late", why.as_str()),
            Self::Unparseable(why) => ("gave an answer that does not fit the schema", why.as_str()),
        };
        f.write_str(what)?;
        if why.is_empty() { Ok(()) } else { write!(f, ": {}", super::evidence::line(why)) }
    }
}
