//! What must be known of a whole answer that is passed on as it came: that it is one, how it ended, what it took. Its
//! content is skipped, several choices and vectors included.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::refusal;
use super::response::{Tokens, reason};
use crate::answer::{Finish, Usage};
use crate::failure::{Failure, Kind};
use crate::wire::not_json;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    /// Vectors.
    #[serde(default)]
    data: Option<IgnoredAny>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(rename = "message")]
    _message: IgnoredAny,
    #[serde(default)]
    finish_reason: Option<String>,
}

pub(super) fn finish(body: &[u8]) -> Result<Finish, Failure> {
    let document: Document = serde_json::from_slice(body).map_err(|problem| not_json(body, &problem))?;
    if let Some(error) = document.error {
        return Err(refusal::in_success(&error));
    }
    if document.choices.is_empty() && document.data.is_none() {
        return Err(Failure::new(Kind::Malformed, "answered without any choice"));
    }
    let said = document.choices.into_iter().next().and_then(|choice| choice.finish_reason);
    Ok(Finish {
        model: document.model.unwrap_or_default(),
        reason: reason(said, false, false)?,
        usage: document.usage.map(Usage::from).unwrap_or_default(),
    })
}
