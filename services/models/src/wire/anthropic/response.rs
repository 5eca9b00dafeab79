//! The whole answer: one message of blocks.

use serde::Deserialize;
use serde_json::Value;

use super::refusal;
use crate::answer::{Answer, Finish, ToolCall, Usage};
use crate::failure::{Failure, Kind};
use crate::wire::not_json;
use crate::wire::reason::{self, CONTENT_FILTER, LENGTH, STOP, TOOL_CALLS};
use crate::wire::sources::Sources;

/// How an answer ended, in the words of the contract.
const REASONS: &[(&str, &str)] = &[
    ("", STOP),
    ("end_turn", STOP),
    ("stop_sequence", STOP),
    ("max_tokens", LENGTH),
    ("model_context_window_exceeded", LENGTH),
    ("tool_use", TOOL_CALLS),
    ("refusal", CONTENT_FILTER),
];

/// A message, whole or as a stream begins it.
#[derive(Deserialize)]
pub(super) struct Message {
    #[serde(default)]
    pub(super) model: Option<String>,
    #[serde(default)]
    content: Option<Vec<Block>>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    pub(super) usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
}

/// A part of a message; those that nobody asked for here, such as thoughts, are left out.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block {
    Text {
        text: String,
        #[serde(default)]
        citations: Option<Vec<Source>>,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
}

/// A place that a text refers to; only pages have an address.
#[derive(Deserialize)]
pub(super) struct Source {
    #[serde(default)]
    url: Option<String>,
    /// The address of a search result that the caller gave.
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    title: Option<String>,
}

/// What `usage` says. A stream says it twice, the second time only what has changed.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Tokens {
    #[serde(default)]
    input_tokens: Option<u32>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u32>,
    #[serde(default)]
    cache_read_input_tokens: Option<u32>,
    #[serde(default)]
    output_tokens: Option<u32>,
}

pub(super) fn answer(body: &[u8], citations: bool) -> Result<Answer, Failure> {
    let message: Message = serde_json::from_slice(body).map_err(|problem| not_json(body, &problem))?;
    if let Some(error) = message.error {
        return Err(refusal::in_success(&error));
    }
    let blocks = message.content.ok_or_else(|| Failure::new(Kind::Malformed, "answered without content"))?;
    let (mut output, mut calls, mut sources) = (String::new(), Vec::new(), Sources::default());
    for block in blocks {
        match block {
            Block::Text { text, citations: named } => {
                output.push_str(&text);
                named
                    .into_iter()
                    .flatten()
                    .filter(|_| citations)
                    .for_each(|source| source.note(&mut sources));
            }
            Block::ToolUse { id, name, input } => {
                calls.push(ToolCall { id, name, arguments: input.to_string() })
            }
            Block::Other => {}
        }
    }
    let finish = Finish {
        model: message.model.unwrap_or_default(),
        reason: reason(message.stop_reason.as_deref()),
        usage: message.usage.unwrap_or_default().into(),
    };
    Ok(Answer { output, calls, citations: sources.into_all(), finish })
}

/// How an answer ended, in the words of the contract.
pub(super) fn reason(said: Option<&str>) -> String {
    reason::of(said.unwrap_or_default(), REASONS).to_owned()
}

// === impl Source ===

impl Source {
    pub(super) fn note(self, sources: &mut Sources) {
        let page = self.source.filter(|source| source.contains("://"));
        sources.note(self.url.or(page), self.title);
    }
}

// === impl Tokens ===

impl Tokens {
    /// These, and the earlier ones where these say nothing.
    pub(super) fn over(self, earlier: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.or(earlier.input_tokens),
            cache_creation_input_tokens: self
                .cache_creation_input_tokens
                .or(earlier.cache_creation_input_tokens),
            cache_read_input_tokens: self.cache_read_input_tokens.or(earlier.cache_read_input_tokens),
            output_tokens: self.output_tokens.or(earlier.output_tokens),
        }
    }
}

/// The wire counts what was read from the cache, and what was written to it, beside the input.
impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let cached = tokens.cache_read_input_tokens.unwrap_or(0);
        let written = tokens.cache_creation_input_tokens.unwrap_or(0);
        let rest = tokens.input_tokens.unwrap_or(0);
        Usage {
            input_tokens: rest.saturating_add(written).saturating_add(cached),
            output_tokens: tokens.output_tokens.unwrap_or(0),
            cached_tokens: cached,
            reasoning_tokens: 0, // counted, but not apart
        }
    }
}
