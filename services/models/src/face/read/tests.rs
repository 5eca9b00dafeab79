//! What callers are told of a document whose fields have the wrong form.

use serde_json::{Value, json};

use crate::error::Error;
use crate::face::Face;

fn said(face: Face, document: &Value) -> String {
    match face.read(document.to_string().into(), &[]) {
        Err(Error::Invalid(violations)) => {
            let said = violations.into_iter().map(|wrong| format!("{} {}", wrong.field, wrong.problem));
            said.collect::<Vec<_>>().join("; ")
        }
        Err(other) => other.to_string(),
        Ok(_) => "it was taken".to_owned(),
    }
}

/// The same document with one field changed.
fn with(document: &Value, change: &Value) -> Value {
    let mut document = document.clone();
    document.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    document
}

fn chat() -> Value {
    json!({"model": "auto", "messages": [{"role": "user", "content": "hi"}]})
}

fn message() -> Value {
    json!({"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})
}

#[test]
fn a_list_is_taken_for_no_object_anywhere() {
    let object = "must be an object, not a list";
    for body in [json!([]), json!(["auto", []])] {
        for face in [Face::OpenAiChat, Face::OpenAiEmbeddings, Face::AnthropicMessages] {
            assert_eq!(said(face, &body), format!("body {object}"));
        }
    }
    let tool = |function: Value| json!([{"type": "function", "function": function}]);
    let user = |content: Value| json!([{"role": "user", "content": content}]);
    let calls = |calls: Value| json!([{"role": "assistant", "tool_calls": calls}]);
    for (change, field) in [
        (json!({"messages": [["user", "hi"]]}), "messages[0]"),
        (json!({"messages": user(json!([["text", "hi"]]))}), "messages[0].content[0]"),
        (json!({"messages": calls(json!([["1", ["look", "{}"]]]))}), "messages[0].tool_calls[0]"),
        (
            json!({"messages": calls(json!([{"id": "1", "function": ["look"]}]))}),
            "messages[0].tool_calls[0].function",
        ),
        (json!({"stream_options": [true]}), "stream_options"),
        (json!({"tools": [["function"]]}), "tools[0]"),
        (json!({"tools": tool(json!(["look"]))}), "tools[0].function"),
        (json!({"tools": tool(json!({"name": "look", "parameters": []}))}), "tools[0].function.parameters"),
        (json!({"tool_choice": {"type": "function", "function": ["look"]}}), "tool_choice.function"),
        (json!({"response_format": ["text"]}), "response_format"),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": ["x"]}}),
            "response_format.json_schema",
        ),
    ] {
        assert_eq!(said(Face::OpenAiChat, &with(&chat(), &change)), format!("{field} {object}"), "{change}");
    }
    for (change, field) in [
        (json!({"messages": [["user", "hi"]]}), "messages[0]"),
        (json!({"messages": user(json!([["text", "hi"]]))}), "messages[0].content[0]"),
        (json!({"system": [["text", "hi"]]}), "system[0]"),
        (json!({"tools": [["custom", "look"]]}), "tools[0]"),
        (json!({"tools": [{"name": "look", "input_schema": []}]}), "tools[0].input_schema"),
        (json!({"tool_choice": ["auto"]}), "tool_choice"),
    ] {
        let whole = with(&message(), &change);
        assert_eq!(said(Face::AnthropicMessages, &whole), format!("{field} {object}"), "{change}");
    }
}

#[test]
fn a_field_of_the_wrong_form_is_told_in_words_of_the_callers() {
    for (change, expected) in [
        (json!({"messages": "hi"}), "messages must be a list, not a string"),
        (json!({"messages": null}), "messages must be a list, not null"),
        (json!({"messages": {}}), "messages must be a list, not an object"),
        (json!({"messages": [{"content": "hi"}]}), "messages[0].role must be set"),
        (json!({"messages": [{"role": 7}]}), "messages[0].role must be a string, not a number"),
        (
            json!({"messages": [{"role": "user", "content": {}}]}),
            "messages[0].content must be a string or a list, not an object",
        ),
        (
            json!({"messages": [{"role": "user", "content": ["hi"]}]}),
            "messages[0].content[0] must be an object, not a string",
        ),
        (json!({"stream": "yes, expected a string"}), "stream must be true or false, not a string"),
        (json!({"temperature": "hot"}), "temperature must be a number, not a string"),
        (
            json!({"max_tokens": 1.5}),
            "max_tokens must be a whole number, not a number with a fraction or an exponent",
        ),
        (json!({"seed": u64::MAX}), "seed must be a whole number of at most 64 bits"),
        (json!({"stop": 7}), "stop must be a string or a list, not a number"),
        (json!({"stop": [7]}), "stop[0] must be a string, not a number"),
        (json!({"tool_choice": []}), "tool_choice must be a string or an object, not a list"),
    ] {
        assert_eq!(said(Face::OpenAiChat, &with(&chat(), &change)), expected, "{change}");
    }
    let vectors = |input: Value| said(Face::OpenAiEmbeddings, &json!({"input": input}));
    assert_eq!(vectors(json!({})), "input must be a string or a list, not an object");
    assert_eq!(
        vectors(json!([true])),
        "input[0] must be a string, a token or a list of tokens, not true or false"
    );
    assert_eq!(vectors(json!(["a", 7])), "input must hold texts or tokens, not both");
    assert_eq!(vectors(json!([[7], [8]])), "it was taken");
    let twice = Face::OpenAiChat.read(r#"{"model":"a","model":"b"}"#.into(), &[]).unwrap_err();
    assert_eq!(twice.to_string(), "the request is not usable: model must be given once only");
}

#[test]
fn a_models_name_is_short_and_printable() {
    let problem = "model must be at most 128 printable characters";
    for name in ["a\nb", "a\u{202e}b", "a\u{200b}", &"x".repeat(129), &"x".repeat(10_000)] {
        assert_eq!(said(Face::OpenAiChat, &with(&chat(), &json!({"model": name}))), problem, "{name:?}");
        assert_eq!(said(Face::AnthropicMessages, &with(&message(), &json!({"model": name}))), problem);
        assert_eq!(said(Face::OpenAiEmbeddings, &json!({"model": name, "input": "a"})), problem);
    }
    let long = "ü".repeat(128);
    assert_eq!(said(Face::OpenAiChat, &with(&chat(), &json!({"model": long}))), "it was taken");
}
