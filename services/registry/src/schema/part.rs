//! What schemas are made of: one part for each reader of values.

use serde_json::{Map, Value, json};

/// A field: its name, whether it must be there, and its schema.
pub(super) struct Field {
    name: &'static str,
    is_required: bool,
    schema: Value,
}

/// A field that must be there; `about` is what editors show of it.
pub(super) fn required(name: &'static str, about: &str, schema: Value) -> Field {
    Field { name, is_required: true, schema: described(about, schema) }
}

/// A field that may be missing or null.
pub(super) fn optional(name: &'static str, about: &str, schema: Value) -> Field {
    Field { name, is_required: false, schema: described(about, or_null(schema)) }
}

/// A map of these fields and no others.
pub(super) fn map(fields: Vec<Field>) -> Value {
    let required: Vec<&str> =
        fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    let properties: Map<String, Value> =
        fields.into_iter().map(|field| (field.name.to_owned(), field.schema)).collect();
    json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    })
}

/// A text, empty or not.
pub(super) fn text() -> Value {
    json!({"type": "string"})
}

/// A text that is not blank.
pub(super) fn filled() -> Value {
    json!({"type": "string", "pattern": r"\S"})
}

/// `true` or `false`.
pub(super) fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// One of these words.
pub(super) fn words<T>(words: &[(&str, T)]) -> Value {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    json!({"enum": words})
}

/// A list, empty or not.
pub(super) fn list(item: Value) -> Value {
    json!({"type": "array", "items": item})
}

/// A list that is not empty and holds nothing twice.
pub(super) fn set(item: Value) -> Value {
    json!({"type": "array", "items": item, "minItems": 1, "uniqueItems": true})
}

/// The same, with more keywords.
pub(super) fn with(mut schema: Value, more: Value) -> Value {
    if let (Value::Object(schema), Value::Object(more)) = (&mut schema, more) {
        schema.extend(more);
    }
    schema
}

/// A whole schema.
pub(super) fn document(title: &str, about: &str, schema: Value) -> Value {
    let head = json!({"$schema": "http://json-schema.org/draft-07/schema#", "title": title});
    with(head, described(about, schema))
}

fn described(about: &str, schema: Value) -> Value {
    with(json!({"description": about}), schema)
}

/// `name: ~` is as good as no `name` where that may be missing.
fn or_null(mut schema: Value) -> Value {
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
    if let Some(kind) = schema.get_mut("type") {
        match kind {
            Value::Array(kinds) => kinds.push("null".into()),
            kind => *kind = json!([kind.take(), "null"]),
        }
    }
    schema
}
