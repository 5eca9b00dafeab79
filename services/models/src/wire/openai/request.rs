//! The request: headers and the JSON document.

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::ask::{Ask, Turn};
use crate::wire::Mode;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

pub(super) fn headers(ask: &Ask, mode: Mode) -> HeaderMap {
    let accepted = match mode {
        Mode::Whole => "application/json",
        Mode::Stream => "text/event-stream",
    };
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static(accepted));
    let key = ask.idempotency_key.as_deref().and_then(|key| HeaderValue::from_str(key).ok());
    headers.extend(key.map(|key| (IDEMPOTENCY_KEY, key)));
    headers
}

/// What is not asked for is not sent, so that the provider's defaults hold.
pub(super) fn body(max_tokens_field: &str, model: &str, ask: &Ask, mode: Mode) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert("messages".to_owned(), ask.turns.iter().map(message).collect());
    let mut optional = |field: &str, value: Option<Value>| body.extend(value.map(|v| (field.to_owned(), v)));
    optional("temperature", ask.temperature.map(Value::from));
    optional(max_tokens_field, ask.max_tokens.map(Value::from));
    optional("response_format", ask.response_schema.as_ref().map(response_format));
    if mode == Mode::Stream {
        optional("stream", Some(true.into()));
        optional("stream_options", Some(json!({"include_usage": true})));
    }
    Value::Object(body).to_string().into_bytes()
}

fn message(turn: &Turn) -> Value {
    json!({"role": turn.role.name(), "content": turn.content})
}

/// Not strict: strict schemas must close every object and require every field, which callers' schemas need not do.
/// The orchestrator validates the answer anyway.
fn response_format(schema: &Map<String, Value>) -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": false, "schema": schema}})
}
