//! The whole answer: one JSON document.

use serde::Deserialize;

use super::refusal::{self, ErrorBody};
use super::tools;
use crate::answer::{Answer, Finish, Usage};
use crate::failure::{Failure, Kind};
use crate::wire::not_json;

/// How an answer ended when the provider does not say.
const STOP: &str = "stop";
/// How an answer ended that the model refused to give.
pub(super) const CONTENT_FILTER: &str = "content_filter";

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<ErrorBody>,
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
    content: Option<String>,
    /// The model's own "no" to a question with a schema, which then has no content.
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<tools::Call>>,
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

pub(super) fn answer(body: &[u8]) -> Result<Answer, Failure> {
    let document: Document = serde_json::from_slice(body).map_err(|problem| not_json(body, &problem))?;
    if let Some(error) = document.error {
        return Err(refusal::in_success(&error));
    }
    if document.choices.len() > 1 {
        return Err(Failure::new(Kind::Malformed, "answered with several choices where one was asked for"));
    }
    let choice = document.choices.into_iter().next();
    let choice = choice.ok_or_else(|| Failure::new(Kind::Malformed, "answered without any choice"))?;
    let finish = Finish {
        model: document.model.unwrap_or_default(),
        reason: reason(choice.finish_reason, choice.message.refusal.is_some()),
        usage: document.usage.map(Usage::from).unwrap_or_default(),
    };
    let output = choice.message.content.or(choice.message.refusal).unwrap_or_default();
    Ok(Answer {
        output,
        calls: tools::whole(choice.message.tool_calls.unwrap_or_default()),
        citations: Vec::new(),
        finish,
    })
}

/// How an answer ended, in the words of the contract.
pub(super) fn reason(said: Option<String>, refused: bool) -> String {
    if refused {
        return CONTENT_FILTER.to_owned(); // the wire says "stop", but what it stopped is no answer
    }
    said.filter(|reason| !reason.is_empty()).unwrap_or_else(|| STOP.to_owned())
}

impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        Usage {
            input_tokens: tokens.prompt_tokens.unwrap_or(0),
            output_tokens: tokens.completion_tokens.unwrap_or(0),
            cached_tokens: tokens.prompt_tokens_details.and_then(|of| of.cached_tokens).unwrap_or(0),
            reasoning_tokens: tokens
                .completion_tokens_details
                .and_then(|of| of.reasoning_tokens)
                .unwrap_or(0),
        }
    }
}
