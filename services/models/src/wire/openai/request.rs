//! The request: headers and the JSON document.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use super::variant::{Feature, Variant};
use super::{search, tools::call_id};
use crate::answer::ToolCall;
use crate::ask::{Ask, Format, Role, Tool, ToolChoice, Turn};
use crate::wire::{Mode, json_headers};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(super) fn headers(idempotency_key: Option<&str>, mode: Mode) -> HeaderMap {
    let mut headers = json_headers(mode);
    let key = idempotency_key.and_then(|key| HeaderValue::from_str(key).ok());
    headers.extend(key.map(|key| (IDEMPOTENCY_KEY, key)));
    headers
}

/// What is not asked for is not sent, so that the provider's defaults hold.
pub(super) fn body(variant: &Variant, model: &str, ask: &Ask, mode: Mode) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert("messages".to_owned(), ask.turns.iter().map(|turn| message(variant, turn)).collect());
    let mut optional = |field: &str, value: Option<Value>| body.extend(value.map(|v| (field.to_owned(), v)));
    optional("temperature", ask.temperature.map(Value::from));
    optional("top_p", ask.top_p.map(Value::from));
    optional(variant.max_tokens, ask.max_tokens.map(Value::from));
    optional("stop", (!ask.stop.is_empty()).then(|| json!(ask.stop)));
    optional(variant.seed, ask.seed.map(Value::from));
    if !ask.tools.is_empty() && variant.has(Feature::Tools) {
        optional("tools", Some(ask.tools.iter().map(tool).collect()));
        optional("tool_choice", ask.tool_choice.as_ref().map(|choice| tool_choice(variant, choice)));
        optional("parallel_tool_calls", ask.parallel_tool_calls.map(Value::from));
    }
    optional("response_format", response_format(variant, &ask.format));
    if mode == Mode::Stream {
        optional("stream", Some(true.into()));
        let usage = variant.has(Feature::StreamOptions).then(|| json!({"include_usage": true}));
        optional("stream_options", usage);
    }
    if let Some(search) = ask.search.as_ref().filter(|_| variant.has(Feature::Search)) {
        body.extend(search::fields(search));
    }
    Value::Object(body).to_string().into_bytes()
}

fn message(variant: &Variant, turn: &Turn) -> Value {
    let mut message = json!({"role": turn.role.name(), "content": turn.content});
    if turn.role == Role::Tool {
        message["tool_call_id"] = call_id(variant, turn.call_id.as_deref().unwrap_or_default()).into();
    }
    if !turn.calls.is_empty() {
        message["tool_calls"] = turn.calls.iter().map(|made| call(variant, made)).collect();
        if turn.content.is_empty() {
            message["content"] = Value::Null; // as the wire itself says that there is no text
        }
    }
    message
}

fn call(variant: &Variant, call: &ToolCall) -> Value {
    let ToolCall { id, name, arguments } = call;
    let id = call_id(variant, id);
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn tool(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name, "parameters": tool.schema()});
    if let Some(description) = &tool.description {
        function["description"] = description.as_str().into();
    }
    json!({"type": "function", "function": function})
}

fn tool_choice(variant: &Variant, choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => variant.required.into(),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

/// Strict only where it was asked for: strict schemas must close every object and require every field, which callers'
/// schemas need not do.
fn response_format(variant: &Variant, format: &Format) -> Option<Value> {
    match format {
        Format::Text => None,
        Format::Json if variant.has(Feature::JsonObject) => Some(json!({"type": "json_object"})),
        Format::Json => Some(json!({"type": "json_schema", "json_schema": {"schema": {"type": "object"}}})),
        Format::Schema { name, schema, strict } => {
            let schema = json!({"name": name, "strict": strict, "schema": schema});
            Some(json!({"type": "json_schema", "json_schema": schema}))
        }
    }
}
