//! What is asked of a model, in a form in which everything has been checked.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::answer::ToolCall;

mod embed;
mod parse;
mod search;
#[cfg(test)]
mod tests;
mod tool;

pub use embed::{EmbedAsk, MAX_INPUTS};
pub use parse::{Hints, MAX_MESSAGES, Violation};
pub(crate) use parse::{is_task, model_name};
pub use search::{ContextSize, Recency, Search, SearchMode};
pub(crate) use tool::schema_of_arguments;
pub use tool::{MAX_TOOLS, Tool, ToolChoice};

/// One question, for whole and streamed answers alike. The default asks nothing yet and wishes for nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// Which model; `None` for the one that the settings name.
    pub model: Option<String>,
    /// The conversation, oldest first; at least one turn.
    pub turns: Vec<Turn>,
    /// What it is for.
    pub hints: Hints,
    /// 0 to 2; `None` for the provider's default.
    pub temperature: Option<f64>,
    /// 0 to 1: the share of the likeliest tokens that are drawn from; `None` for the provider's default.
    pub top_p: Option<f64>,
    /// Tokens of the answer at most, from 1; `None` for the provider's default.
    pub max_tokens: Option<u32>,
    /// Texts before which the answer ends.
    pub stop: Vec<String>,
    /// Asks for the same answer to the same question, where the provider can.
    pub seed: Option<i64>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Which of them it must call; `None` for the provider's default.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once; `None` for the provider's default.
    pub parallel_tool_calls: Option<bool>,
    /// The shape of the answer.
    pub format: Format,
    /// How to search, for providers that do.
    pub search: Option<Search>,
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
    /// What was said, or what the tool returned; empty only from a tool or beside calls.
    pub content: String,
    /// The calls that an assistant's turn asked for.
    pub calls: Vec<ToolCall>,
    /// Which call of an earlier turn a tool's turn answers, by its id.
    pub call_id: Option<String>,
}

/// The shape of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// Free text.
    #[default]
    Text,
    /// Any JSON object.
    Json,
    /// JSON that is asked to fit a schema.
    Schema {
        /// What the schema describes: a word of letters, digits, `_` and `-`.
        name: String,
        /// The JSON schema.
        schema: Map<String, Value>,
        /// Whether the provider must hold the model to it, which not every schema allows.
        strict: bool,
    },
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
    /// A tool that the model asked to be called.
    Tool,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Language {
    /// Arabic, `ar`.
    Arabic,
    /// English, `en`.
    #[default]
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

// === impl Ask ===

impl Ask {
    /// The same question, for an answer of so many tokens at most.
    #[must_use]
    pub fn bounded(&self, max_tokens: u32) -> Ask {
        Ask { max_tokens: Some(max_tokens), ..self.clone() }
    }
}

// === impl UnknownWord ===

impl UnknownWord {
    fn new(expected: &'static str, found: &str) -> Self {
        Self { expected, found: found.chars().take(40).collect() }
    }
}

// === impl Turn ===

impl Turn {
    /// A turn of text alone.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), calls: Vec::new(), call_id: None }
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
            Role::Tool => "tool",
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
            "tool" => Ok(Role::Tool),
            other => Err(UnknownWord::new("system, user, assistant or tool", other)),
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
