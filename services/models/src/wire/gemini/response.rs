//! The whole answer: one document with one candidate.

use super::call::signed;
use super::parts::{Candidate, Document, FunctionCall, Part, reason};
use crate::answer::{Answer, Finish, ToolCall, Usage};
use crate::failure::{Failure, Kind};
use crate::wire::sources::Sources;

/// What one part says.
pub(super) enum Said {
    /// Text, never empty.
    Text(String),
    /// A call; they come whole on this wire.
    Call(ToolCall),
}

pub(super) fn answer(body: &[u8], citations: bool) -> Result<Answer, Failure> {
    let mut document = Document::read(body)?;
    if document.candidates.is_empty() {
        return Err(Failure::new(Kind::Malformed, "answered without any candidate"));
    }
    let mut candidate = document.candidates.swap_remove(0);
    let mut sources = Sources::default();
    if citations {
        candidate.note(&mut sources);
    }
    let (mut output, mut calls) = (String::new(), Vec::new());
    let answer = document.response_id.as_deref().unwrap_or_default();
    for part in parts(&mut candidate) {
        match said(part, answer, calls.len()) {
            Some(Said::Text(text)) => output.push_str(&text),
            Some(Said::Call(call)) => calls.push(call),
            None => {}
        }
    }
    let finish = Finish {
        model: document.model_version.unwrap_or_default(),
        reason: reason(candidate.finish_reason.as_deref(), !calls.is_empty())?,
        usage: document.usage_metadata.map(Usage::from).unwrap_or_default(),
    };
    Ok(Answer { output, calls, citations: sources.into_all(), finish })
}

/// What a candidate says; one that was stopped before it said anything has no content.
pub(super) fn parts(candidate: &mut Candidate) -> Vec<Part> {
    candidate.content.take().map(|content| content.parts).unwrap_or_default()
}

/// What a part says, if it says anything. A call without an id gets one that no other answer gives: `answer` is the
/// answer's own id, and `before` how many calls came before.
pub(super) fn said(part: Part, answer: &str, before: usize) -> Option<Said> {
    let Part { text, thought, function_call, thought_signature } = part;
    if let Some(FunctionCall { id, name, args }) = function_call {
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| made_up(answer, before));
        let arguments = serde_json::Value::Object(args).to_string();
        return Some(Said::Call(ToolCall { id: signed(&id, thought_signature.as_deref()), name, arguments }));
    }
    text.filter(|text| !thought && !text.is_empty()).map(Said::Text)
}

fn made_up(answer: &str, before: usize) -> String {
    let plain: String = answer.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("call_{plain}_{before}")
}
