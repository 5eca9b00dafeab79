//! Cohere's chat, version 2: named steps within the data, usage in the last of them.

use serde_json::{Value, json};

use super::embeddings::vector;
use super::{Event, Wire};
use crate::{
    provider::Asked,
    reply::{Said, ToolCall, Usage},
};

/// The wire.
#[derive(Clone, Copy, Debug)]
pub struct Chat;

/// Its vectors. What the model says does not matter here; its usage does.
#[derive(Clone, Copy, Debug)]
pub struct Embeddings;

// === impl Chat ===

impl Wire for Chat {
    fn serves(&self, path: &str) -> bool {
        path.ends_with("/v2/chat")
    }

    fn whole(&self, said: &Said, asked: &Asked) -> Value {
        let mut message = json!({"role": "assistant"});
        if !said.text.is_empty() {
            message["content"] = json!([{"type": "text", "text": said.text}]);
        }
        if !said.calls.is_empty() {
            message["tool_calls"] = said.calls.iter().map(tool_call).collect();
        }
        let mut answer = json!({"id": id(asked), "message": message, "finish_reason": finish(said)});
        if let Some(usage) = said.usage {
            answer["usage"] = tokens(usage);
        }
        answer
    }

    fn events(&self, said: &Said, asked: &Asked) -> Vec<Event> {
        let mut steps = vec![json!({"type": "message-start", "id": id(asked),
                                    "delta": {"message": {"role": "assistant"}}})];
        if !said.text.is_empty() {
            steps.extend(text_steps(said));
        }
        for (index, call) in said.calls.iter().enumerate() {
            steps.extend(call_steps(index, call));
        }
        let mut end = json!({"finish_reason": finish(said)});
        if let Some(usage) = said.usage {
            end["usage"] = tokens(usage);
        }
        steps.push(json!({"type": "message-end", "delta": end}));
        steps.into_iter().map(Event::data).collect()
    }

    fn error(&self, _: u16, code: &str) -> Value {
        let message = if code.is_empty() { "as scripted" } else { code };
        json!({"id": "scripted", "message": message})
    }
}

// === impl Embeddings ===

impl Wire for Embeddings {
    fn serves(&self, path: &str) -> bool {
        path.ends_with("/v2/embed")
    }

    fn streams(&self, _: &str, _: &Value) -> bool {
        false
    }

    fn whole(&self, said: &Said, asked: &Asked) -> Value {
        let texts = asked.body["texts"].as_array().into_iter().flatten();
        let vectors: Value =
            texts.map(|text| json!(vector(text, asked.body["output_dimension"].as_u64()))).collect();
        let mut answer = json!({"id": id(asked), "embeddings": {"float": vectors}, "texts": asked.body["texts"],
                                "response_type": "embeddings_by_type"});
        if let Some(usage) = said.usage {
            answer["meta"] = json!({"billed_units": {"input_tokens": usage.input}});
        }
        answer
    }

    fn events(&self, said: &Said, asked: &Asked) -> Vec<Event> {
        vec![Event::data(self.whole(said, asked))]
    }

    fn error(&self, status: u16, code: &str) -> Value {
        Chat.error(status, code)
    }
}

fn id(asked: &Asked) -> String {
    format!("scripted-{}", asked.number)
}

fn finish(said: &Said) -> &str {
    said.finish_or("COMPLETE", "TOOL_CALL")
}

fn tokens(usage: Usage) -> Value {
    let both = json!({"input_tokens": usage.input, "output_tokens": usage.output});
    json!({"billed_units": both, "tokens": both})
}

fn tool_call(call: &ToolCall) -> Value {
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}})
}

fn text_steps(said: &Said) -> Vec<Value> {
    let content = |content: Value| json!({"message": {"content": content}});
    let start =
        json!({"type": "content-start", "index": 0, "delta": content(json!({"type": "text", "text": ""}))});
    let pieces = said.pieces().into_iter();
    let pieces = pieces
        .map(|piece| json!({"type": "content-delta", "index": 0, "delta": content(json!({"text": piece}))}));
    let end = json!({"type": "content-end", "index": 0});
    std::iter::once(start).chain(pieces).chain([end]).collect()
}

fn call_steps(index: usize, call: &ToolCall) -> Vec<Value> {
    let calls = |call: Value| json!({"message": {"tool_calls": call}});
    let head = tool_call(&ToolCall { arguments: String::new(), ..call.clone() });
    let start = json!({"type": "tool-call-start", "index": index, "delta": calls(head)});
    let pieces = call.pieces().into_iter().map(
        |piece| json!({"type": "tool-call-delta", "index": index, "delta": calls(json!({"function": {"arguments": piece}}))}),
    );
    let end = json!({"type": "tool-call-end", "index": index});
    std::iter::once(start).chain(pieces).chain([end]).collect()
}
