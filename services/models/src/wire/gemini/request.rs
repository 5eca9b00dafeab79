//! The request: the JSON document.

use serde_json::{Map, Value, json};

use super::call::{parted, stand_in};
use crate::ask::{Ask, Format, Role, Tool, ToolChoice, Turn};

/// What is not asked for is not sent, so that the provider's defaults hold.
pub(super) fn body(model: &str, ask: &Ask) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("contents".to_owned(), contents(model, &ask.turns));
    let mut optional = |field: &str, value: Option<Value>| body.extend(value.map(|v| (field.to_owned(), v)));
    optional("systemInstruction", system(&ask.turns));
    if !ask.tools.is_empty() {
        let functions: Value = ask.tools.iter().map(function).collect();
        optional("tools", Some(json!([{"functionDeclarations": functions}])));
        optional("toolConfig", ask.tool_choice.as_ref().map(tool_config));
    }
    let config = config(ask);
    optional("generationConfig", (!config.is_empty()).then_some(Value::Object(config)));
    Value::Object(body).to_string().into_bytes()
}

fn config(ask: &Ask) -> Map<String, Value> {
    let json_type = || Some("application/json".into());
    let (kind, schema) = match &ask.format {
        Format::Text => (None, None),
        Format::Json => (json_type(), None),
        Format::Schema { schema, .. } => (json_type(), Some(Value::Object(schema.clone()))),
    };
    let fields = [
        ("temperature", ask.temperature.map(Value::from)),
        ("topP", ask.top_p.map(Value::from)),
        ("maxOutputTokens", ask.max_tokens.map(Value::from)),
        ("stopSequences", (!ask.stop.is_empty()).then(|| json!(ask.stop))),
        // The wire's seed is a number of 32 bits; the same wish gives the same one.
        ("seed", ask.seed.map(|seed| Value::from(seed.rem_euclid(i64::from(i32::MAX))))),
        ("responseMimeType", kind),
        ("responseJsonSchema", schema),
    ];
    fields.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))).collect()
}

/// The system's words, wherever they stand in the conversation.
fn system(turns: &[Turn]) -> Option<Value> {
    let said = turns.iter().filter(|turn| turn.role == Role::System);
    let parts: Vec<Value> = said.map(|turn| json!({"text": turn.content})).collect();
    (!parts.is_empty()).then(|| json!({"parts": parts}))
}

/// The turns of one speaker in a row are one content: the results of calls made together must stand together.
fn contents(model: &str, turns: &[Turn]) -> Value {
    let mut contents: Vec<(&str, Vec<Value>)> = Vec::new();
    for (at, turn) in turns.iter().enumerate() {
        let (speaker, parts) = match turn.role {
            Role::System => continue,
            Role::Assistant => ("model", said(model, turn)),
            Role::User => ("user", vec![json!({"text": turn.content})]),
            Role::Tool => ("user", vec![result(turn, &turns[..at])]),
        };
        match contents.last_mut() {
            Some((last, known)) if *last == speaker => known.extend(parts),
            _ => contents.push((speaker, parts)),
        }
    }
    contents.into_iter().map(|(role, parts)| json!({"role": role, "parts": parts})).collect()
}

fn said(model: &str, turn: &Turn) -> Vec<Value> {
    let text = (!turn.content.is_empty() || turn.calls.is_empty()).then(|| json!({"text": turn.content}));
    let calls = turn.calls.iter().enumerate().map(|(at, call)| {
        let (id, signature) = parted(&call.id);
        let args = serde_json::from_str::<Map<String, Value>>(&call.arguments).unwrap_or_default();
        let mut part = json!({"functionCall": {"id": id, "name": call.name, "args": args}});
        if let Some(signature) = signature.or_else(|| stand_in(model).filter(|_| at == 0)) {
            part["thoughtSignature"] = signature.into();
        }
        part
    });
    text.into_iter().chain(calls).collect()
}

/// A result is an object here, and names the function that it is of.
fn result(turn: &Turn, before: &[Turn]) -> Value {
    let id = turn.call_id.as_deref().unwrap_or_default();
    let call = before.iter().rev().flat_map(|turn| &turn.calls).find(|call| call.id == id);
    let name = call.map_or(id, |call| call.name.as_str());
    let response = match serde_json::from_str::<Map<String, Value>>(&turn.content) {
        Ok(object) => Value::Object(object),
        Err(_) => json!({"result": turn.content}),
    };
    json!({"functionResponse": {"id": parted(id).0, "name": name, "response": response}})
}

/// A function that takes nothing has no schema here.
fn function(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name});
    if let Some(description) = &tool.description {
        function["description"] = description.as_str().into();
    }
    if !tool.parameters.is_empty() {
        function["parametersJsonSchema"] = Value::Object(tool.parameters.clone());
    }
    function
}

fn tool_config(choice: &ToolChoice) -> Value {
    let config = match choice {
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Named(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
    };
    json!({"functionCallingConfig": config})
}
