//! The whole answer: one JSON document.

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
    ("COMPLETE", STOP),
    ("STOP_SEQUENCE", STOP),
    ("MAX_TOKENS", LENGTH),
    ("ERROR_LIMIT", LENGTH),
    ("TOOL_CALL", TOOL_CALLS),
    ("ERROR_TOXIC", CONTENT_FILTER),
];
/// Ends that leave no answer, and are no fault of the question.
const BROKEN: [&str; 2] = ["ERROR", "TIMEOUT"];

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    usage: Option<Tokens>,
}

/// A message, or the sentence of an error, which stands in the same place.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Error(String),
    Said(Said),
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<Vec<Part>>,
    #[serde(default)]
    tool_plan: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
    #[serde(default)]
    citations: Option<Vec<Place>>,
}

/// A part of the content; what the model thought has no text.
#[derive(Deserialize)]
pub(super) struct Part {
    #[serde(default)]
    pub(super) text: Option<String>,
}

/// A call, or the beginning of one.
#[derive(Default, Deserialize)]
pub(super) struct Call {
    #[serde(default)]
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) function: Function,
}

#[derive(Default, Deserialize)]
pub(super) struct Function {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) arguments: Option<String>,
}

/// A place in the text, and what it refers to.
#[derive(Deserialize)]
pub(super) struct Place {
    #[serde(default)]
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    #[serde(default)]
    document: Value,
}

/// What `usage` says: what was counted, else what is billed.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Tokens {
    #[serde(default)]
    tokens: Option<Counted>,
    #[serde(default)]
    billed_units: Option<Counted>,
    #[serde(default)]
    cached_tokens: Option<f64>,
}

/// The wire's numbers are floating ones.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Counted {
    #[serde(default)]
    input_tokens: Option<f64>,
    #[serde(default)]
    output_tokens: Option<f64>,
}

pub(super) fn answer(body: &[u8], citations: bool) -> Result<Answer, Failure> {
    let document: Document = serde_json::from_slice(body).map_err(|problem| not_json(body, &problem))?;
    let said = match document.message {
        Some(Message::Said(said)) => said,
        Some(Message::Error(message)) => return Err(refusal::in_success(&message)),
        None => return Err(Failure::new(Kind::Malformed, "answered without a message")),
    };
    let mut sources = Sources::default();
    if citations {
        said.citations.into_iter().flatten().for_each(|place| place.note(&mut sources));
    }
    let calls = said.tool_calls.unwrap_or_default().into_iter().map(|call| ToolCall {
        id: call.id.unwrap_or_default(),
        name: call.function.name.unwrap_or_default(),
        arguments: call.function.arguments.unwrap_or_default(),
    });
    let text = said.content.into_iter().flatten().filter_map(|part| part.text);
    let finish = Finish {
        model: String::new(),
        reason: reason(document.finish_reason.as_deref())?,
        usage: document.usage.map(Usage::from).unwrap_or_default(),
    };
    // What the model says beside calls stands apart.
    let output = said.tool_plan.into_iter().chain(text).collect();
    Ok(Answer { output, calls: calls.collect(), citations: sources.into_all(), finish })
}

/// How an answer ended, in the words of the contract.
///
/// # Errors
/// [`Kind::Transient`] if it ended because the provider failed.
pub(super) fn reason(said: Option<&str>) -> Result<String, Failure> {
    let said = said.unwrap_or_default();
    if BROKEN.contains(&said) {
        return Err(Failure::new(Kind::Transient, "ended its answer with an error"));
    }
    match reason::of(said, REASONS) {
        reason if reason == said => Ok(said.to_lowercase()),
        reason => Ok(reason.to_owned()),
    }
}

// === impl Place ===

impl Place {
    pub(super) fn note(self, sources: &mut Sources) {
        for Source { document } in self.sources {
            let text = |field: &str| document[field].as_str().map(str::to_owned);
            sources.note(text("url"), text("title"));
        }
    }
}

impl From<Tokens> for Usage {
    fn from(usage: Tokens) -> Self {
        let Tokens { tokens, billed_units, cached_tokens } = usage;
        let counted = tokens.or(billed_units);
        let whole = |number: Option<f64>| number.unwrap_or(0.0) as u32; // saturates; NaN is 0
        Usage {
            input_tokens: whole(counted.and_then(|counted| counted.input_tokens)),
            output_tokens: whole(counted.and_then(|counted| counted.output_tokens)),
            cached_tokens: whole(cached_tokens),
            reasoning_tokens: 0, // counted, but not apart
        }
    }
}
