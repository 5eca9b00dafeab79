//! What is done about which event: `agents/events.yaml`, read and checked.

mod agents;
mod file;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use agents::KnownAgents;
pub(crate) use agents::{AgentId, AgentList};

/// The strategy for events that no other names.
pub const DEFAULT: &str = "default";
/// The longest name of an event, in characters.
pub const LONGEST_EVENT: usize = 100;

/// The strategies of one version of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strategies {
    /// In the order of the file.
    all: Vec<Strategy>,
    /// What answers any other event; also in `all`.
    default: Strategy,
    version: String,
}

/// What is done about an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    /// The event it answers, or `default`.
    pub event: String,
    /// For people.
    pub description: String,
    /// The context that the registry must allow its agents.
    pub context: String,
    /// How the steps follow one another.
    pub execution: Execution,
    /// Who takes part, in the order of the steps; at least one, each once.
    pub agents: Vec<String>,
    /// Those of `agents` without whose success nothing is approved.
    pub required: Vec<String>,
    /// Seconds for the whole job, 1 to 86,400.
    pub deadline_seconds: u32,
    /// What holds for every step.
    pub step: StepRules,
}

/// How the steps of a job follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// All at once.
    Parallel,
    /// One after another, in the order of the strategy.
    Sequential,
}

/// What holds for every step of a strategy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRules {
    /// Seconds for one attempt, 1 to 3,600.
    pub timeout_seconds: u32,
    /// How often a step is begun at most, 1 to 10.
    pub max_attempts: u32,
    /// What becomes of the steps after one that failed.
    pub on_failure: OnFailure,
}

/// What becomes of the steps after one that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// They are skipped.
    Stop,
    /// They run all the same.
    Continue,
}

/// Whether a text can name an event: 1 to [`LONGEST_EVENT`] characters of a-z, 0-9, `_`, `-` and `.`.
#[must_use]
pub fn is_event_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
    (1..=LONGEST_EVENT).contains(&text.len()) && text.bytes().all(allowed)
}

// === impl Strategies ===

impl Strategies {
    /// The strategy for an event; the default one if none names it.
    #[must_use]
    pub fn for_event(&self, event: &str) -> &Strategy {
        self.all.iter().find(|strategy| strategy.event == event).unwrap_or(&self.default)
    }

    /// Every strategy, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Strategy> {
        self.all.iter()
    }

    /// Identifies the text that this was read from: 12 hexadecimal digits.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }
}

// === impl Strategy ===

impl Strategy {
    /// Whether nothing is approved without this agent.
    #[must_use]
    pub fn requires(&self, agent: &str) -> bool {
        self.required.iter().any(|required| required == agent)
    }
}

// === impl Execution ===

impl Execution {
    /// The spelling in the file and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parallel => "parallel",
            Self::Sequential => "sequential",
        }
    }
}

// === impl OnFailure ===

impl OnFailure {
    /// The spelling in the file and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Continue => "continue",
        }
    }
}

// === impl StepRules ===

impl Default for StepRules {
    /// 120 s, two attempts, and the others go on.
    fn default() -> Self {
        Self { timeout_seconds: 120, max_attempts: 2, on_failure: OnFailure::Continue }
    }
}
