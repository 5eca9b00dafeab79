//! A whole answer as a chat completion.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Citation, Finish, ToolCall, Usage};
use crate::face::Label;

/// A whole answer as a chat completion.
pub(in crate::face) fn whole(answer: Answer, label: &Label) -> Bytes {
    let Answer { output, calls, citations, finish } = answer;
    let Finish { model, reason, usage: used } = finish;
    let content = if output.is_empty() && !calls.is_empty() { Value::Null } else { output.into() };
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    message.insert("content".to_owned(), content);
    message.insert("refusal".to_owned(), Value::Null);
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), calls.iter().map(call).collect());
    }
    let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": reason});
    let mut document = envelope("chat.completion", label, &model);
    document.insert("choices".to_owned(), json!([choice]));
    document.insert("usage".to_owned(), usage(used));
    if !citations.is_empty() {
        document.insert("citations".to_owned(), sources(&citations));
    }
    Value::Object(document).to_string().into()
}

/// What every document of one answer begins with.
pub(super) fn envelope(object: &str, label: &Label, model: &str) -> Map<String, Value> {
    let model = if model.is_empty() { &label.model } else { model };
    let mut envelope = Map::new();
    envelope.insert("id".to_owned(), format!("chatcmpl-{}", label.id).into());
    envelope.insert("object".to_owned(), object.into());
    envelope.insert("created".to_owned(), label.created.into());
    envelope.insert("model".to_owned(), model.into());
    envelope
}

pub(super) fn usage(usage: Usage) -> Value {
    let Usage { input_tokens, output_tokens, cached_tokens, reasoning_tokens } = usage;
    json!({
        "prompt_tokens": input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": u64::from(input_tokens) + u64::from(output_tokens),
        "prompt_tokens_details": {"cached_tokens": cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
    })
}

/// As Perplexity has them, the one provider of this API that names sources.
pub(super) fn sources(citations: &[Citation]) -> Value {
    citations.iter().map(|citation| Value::from(citation.url.as_str())).collect()
}

fn call(call: &ToolCall) -> Value {
    let ToolCall { id, name, arguments } = call;
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}
