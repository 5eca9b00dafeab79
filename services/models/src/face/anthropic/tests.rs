//! The shapes are written from Anthropic's public API reference.

use serde_json::{Value, json};

use super::*;
use crate::answer::{Answer, CallDelta, Finish, Piece, ToolCall, Usage};
use crate::ask::{Role, ToolChoice};
use crate::error::Error;
use crate::face::{Label, Question, Teller};

fn read(document: &Value) -> Result<Question, Error> {
    messages(document.to_string().into(), &[])
}

fn label() -> Label {
    Label { id: "c-1".to_owned(), created: 7, model: "claude".to_owned() }
}

fn finish(reason: &str) -> Finish {
    let usage = Usage { input_tokens: 5, output_tokens: 3, cached_tokens: 2, reasoning_tokens: 0 };
    Finish { model: "claude-1".to_owned(), reason: reason.to_owned(), usage }
}

#[test]
fn a_question_means_the_same_on_every_wire() {
    let call = json!({"type": "tool_use", "id": "1", "name": "look", "input": {"at": 1}});
    let result =
        json!({"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "seen"}]});
    let Question { ask, document, .. } = read(&json!({
        "model": "auto", "max_tokens": 9, "system": [{"type": "text", "text": "be brief"}], "stop_sequences": ["END"],
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": [{"type": "text", "text": "let me see"}, call]},
            {"role": "user", "content": [result, {"type": "text", "text": "and?"}]},
        ],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
    }))
    .unwrap();
    let turns: Vec<_> = ask.turns.iter().map(|turn| (turn.role, turn.content.as_str())).collect();
    let expected = [
        (Role::System, "be brief"),
        (Role::User, "hi"),
        (Role::Assistant, "let me see"),
        (Role::Tool, "seen"),
        (Role::User, "and?"),
    ];
    assert_eq!(turns, expected);
    assert_eq!(
        (ask.turns[2].calls[0].arguments.as_str(), ask.turns[3].call_id.as_deref()),
        (r#"{"at":1}"#, Some("1"))
    );
    assert_eq!((ask.tool_choice, ask.parallel_tool_calls), (Some(ToolChoice::Required), Some(false)));
    assert_eq!((ask.max_tokens, ask.stop.len(), document.beyond), (Some(9), 1, None));
}

#[test]
fn what_is_wrong_is_named_by_its_field() {
    let asks = |change: Value| {
        let mut document =
            json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]});
        document.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        match read(&document) {
            Err(Error::Invalid(violations)) => violations.into_iter().map(|v| v.field).collect::<Vec<_>>(),
            other => panic!("{change}: {other:?}"),
        }
    };
    assert_eq!(asks(json!({"max_tokens": null})), ["max_tokens"]);
    assert_eq!(asks(json!({"max_tokens": 0})), ["max_tokens"]);
    assert_eq!(asks(json!({"temperature": 1.5})), ["temperature"]);
    assert_eq!(asks(json!({"messages": [{"role": "tool", "content": "x"}]})), ["messages[0].role"]);
    assert_eq!(
        asks(json!({"tools": [{"name": "t", "input_schema": {"type": "string"}}]})),
        ["tools[0].input_schema"]
    );
    assert_eq!(asks(json!({"tool_choice": {"type": "tool", "name": "t"}})), ["tool_choice.name"]);
}

#[test]
fn what_only_this_api_can_do_is_for_its_provider_alone() {
    let picture = json!({"type": "image", "source": {}});
    let question =
        read(&json!({"max_tokens": 1, "messages": [{"role": "user", "content": [picture]}]})).unwrap();
    assert!(question.document.beyond.unwrap().contains("messages[0].content[0] is \"image\""));
    let search = json!({"type": "web_search_20250305", "name": "web_search"});
    let messages = json!([{"role": "user", "content": "x"}]);
    let question = read(&json!({"max_tokens": 1, "messages": messages, "tools": [search]})).unwrap();
    assert!(question.document.translatable().is_err());
}

#[test]
fn a_whole_answer_is_a_message() {
    let call = ToolCall { id: "1".to_owned(), name: "look".to_owned(), arguments: r#"{"at":1}"#.to_owned() };
    let answer = Answer {
        output: "so".to_owned(),
        calls: vec![call],
        citations: vec![],
        finish: finish("tool_calls"),
    };
    let told: Value = serde_json::from_slice(&whole(answer, &label())).unwrap();
    let content = json!([
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "1", "name": "look", "input": {"at": 1}},
    ]);
    let usage = json!({
        "input_tokens": 3, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2, "output_tokens": 3,
    });
    let expected = json!({
        "id": "msg_c-1", "type": "message", "role": "assistant", "model": "claude-1", "content": content,
        "stop_reason": "tool_use", "stop_sequence": null, "usage": usage,
    });
    assert_eq!(told, expected);
}

#[test]
fn a_stream_tells_its_blocks_one_after_the_other() {
    let call = CallDelta {
        index: 0,
        id: Some("1".to_owned()),
        name: Some("look".to_owned()),
        arguments: "{".to_owned(),
    };
    let rest = CallDelta { arguments: "}".to_owned(), ..CallDelta::default() };
    let mut events = Events::new(label());
    let pieces = [
        Piece::Delta("a".to_owned()),
        Piece::Delta("b".to_owned()),
        Piece::Call(call),
        Piece::Call(rest),
        Piece::Done(finish("tool_calls")),
    ];
    let told: Vec<u8> = pieces.into_iter().flat_map(|piece| events.tell(piece)).collect();
    let text = String::from_utf8(told).unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let (start, delta, stop) = ("content_block_start", "content_block_delta", "content_block_stop");
    let expected = [
        "message_start",
        start,
        delta,
        delta,
        stop,
        start,
        delta,
        delta,
        stop,
        "message_delta",
        "message_stop",
    ];
    assert_eq!(names, expected);
    let data: Vec<Value> =
        text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect();
    assert!(data.iter().zip(&names).all(|(data, name)| data["type"] == **name));
    assert_eq!((&data[1]["index"], &data[5]["index"], &data[7]["index"]), (&json!(0), &json!(1), &json!(1)));
    assert_eq!(data[9]["delta"]["stop_reason"], "tool_use");
    assert_eq!(data[9]["usage"]["output_tokens"], 3);
}
