//! What a reviewing agent answers, and how that is read from a model's text.
//!
//! ```text
//! text --extract--> one JSON object --read--> Review
//!                                       └──> Unfit: asked for once more, with what was wrong
//! ```
//! A review is advice: it is a fact that the policy weighs, and never a decision.

mod extract;
mod opinion;
mod read;
mod readable;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use opinion::{Opinion, Severity};
pub use read::read;
pub use readable::readable;

/// The highest score; the lowest is 0.
pub const MAX_SCORE: f64 = 10.0;
/// An answer with more findings than this is refused: cutting the list could drop the one that matters.
pub const MAX_FINDINGS: usize = 500;
/// The longest summary, message and suggestion, in characters; what is longer is cut.
pub const MAX_TEXT: usize = 4_000;
/// The longest path, in characters; what is longer is cut.
pub const MAX_PATH: usize = 1_024;

/// An agent's answer about a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// What the agent would do.
    pub decision: Opinion,
    /// How good the change is, from 0 to 10.
    pub score: f64,
    /// The answer in a few sentences, at most [`MAX_TEXT`] characters.
    pub summary: String,
    /// What was found, in the agent's order.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// One thing that an agent found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// The path of the file after the change; empty when it is about the change as a whole.
    #[serde(default)]
    pub file: String,
    /// The line in the new version of the file, from 1; `None` when it is about the whole file.
    #[serde(default)]
    pub line: Option<u32>,
    /// What is wrong.
    pub message: String,
    /// What would be right; empty when the agent does not know.
    #[serde(default)]
    pub suggestion: String,
}

/// Why a text is no answer by the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Unfit {
    /// Everything that is wrong, at least one.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, e.g. `findings[2].line`; empty for the answer as a whole.
    pub path: String,
    /// What, following on the path: "must be a number from 0 to 10, not \"high\"".
    pub message: String,
}

/// The JSON schema of an answer, in the subset that providers take in their strict modes: every property is
/// required, and none may be added.
#[must_use]
pub fn schema() -> Value {
    let text = |what: &str| json!({ "type": "string", "description": what });
    let finding = json!({
        "severity": { "type": "string", "enum": Severity::ALL.map(Severity::as_str) },
        "file": text("Path of the file as the diff names it, without a/ or b/; empty for the change as a whole."),
        "line": { "type": ["integer", "null"], "minimum": 1, "description": "Line in the new version of the file." },
        "message": text("What is wrong and why it matters."),
        "suggestion": text("What to do instead; may be empty."),
    });
    let review = json!({
        "decision": { "type": "string", "enum": Opinion::ALL.map(Opinion::as_str) },
        "score": { "type": "number", "minimum": 0, "maximum": MAX_SCORE, "description": "10 is a flawless change." },
        "summary": text("The answer in a few sentences."),
        "findings": { "type": "array", "maxItems": MAX_FINDINGS, "items": object(finding) },
    });
    object(review)
}

/// What to ask after an unfit answer.
#[must_use]
pub fn repair_request(unfit: &Unfit, schema: &Value) -> String {
    format!(
        "Your last answer could not be used: {unfit}.\n\
         Answer again with the same judgement: exactly one JSON object that fits this JSON schema, and nothing \
         before or after it.\n{schema}"
    )
}

fn object(properties: Value) -> Value {
    let required: Vec<_> = properties.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

// === impl Unfit ===

impl Unfit {
    /// Something wrong with the answer as a whole.
    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self { problems: vec![Problem { path: String::new(), message: message.into() }] }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        for (index, problem) in self.problems.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "the answer" } else { &self.path };
        write!(f, "{path} {}", self.message)
    }
}
