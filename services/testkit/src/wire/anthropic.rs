//! Anthropic's Messages: `x-api-key`, named events, text and tool use as blocks.

use http::HeaderMap;
use serde_json::{Value, json};

use super::{Event, Wire, text};
use crate::{
    provider::Asked,
    reply::{Said, ToolCall, Usage},
};

/// The wire.
#[derive(Clone, Copy, Debug)]
pub struct Messages;

// === impl Messages ===

impl Wire for Messages {
    fn serves(&self, path: &str) -> bool {
        path.ends_with("/messages")
    }

    fn key(&self, headers: &HeaderMap) -> Option<String> {
        text(headers, "x-api-key").map(str::to_owned)
    }

    fn whole(&self, said: &Said, asked: &Asked) -> Value {
        let words = (!said.text.is_empty()).then(|| json!({"type": "text", "text": said.text}));
        let tools = said.calls.iter().map(|call| {
            let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
        });
        let content: Vec<Value> = words.into_iter().chain(tools).collect();
        let mut message = message(asked, content);
        message["stop_reason"] = finish(said).into();
        if let Some(Usage { input, output }) = said.usage {
            message["usage"] = json!({"input_tokens": input, "output_tokens": output});
        }
        message
    }

    fn events(&self, said: &Said, asked: &Asked) -> Vec<Event> {
        let mut start = message(asked, Vec::new());
        if let Some(usage) = said.usage {
            start["usage"] = json!({"input_tokens": usage.input, "output_tokens": 1});
        }
        let mut events = vec![event("message_start", json!({"message": start})), event("ping", json!({}))];
        let words = !said.text.is_empty();
        if words {
            events.extend(text_block(said));
        }
        for (index, call) in said.calls.iter().enumerate() {
            events.extend(tool_block(index + usize::from(words), call));
        }
        let mut end = json!({"delta": {"stop_reason": finish(said), "stop_sequence": null}});
        if let Some(usage) = said.usage {
            end["usage"] = json!({"output_tokens": usage.output});
        }
        events.extend([event("message_delta", end), event("message_stop", json!({}))]);
        events
    }

    fn error(&self, status: u16, code: &str) -> Value {
        let usual = match status {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        };
        let kind = if code.is_empty() { usual } else { code };
        json!({"type": "error", "error": {"type": kind, "message": "as scripted"}, "request_id": "req_scripted"})
    }
}

fn message(asked: &Asked, content: Vec<Value>) -> Value {
    json!({"id": format!("msg_{}", asked.number), "type": "message", "role": "assistant",
           "model": asked.body["model"], "content": content, "stop_reason": null, "stop_sequence": null})
}

fn finish(said: &Said) -> &str {
    said.finish_or("end_turn", "tool_use")
}

/// An event whose data begins with its own name as `type`.
fn event(name: &'static str, rest: Value) -> Event {
    let mut data = json!({"type": name});
    if let (Some(data), Value::Object(rest)) = (data.as_object_mut(), rest) {
        data.extend(rest);
    }
    Event::named(name, &data)
}

fn text_block(said: &Said) -> Vec<Event> {
    let deltas = said.pieces().into_iter().map(|piece| json!({"type": "text_delta", "text": piece}));
    block(0, json!({"type": "text", "text": ""}), deltas)
}

fn tool_block(index: usize, call: &ToolCall) -> Vec<Event> {
    let deltas =
        call.pieces().into_iter().map(|piece| json!({"type": "input_json_delta", "partial_json": piece}));
    block(index, json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}}), deltas)
}

fn block(index: usize, start: Value, deltas: impl Iterator<Item = Value>) -> Vec<Event> {
    let mut events = vec![event("content_block_start", json!({"index": index, "content_block": start}))];
    events.extend(deltas.map(|delta| event("content_block_delta", json!({"index": index, "delta": delta}))));
    events.push(event("content_block_stop", json!({"index": index})));
    events
}
