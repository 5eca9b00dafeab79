//! OpenAI's chat completions, which most providers and local servers speak (also with Azure's `api-key` header).

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{Event, Wire, bearer, text};
use crate::{
    provider::Asked,
    reply::{Said, ToolCall, Usage},
};

/// The wire.
#[derive(Clone, Copy, Debug)]
pub struct Chat;

/// What the last event says instead of JSON.
const END: &str = "[DONE]";

// === impl Chat ===

impl Wire for Chat {
    fn serves(&self, path: &str) -> bool {
        path.ends_with("/chat/completions")
    }

    fn key(&self, headers: &HeaderMap) -> Option<String> {
        bearer(headers).or_else(|| text(headers, "api-key").map(str::to_owned))
    }

    fn whole(&self, said: &Said, asked: &Asked) -> Value {
        let mut message = Map::new();
        message.insert("role".into(), "assistant".into());
        message.insert("content".into(), content(said));
        if !said.calls.is_empty() {
            message.insert("tool_calls".into(), said.calls.iter().map(tool_call).collect());
        }
        let choice = json!({"index": 0, "message": message, "finish_reason": finish(said)});
        let mut answer = envelope("chat.completion", asked);
        answer.insert("choices".into(), json!([choice]));
        finished(answer, said)
    }

    fn events(&self, said: &Said, asked: &Asked) -> Vec<Event> {
        let chunk = |delta: Value, finish: Value| {
            let mut chunk = envelope("chat.completion.chunk", asked);
            chunk.insert("choices".into(), json!([{"index": 0, "delta": delta, "finish_reason": finish}]));
            Event::data(Value::Object(chunk))
        };
        let mut events: Vec<Event> =
            said.pieces().into_iter().map(|piece| chunk(json!({"content": piece}), Value::Null)).collect();
        let calls = said.calls.iter().enumerate().flat_map(|(index, call)| call_deltas(index, call));
        events.extend(calls.map(|delta| chunk(json!({"tool_calls": [delta]}), Value::Null)));
        events.push(chunk(json!({}), finish(said).into()));
        if let Some(usage) = said.usage {
            let mut last = envelope("chat.completion.chunk", asked);
            last.insert("choices".into(), json!([]));
            last.insert("usage".into(), tokens(usage));
            events.push(Event::data(Value::Object(last)));
        }
        events.push(Event::data(END));
        events
    }

    fn error(&self, status: u16, code: &str) -> Value {
        error(status, code)
    }
}

/// An error in OpenAI's shape, which embeddings share.
pub(super) fn error(status: u16, code: &str) -> Value {
    let (kind, usual) = match status {
        401 => ("invalid_request_error", "invalid_api_key"),
        403 => ("permission_error", ""),
        404 => ("invalid_request_error", "model_not_found"),
        429 => ("requests", "rate_limit_exceeded"),
        400..=499 => ("invalid_request_error", ""),
        _ => ("server_error", ""),
    };
    let code = if code.is_empty() { usual } else { code };
    let code = if code.is_empty() { Value::Null } else { code.into() };
    json!({"error": {"message": "as scripted", "type": kind, "param": null, "code": code}})
}

fn envelope(object: &str, asked: &Asked) -> Map<String, Value> {
    let model = asked.body["model"].as_str().unwrap_or("scripted-1");
    let mut envelope = Map::new();
    envelope.insert("id".into(), format!("chatcmpl-{}", asked.number).into());
    envelope.insert("object".into(), object.into());
    envelope.insert("created".into(), 0.into());
    envelope.insert("model".into(), model.into());
    envelope
}

fn finished(mut answer: Map<String, Value>, said: &Said) -> Value {
    if let Some(usage) = said.usage {
        answer.insert("usage".into(), tokens(usage));
    }
    Value::Object(answer)
}

/// A message that only calls tools has no content.
fn content(said: &Said) -> Value {
    match said.text.is_empty() && !said.calls.is_empty() {
        true => Value::Null,
        false => said.text.clone().into(),
    }
}

fn finish(said: &Said) -> &str {
    said.finish_or("stop", "tool_calls")
}

fn tokens(usage: Usage) -> Value {
    let Usage { input, output } = usage;
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output})
}

fn tool_call(call: &ToolCall) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
}

/// The name first, then the arguments in pieces that are no JSON on their own.
fn call_deltas(index: usize, call: &ToolCall) -> Vec<Value> {
    let head = json!({"index": index, "id": call.id, "type": "function",
                      "function": {"name": call.name, "arguments": ""}});
    let rest = call.pieces();
    let rest = rest.iter().map(|piece| json!({"index": index, "function": {"arguments": piece}}));
    std::iter::once(head).chain(rest).collect()
}
