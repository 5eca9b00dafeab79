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

/// How many bytes the model wrote: the texts of all choices, calls of tools and thoughts told aloud included. Vectors are
/// not written.
pub(super) fn wrote(body: &[u8]) -> usize {
    let document: Value = serde_json::from_slice(body).unwrap_or_default();
    let choices = document["choices"].as_array().into_iter().flatten();
    choices.map(|choice| texts(&choice["message"])).sum()
}

/// The length of all texts in a value, those aside that the server wrote.
fn texts(value: &Value) -> usize {
    const OF_THE_SERVER: [&str; 3] = ["id", "role", "type"];
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(texts).sum(),
        Value::Object(fields) => {
            let written = fields.iter().filter(|(name, _)| !OF_THE_SERVER.contains(&name.as_str()));
            written.map(|(_, value)| texts(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_model_wrote_is_the_text_of_every_choice_and_call() {
        let call =
            json!({"id": "call-1", "type": "function", "function": {"name": "look", "arguments": "{}"}});
        let said = json!({"role": "assistant", "content": "12345", "refusal": null});
        let asked = json!({"role": "assistant", "content": null, "tool_calls": [call]});
        let document = json!({"id": "x", "choices": [{"message": said}, {"message": asked}]});
        assert_eq!(wrote(document.to_string().as_bytes()), 5 + 4 + 2);
        assert_eq!(wrote(br#"{"data": [{"embedding": [1.0]}]}"#), 0);
        assert_eq!(wrote(b"no JSON"), 0);
    }
}
