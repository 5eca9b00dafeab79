//! The two scales of an answer: what the agent would do, and how much a finding matters.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What an agent would do about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// Let it in.
    Approve,
    /// Let it in once it was changed.
    RequestChanges,
    /// Keep it out.
    Block,
}

/// How much a finding matters, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A matter of taste or polish.
    Low,
    /// Should be changed.
    Medium,
    /// Must be changed.
    High,
    /// Must never be let in.
    Critical,
}

// === impl Opinion ===

impl Opinion {
    /// Every opinion.
    pub const ALL: [Self; 3] = [Self::Approve, Self::RequestChanges, Self::Block];

    /// The spelling in JSON, in the policy file and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::RequestChanges => "request_changes",
            Self::Block => "block",
        }
    }

    /// Reads the spelling as models vary it: case, `-` and spaces do not matter.
    pub(super) fn lenient(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|opinion| opinion.as_str() == folded(text))
    }
}

impl fmt::Display for Opinion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

// === impl Severity ===

impl Severity {
    /// Every severity, least first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The spelling in JSON, in the policy file and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Reads the spelling as models vary it: case does not matter.
    pub(super) fn lenient(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == folded(text))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

fn folded(text: &str) -> String {
    text.trim().to_ascii_lowercase().replace(['-', ' '], "_")
}
