//! The words of this wire for what goes wrong, and the shapes in which its servers say them.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::wire::refusal::{self, Said, Words};

/// The codes (and types) that say more than the status does, of OpenAI and of those that speak its wire.
const WORDS: Words = Words {
    codes: &[
        ("invalid_api_key", Kind::Credential),
        ("insufficient_quota", Kind::Quota),
        ("billing_hard_limit_reached", Kind::Quota),
        ("rate_limit_exceeded", Kind::Throttled),
        ("model_not_found", Kind::ModelGone),
        ("model_decommissioned", Kind::ModelGone), // Groq
        ("DeploymentNotFound", Kind::ModelGone),   // Azure
        ("context_length_exceeded", Kind::ContextTooLong),
        ("exceed_context_size_error", Kind::ContextTooLong), // llama.cpp
        ("content_policy_violation", Kind::ContentPolicy),
        ("content_filter", Kind::ContentPolicy),
        ("tool_use_failed", Kind::Malformed), // Groq: its model wrote a call that is none
        ("json_validate_failed", Kind::Malformed), // Groq: likewise JSON
        ("server_error", Kind::Transient),
    ],
    phrases: &[
        ("maximum context length", Kind::ContextTooLong), // vLLM and others
        ("too large for model with", Kind::ContextTooLong), // Mistral
        ("invalid model", Kind::ModelGone),               // Mistral and Perplexity, with a 400
    ],
};

/// An answer whose status is no success.
pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let said = serde_json::from_slice::<Value>(body).ok().as_ref().and_then(document);
    refusal::of_answer(&WORDS, (status, headers), said.as_ref())
}

/// An error object where an answer should be: within a 200, or in the middle of a stream.
pub(super) fn in_success(error: &Value) -> Failure {
    refusal::in_success(&WORDS, &said(error))
}

/// Some servers put the error's fields at the top, and some have a sentence or a list of problems instead.
fn document(document: &Value) -> Option<Said> {
    let fields = document.as_object()?;
    match (fields.get("error"), fields.get("detail")) {
        (Some(error), _) => Some(said(error)),
        (None, Some(Value::Array(problems))) => problems.first().map(problem),
        (None, Some(detail)) => Some(said(detail)),
        (None, None) => Some(said(document)),
    }
}

fn said(error: &Value) -> Said {
    match error {
        Value::String(message) => Said { words: Vec::new(), message: message.clone() },
        error => Said::of(error, &["code", "type"]),
    }
}

/// One of the problems that a validator lists: where it is, and what is wrong.
fn problem(problem: &Value) -> Said {
    let place: Vec<&str> =
        problem["loc"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let message = format!("{} {}", place.join("."), problem["msg"].as_str().unwrap_or_default());
    Said { words: Vec::new(), message: message.trim().to_owned() }
}
