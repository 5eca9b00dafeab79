use bsm_proto::models::v1;
use serde_json::json;

use super::*;

fn message(role: &str, content: &str) -> v1::Message {
    v1::Message { role: role.to_owned(), content: content.to_owned() }
}

fn prompt() -> v1::Prompt {
    v1::Prompt { messages: vec![message("user", "hello")], ..Default::default() }
}

fn fields(prompt: v1::Prompt) -> Vec<String> {
    Ask::parse(prompt).unwrap_err().into_iter().map(|violation| violation.field).collect()
}

#[test]
fn what_is_left_out_gets_the_documented_default() {
    let ask = Ask::parse(prompt()).unwrap();
    assert_eq!(ask.model, None);
    assert_eq!(ask.hints, Hints { task: "chat_response".to_owned(), complexity: Complexity::Medium });
    assert_eq!(ask.language, Language::English);
    assert_eq!((ask.temperature, ask.max_tokens, ask.idempotency_key), (None, None, None));
    assert_eq!(ask.turns, [Turn { role: Role::User, content: "hello".to_owned() }]);
}

#[test]
fn a_conversation_has_one_to_256_messages() {
    assert_eq!(fields(v1::Prompt { messages: vec![], ..prompt() }), ["prompt.messages"]);
    let full = vec![message("user", "x"); MAX_MESSAGES];
    assert!(Ask::parse(v1::Prompt { messages: full.clone(), ..prompt() }).is_ok());
    let over = [full, vec![message("user", "x")]].concat();
    assert_eq!(fields(v1::Prompt { messages: over, ..prompt() }), ["prompt.messages"]);
}

#[test]
fn every_mistake_is_named_at_once_with_its_field() {
    let bad = v1::Prompt {
        model: Some("a\nb".to_owned()),
        messages: vec![message("user", "x"), message("robot", "")],
        task: Some("no spaces".to_owned()),
        complexity: Some("extreme".to_owned()),
        temperature: Some(2.1),
        max_tokens: Some(0),
        idempotency_key: Some("a b".to_owned()),
        language: Some("fr".to_owned()),
        ..Default::default()
    };
    let expected = [
        "prompt.model",
        "prompt.messages[1].content",
        "prompt.messages[1].role",
        "prompt.task",
        "prompt.complexity",
        "prompt.temperature",
        "prompt.max_tokens",
        "prompt.idempotency_key",
        "prompt.language",
    ];
    assert_eq!(fields(bad), expected);
}

#[test]
fn a_temperature_is_a_number_from_0_to_2() {
    for good in [0.0, 1.3, 2.0] {
        assert!(Ask::parse(v1::Prompt { temperature: Some(good), ..prompt() }).is_ok(), "{good}");
    }
    for bad in [-0.1, 2.01, f64::NAN, f64::INFINITY] {
        assert_eq!(
            fields(v1::Prompt { temperature: Some(bad), ..prompt() }),
            ["prompt.temperature"],
            "{bad}"
        );
    }
}

#[test]
fn the_problem_names_what_was_found_and_what_would_be_right() {
    let violations = Ask::parse(v1::Prompt { messages: vec![message("tool", "x")], ..prompt() }).unwrap_err();
    assert_eq!(violations[0].problem, r#"must be system, user or assistant, not "tool""#);
}

#[test]
fn a_schema_keeps_its_shape() {
    let schema = json!({"type": "object", "required": ["score"], "maxItems": 3});
    let wire = bsm_runtime::json::to_struct(schema.clone());
    let ask = Ask::parse(v1::Prompt { response_schema: Some(wire), ..prompt() }).unwrap();
    assert_eq!(serde_json::Value::Object(ask.response_schema.unwrap()), schema);
}
