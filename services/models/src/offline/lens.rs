//! Which rules speak: each kind of agent looks at a change through its own lens.

use serde::{Deserialize, Serialize};

/// The point of view of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lens {
    /// Secrets, dangerous calls, pipelines, infrastructure.
    Security,
    /// Correctness, tests, size, leftovers.
    Review,
    /// Licences, size, process, irreversible steps.
    Governance,
    /// Whether the change is whole and what it seems: lock files, binaries, modes, hidden characters.
    Integrity,
    /// All rules.
    Everything,
}

// === impl Lens ===

impl Lens {
    /// The lens for a task: `security_scan`, `code_review`, `governance_review`, `integrity_check`; everything
    /// for any other.
    pub fn of_task(task: &str) -> Self {
        match task {
            "security_scan" => Self::Security,
            "code_review" => Self::Review,
            "governance_review" => Self::Governance,
            "integrity_check" => Self::Integrity,
            _ => Self::Everything,
        }
    }

    /// Its name in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Security => "security",
            Self::Review => "code review",
            Self::Governance => "governance",
            Self::Integrity => "integrity",
            Self::Everything => "whole",
        }
    }

    /// True when something tagged with `lenses` concerns this lens.
    pub(crate) fn is_in(self, lenses: &[Self]) -> bool {
        match self {
            Self::Everything => !lenses.is_empty(),
            one => lenses.contains(&one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_chooses_the_lens_and_unknown_tasks_see_everything() {
        let lenses =
            ["security_scan", "code_review", "governance_review", "integrity_check", "chat_response", ""]
                .map(Lens::of_task);
        let expected = [Lens::Security, Lens::Review, Lens::Governance, Lens::Integrity];
        assert_eq!(lenses[..4], expected);
        assert_eq!(lenses[4..], [Lens::Everything; 2]);
    }
}
