//! The request: the JSON document.

use serde_json::{Map, Value, json};

use crate::answer::ToolCall;
use crate::ask::{Ask, Format, Role, Tool, ToolChoice, Turn};
use crate::wire::Mode;

/// The highest temperature there is.
const HOTTEST: f64 = 1.0;

/// What is not asked for is not sent, so that the provider's defaults hold.
pub(super) fn body(model: &str, ask: &Ask, mode: Mode) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert("messages".to_owned(), ask.turns.iter().map(message).collect());
    body.insert("stream".to_owned(), (mode == Mode::Stream).into());
    let mut optional = |field: &str, value: Option<Value>| body.extend(value.map(|v| (field.to_owned(), v)));
    optional("temperature", ask.temperature.map(|wanted| wanted.min(HOTTEST).into()));
    optional("p", ask.top_p.map(Value::from));
    optional("max_tokens", ask.max_tokens.map(Value::from));
    optional("stop_sequences", (!ask.stop.is_empty()).then(|| json!(ask.stop)));
    optional("seed", ask.seed.map(Value::from));
    let tools: Vec<Value> = offered(ask).map(tool).collect();
    if !tools.is_empty() {
        optional("tools", Some(tools.into()));
        optional("tool_choice", ask.tool_choice.as_ref().and_then(tool_choice));
    }
    optional("response_format", response_format(&ask.format));
    Value::Object(body).to_string().into_bytes()
}

fn message(turn: &Turn) -> Value {
    match turn.role {
        Role::Tool => json!({"role": "tool", "tool_call_id": turn.call_id, "content": turn.content}),
        Role::Assistant if !turn.calls.is_empty() => {
            let calls: Value = turn.calls.iter().map(call).collect();
            let mut message = json!({"role": "assistant", "tool_calls": calls});
            if !turn.content.is_empty() {
                message["tool_plan"] = turn.content.as_str().into(); // beside calls, text has another name
            }
            message
        }
        role => json!({"role": role.name(), "content": turn.content}),
    }
}

fn call(call: &ToolCall) -> Value {
    let ToolCall { id, name, arguments } = call;
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

/// The wire cannot name the one that must be called, so that one is offered alone.
fn offered(ask: &Ask) -> impl Iterator<Item = &Tool> {
    let named = match &ask.tool_choice {
        Some(ToolChoice::Named(name)) => Some(name),
        _ => None,
    };
    ask.tools.iter().filter(move |tool| named.is_none_or(|name| *name == tool.name))
}

fn tool(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name, "parameters": tool.schema()});
    if let Some(description) = &tool.description {
        function["description"] = description.as_str().into();
    }
    json!({"type": "function", "function": function})
}

/// Deciding freely is what the model does unless told otherwise; there is no word for it.
fn tool_choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some("NONE".into()),
        ToolChoice::Required | ToolChoice::Named(_) => Some("REQUIRED".into()),
    }
}

fn response_format(format: &Format) -> Option<Value> {
    match format {
        Format::Text => None,
        Format::Json => Some(json!({"type": "json_object"})),
        Format::Schema { schema, .. } => Some(json!({"type": "json_object", "json_schema": schema})),
    }
}
