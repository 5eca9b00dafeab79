//! The request: headers and the JSON document.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::answer::ToolCall;
use crate::ask::{Ask, Format, Role, Tool, ToolChoice, Turn};
use crate::wire::call_id::{fitted, is_plain};
use crate::wire::{Mode, json_headers};

const VERSION: HeaderName = HeaderName::from_static("anthropic-version");

/// Tokens of the answer where nothing was said: the wire wants a number, and every model that is served today can write
/// as many.
pub(super) const MAX_TOKENS: u32 = 8192;
/// The highest temperature there is.
const HOTTEST: f64 = 1.0;
/// Characters of a call's id at most.
const LONGEST_ID: usize = 64;

pub(super) fn headers(version: &str, mode: Mode) -> HeaderMap {
    let mut headers = json_headers(mode);
    headers.extend(HeaderValue::from_str(version).ok().map(|version| (VERSION, version)));
    headers
}

/// What is not asked for is not sent, so that the provider's defaults hold.
pub(super) fn body(model: &str, ask: &Ask, mode: Mode) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert("max_tokens".to_owned(), json!(ask.max_tokens.unwrap_or(MAX_TOKENS)));
    body.insert("messages".to_owned(), messages(&ask.turns));
    let mut optional = |field: &str, value: Option<Value>| body.extend(value.map(|v| (field.to_owned(), v)));
    let system = system(ask);
    optional("system", (!system.is_empty()).then(|| system.into()));
    optional("temperature", ask.temperature.map(|wanted| wanted.min(HOTTEST).into()));
    optional("top_p", ask.top_p.map(Value::from));
    optional("stop_sequences", (!ask.stop.is_empty()).then(|| json!(ask.stop)));
    if !ask.tools.is_empty() {
        optional("tools", Some(ask.tools.iter().map(tool).collect()));
        optional("tool_choice", tool_choice(ask.tool_choice.as_ref(), ask.parallel_tool_calls));
    }
    if let Format::Schema { schema, strict: true, .. } = &ask.format {
        optional("output_config", Some(json!({"format": {"type": "json_schema", "schema": schema}})));
    }
    optional("stream", (mode == Mode::Stream).then(|| true.into()));
    Value::Object(body).to_string().into_bytes()
}

/// The system's words, wherever they stand in the conversation, and the shape of the answer.
fn system(ask: &Ask) -> String {
    let said = ask.turns.iter().filter(|turn| turn.role == Role::System).map(|turn| turn.content.clone());
    said.chain(shape(&ask.format)).collect::<Vec<_>>().join("\n\n")
}

/// The wire holds a model to a schema only if that closes every object, which callers' schemas need not do; any other
/// shape is asked for in words.
fn shape(format: &Format) -> Option<String> {
    const JSON: &str = "Answer with one JSON object and nothing else: no other text, no code fence.";
    match format {
        Format::Text | Format::Schema { strict: true, .. } => None,
        Format::Json => Some(JSON.to_owned()),
        Format::Schema { schema, .. } => {
            let schema = Value::Object(schema.clone());
            Some(format!("{JSON} It must fit this JSON schema: {schema}"))
        }
    }
}

/// The turns of one speaker in a row are one message: the results of calls made together must stand together.
fn messages(turns: &[Turn]) -> Value {
    let mut messages: Vec<(&str, Vec<Value>)> = Vec::new();
    for turn in turns {
        let speaker = match turn.role {
            Role::System => continue,
            Role::Assistant => "assistant",
            Role::User | Role::Tool => "user",
        };
        match messages.last_mut() {
            Some((last, said)) if *last == speaker => said.extend(blocks(turn)),
            _ => messages.push((speaker, blocks(turn))),
        }
    }
    messages.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

fn blocks(turn: &Turn) -> Vec<Value> {
    if turn.role == Role::Tool {
        let id = fit(turn.call_id.as_deref().unwrap_or_default());
        return vec![json!({"type": "tool_result", "tool_use_id": id, "content": turn.content})];
    }
    // Blank text is refused, and beside calls it says nothing.
    let says = turn.calls.is_empty() || !turn.content.trim().is_empty();
    let text = says.then(|| json!({"type": "text", "text": turn.content}));
    text.into_iter().chain(turn.calls.iter().map(call)).collect()
}

fn call(call: &ToolCall) -> Value {
    let ToolCall { id, name, arguments } = call;
    let input = serde_json::from_str::<Map<String, Value>>(arguments).unwrap_or_default();
    json!({"type": "tool_use", "id": fit(id), "name": name, "input": input})
}

fn fit(id: &str) -> String {
    fitted(id, is_plain(id, LONGEST_ID))
}

fn tool(tool: &Tool) -> Value {
    let mut sent = json!({"name": tool.name, "input_schema": tool.schema()});
    if let Some(description) = &tool.description {
        sent["description"] = description.as_str().into();
    }
    sent
}

/// One call at a time is part of the choice here, so that wish makes a choice.
fn tool_choice(choice: Option<&ToolChoice>, parallel: Option<bool>) -> Option<Value> {
    let one_at_a_time = parallel == Some(false);
    let mut sent = match choice {
        None if one_at_a_time => json!({"type": "auto"}),
        None => return None,
        Some(ToolChoice::None) => return Some(json!({"type": "none"})),
        Some(ToolChoice::Auto) => json!({"type": "auto"}),
        Some(ToolChoice::Required) => json!({"type": "any"}),
        Some(ToolChoice::Named(name)) => json!({"type": "tool", "name": name}),
    };
    if one_at_a_time {
        sent["disable_parallel_tool_use"] = true.into();
    }
    Some(sent)
}
