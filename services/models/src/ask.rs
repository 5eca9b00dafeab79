//! What is asked of a model, in a form in which everything has been checked.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

mod parse;
#[cfg(test)]
mod tests;

pub use parse::{Hints, MAX_MESSAGES, Violation};

/// One question, for whole and streamed answers alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Which model; `None` for the one that the settings name.
    pub model: Option<String>,
    /// The conversation, oldest first; at least one turn.
    pub turns: Vec<Turn>,
    /// What it is for.
    pub hints: Hints,
    /// 0 to 2; `None` for the provider's default.
    pub temperature: Option<f64>,
    /// Tokens of the answer at most, from 1; `None` for the provider's default.
    pub max_tokens: Option<u32>,
    /// The JSON schema that the answer must fit; `None` for free text.
    pub response_schema: Option<Map<String, Value>>,
    /// Sent upstream where the provider knows such keys. Fit to be an HTTP header's value.
    pub idempotency_key: Option<String>,
    /// For answers that the gateway words itself.
    pub language: Language,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// Who speaks in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The one who sets the rules.
    System,
    /// The one who asks.
    User,
    /// The model.
    Assistant,
}

/// How hard the work is, for the route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Complexity {
    /// A mistake is very dear.
    Critical,
    /// A mistake is dear.
    High,
    /// The usual.
    #[default]
    Medium,
    /// Anything will do.
    Low,
}

/// The languages that the gateway itself speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Arabic, `ar`.
    Arabic,
    /// English, `en`.
    English,
}

/// A word that is none of those that may stand in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {expected}, not {found:?}")]
pub struct UnknownWord {
    /// The words that may stand there.
    pub expected: &'static str,
    /// The word that stands there, cut to 40 characters.
    pub found: String,
}

// === impl UnknownWord ===

impl UnknownWord {
    fn new(expected: &'static str, found: &str) -> Self {
        Self { expected, found: found.chars().take(40).collect() }
    }
}

// === impl Role ===

impl Role {
    /// The role's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "system" => Ok(Role::System),
            "user" => Ok(Role::User),
            "assistant" => Ok(Role::Assistant),
            other => Err(UnknownWord::new("system, user or assistant", other)),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Complexity ===

impl FromStr for Complexity {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "critical" => Ok(Complexity::Critical),
            "high" => Ok(Complexity::High),
            "medium" => Ok(Complexity::Medium),
            "low" => Ok(Complexity::Low),
            other => Err(UnknownWord::new("critical, high, medium or low", other)),
        }
    }
}

// === impl Language ===

impl FromStr for Language {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "ar" => Ok(Language::Arabic),
            "en" => Ok(Language::English),
            other => Err(UnknownWord::new("ar or en", other)),
        }
    }
}
