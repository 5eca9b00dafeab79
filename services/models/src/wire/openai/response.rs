//! The whole answer: one JSON document.

use serde::Deserialize;
use serde_json::Value;

use super::content::Content;
use super::refusal;
use super::search::{self, Annotation, Found};
use super::tools;
use crate::answer::{Answer, Finish, Usage};
use crate::failure::{Failure, Kind};
use crate::wire::not_json;
use crate::wire::reason::{self, CONTENT_FILTER, LENGTH, STOP, TOOL_CALLS};
use crate::wire::sources::Sources;

/// The words of some servers for how an answer ended, in those of the contract.
const REASONS: &[(&str, &str)] = &[
    ("", STOP),
    ("eos", STOP),
    ("end_turn", STOP),
    ("stop_sequence", STOP),
    ("max_tokens", LENGTH),
    ("model_length", LENGTH), // Mistral: the context is full
    ("function_call", TOOL_CALLS),
    ("tool_use", TOOL_CALLS),
];
/// How an answer ended that is none.
const ERROR: &str = "error";

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
    /// Perplexity's sources, with titles.
    #[serde(default)]
    search_results: Option<Vec<Found>>,
    /// Perplexity's sources, as addresses alone.
    #[serde(default)]
    citations: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<Content>,
    /// The model's own "no" to a question with a schema, which then has no content.
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<tools::Call>>,
    #[serde(default)]
    annotations: Option<Vec<Annotation>>,
}

/// What `usage` says; providers leave out what they do not count.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Tokens {
    #[serde(default)]
    prompt_tokens: Option<u32>,
    #[serde(default)]
    completion_tokens: Option<u32>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek's word for what was cached.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u32>,
    /// Perplexity's, which does not count them as tokens of the answer.
    #[serde(default)]
    reasoning_tokens: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u32>,
}

pub(super) fn answer(body: &[u8], citations: bool) -> Result<Answer, Failure> {
    let document: Document = serde_json::from_slice(body).map_err(|problem| not_json(body, &problem))?;
    if let Some(error) = document.error {
        return Err(refusal::in_success(&error));
    }
    if document.choices.len() > 1 {
        return Err(Failure::new(Kind::Malformed, "answered with several choices where one was asked for"));
    }
    let choice = document.choices.into_iter().next();
    let choice = choice.ok_or_else(|| Failure::new(Kind::Malformed, "answered without any choice"))?;
    let Message { content, refusal, tool_calls, annotations } = choice.message;
    let calls = tools::whole(tool_calls.unwrap_or_default());
    let mut sources = Sources::default();
    if citations {
        search::titled(&mut sources, document.search_results);
        search::annotated(&mut sources, annotations);
        search::bare(&mut sources, document.citations);
    }
    let finish = Finish {
        model: document.model.unwrap_or_default(),
        reason: reason(choice.finish_reason, refusal.is_some(), !calls.is_empty())?,
        usage: document.usage.map(Usage::from).unwrap_or_default(),
    };
    let output = content.map(Content::text).or(refusal).unwrap_or_default();
    Ok(Answer { output, calls, citations: sources.into_all(), finish })
}

/// How an answer ended, in the words of the contract.
///
/// # Errors
/// [`Kind::Transient`] if it ended because the server failed.
pub(super) fn reason(said: Option<String>, refused: bool, calls: bool) -> Result<String, Failure> {
    if refused {
        return Ok(CONTENT_FILTER.to_owned()); // the wire says "stop", but what it stopped is no answer
    }
    match reason::of(said.as_deref().unwrap_or_default(), REASONS) {
        ERROR => Err(Failure::new(Kind::Transient, "ended its answer with an error")),
        STOP if calls => Ok(TOOL_CALLS.to_owned()), // so some servers put it
        reason => Ok(reason.to_owned()),
    }
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let cached = tokens.prompt_tokens_details.and_then(|of| of.cached_tokens);
        let reasoning = tokens.completion_tokens_details.and_then(|of| of.reasoning_tokens);
        let beside = if reasoning.is_none() { tokens.reasoning_tokens.unwrap_or(0) } else { 0 };
        Usage {
            input_tokens: tokens.prompt_tokens.unwrap_or(0),
            output_tokens: tokens.completion_tokens.unwrap_or(0).saturating_add(beside),
            cached_tokens: cached.or(tokens.prompt_cache_hit_tokens).unwrap_or(0),
            reasoning_tokens: reasoning.unwrap_or(beside),
        }
    }
}
