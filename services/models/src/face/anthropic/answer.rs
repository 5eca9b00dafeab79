//! A whole answer as a message.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Finish, ToolCall, Usage};
use crate::face::Label;

/// A whole answer as a message.
pub(in crate::face) fn whole(answer: Answer, label: &Label) -> Bytes {
    let Answer { output, calls, finish, .. } = answer;
    let text = (!output.is_empty()).then(|| json!({"type": "text", "text": output}));
    let content: Value = text.into_iter().chain(calls.iter().map(call)).collect();
    let Finish { model, reason, usage: used } = finish;
    let mut message = head(label, &model);
    message.insert("content".to_owned(), content);
    message.insert("stop_reason".to_owned(), stop_reason(&reason).into());
    message.insert("usage".to_owned(), usage(used));
    Value::Object(message).to_string().into()
}

/// A message that says nothing yet.
pub(super) fn head(label: &Label, model: &str) -> Map<String, Value> {
    let model = if model.is_empty() { label.model.as_str() } else { model };
    let fields: [(&str, Value); 7] = [
        ("id", format!("msg_{}", label.id).into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", model.into()),
        ("content", json!([])),
        ("stop_reason", Value::Null),
        ("stop_sequence", Value::Null),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Tokens of the prompt that were in the provider's cache are told apart here.
pub(super) fn usage(usage: Usage) -> Value {
    let Usage { input_tokens, output_tokens, cached_tokens, .. } = usage;
    json!({
        "input_tokens": input_tokens.saturating_sub(cached_tokens),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached_tokens,
        "output_tokens": output_tokens,
    })
}

/// How an answer ended, in this API's words.
pub(super) fn stop_reason(reason: &str) -> &str {
    match reason {
        "stop" => "end_turn",
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "refusal",
        other => other,
    }
}

/// Arguments are an object here; a text that is none is what the model wrote all the same.
fn call(call: &ToolCall) -> Value {
    let ToolCall { id, name, arguments } = call;
    let input = serde_json::from_str(arguments).unwrap_or_else(|_| json!({"arguments": arguments}));
    json!({"type": "tool_use", "id": id, "name": name, "input": input})
}
