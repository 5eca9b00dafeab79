//! The shapes are written from OpenAI's public API reference.

use serde_json::{Value, json};

use super::*;
use crate::answer::{Answer, CallDelta, Embedding, Finish, Piece, ToolCall, Usage};
use crate::ask::{Format, Role, ToolChoice};
use crate::error::Error;
use crate::face::{Encoding, Label, Question, Teller};
use crate::wire::Mode;

fn read(document: &Value) -> Result<Question, Error> {
    chat(document.to_string().into(), &[])
}

fn refused(document: &Value) -> Vec<String> {
    match read(document) {
        Err(Error::Invalid(violations)) => violations.into_iter().map(|v| v.field).collect(),
        other => panic!("{other:?}"),
    }
}

fn asks(content: Value) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": content}]})
}

fn label() -> Label {
    Label { id: "c-1".to_owned(), created: 7, model: "gpt-4o".to_owned() }
}

fn finish(reason: &str) -> Finish {
    let usage = Usage { input_tokens: 5, output_tokens: 3, cached_tokens: 2, reasoning_tokens: 1 };
    Finish { model: "gpt-4o-2024".to_owned(), reason: reason.to_owned(), usage }
}

#[test]
fn a_question_means_the_same_on_every_wire() {
    let tool = json!({"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}});
    let call = json!({"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let question = read(&json!({
        "model": "auto", "stream": true, "temperature": 0.5, "max_completion_tokens": 9, "stop": "END", "seed": 3,
        "messages": [
            {"role": "developer", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "seen"},
        ],
        "tools": [tool], "tool_choice": "required", "response_format": {"type": "json_object"}, "user": "unknown here",
    }));
    let Question { ask, mode, document } = question.unwrap();
    assert_eq!((mode, document.tells_usage, document.beyond), (Mode::Stream, false, None));
    let turns: Vec<_> = ask.turns.iter().map(|turn| (turn.role, turn.content.as_str())).collect();
    let expected =
        [(Role::System, "be brief"), (Role::User, "ab"), (Role::Assistant, ""), (Role::Tool, "seen")];
    assert_eq!(turns, expected);
    assert_eq!((ask.turns[2].calls[0].name.as_str(), ask.turns[3].call_id.as_deref()), ("look", Some("1")));
    assert_eq!((ask.temperature, ask.max_tokens, ask.seed), (Some(0.5), Some(9), Some(3)));
    assert_eq!((ask.stop.len(), ask.tools.len(), ask.tool_choice), (1, 1, Some(ToolChoice::Required)));
    assert_eq!(ask.format, Format::Json);
}

#[test]
fn what_is_wrong_is_named_by_its_field_and_all_at_once() {
    for (change, fields) in [
        (json!({"messages": []}), &["messages"][..]),
        (json!({"temperature": 3, "top_p": -1}), &["temperature", "top_p"]),
        (json!({"max_tokens": -5}), &["max_tokens"]),
        (json!({"messages": [{"role": "wizard", "content": "x"}]}), &["messages[0].role"]),
        (json!({"messages": [{"role": 7}]}), &["messages[0].role"]),
        (json!({"messages": "hi"}), &["messages"]),
        (json!({"stream": "yes"}), &["stream"]),
        (json!({"tool_choice": "sometimes"}), &["tool_choice"]),
        (json!({"response_format": {"type": "poem"}}), &["response_format.type"]),
        (
            json!({"tools": [{"type": "function", "function": {"name": "", "parameters": {"type": "array"}}}]}),
            &["tools[0].function.name", "tools[0].function.parameters"],
        ),
    ] {
        let mut document = asks("x".into());
        document.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        assert_eq!(refused(&document), fields, "{change}");
    }
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    let Err(Error::Json { line, column, .. }) = chat("{\n \"model\": }".into(), &[]) else { panic!() };
    assert_eq!((line, column), (2, 11));
    assert!(matches!(chat("".into(), &[]), Err(Error::Json { .. })));
}

#[test]
fn what_only_this_api_can_do_is_for_its_providers_alone() {
    let picture =
        asks(json!([{"type": "image_url", "image_url": {"url": "data:x"}}, {"type": "text", "text": "?"}]));
    let question = read(&picture).unwrap();
    assert!(question.document.beyond.unwrap().contains("messages[0].content[0] is \"image_url\""));
    let mut several = asks("x".into());
    several["n"] = 2.into();
    assert!(read(&several).unwrap().document.translatable().is_err());
}

#[test]
fn a_whole_answer_is_a_completion() {
    let call = ToolCall { id: "1".to_owned(), name: "look".to_owned(), arguments: "{}".to_owned() };
    let answer =
        Answer { output: String::new(), calls: vec![call], citations: vec![], finish: finish("tool_calls") };
    let told: Value = serde_json::from_slice(&whole(answer, &label())).unwrap();
    let call = json!({"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}});
    let message = json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": [call]});
    let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": "tool_calls"});
    let usage = json!({
        "prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 1},
    });
    let expected = json!({
        "id": "chatcmpl-c-1", "object": "chat.completion", "created": 7, "model": "gpt-4o-2024",
        "choices": [choice], "usage": usage,
    });
    assert_eq!(told, expected);
}

fn events(tells_usage: bool, pieces: Vec<Piece>) -> Vec<Value> {
    let mut chunks = Chunks::new(label(), tells_usage);
    let told: Vec<u8> = pieces.into_iter().flat_map(|piece| chunks.tell(piece)).collect();
    let text = String::from_utf8(told).unwrap();
    let (events, end) = text.rsplit_once("data: ").unwrap();
    assert_eq!(end, "[DONE]\n\n");
    events
        .split_terminator("\n\n")
        .map(|event| serde_json::from_str(&event["data: ".len()..]).unwrap())
        .collect()
}

#[test]
fn a_stream_begins_with_the_role_and_ends_with_its_reason_and_only_if_asked_with_its_usage() {
    let pieces = || vec![Piece::Delta("Hi".to_owned()), Piece::Done(finish("stop"))];
    let told = events(false, pieces());
    assert_eq!(told[0]["choices"][0]["delta"], json!({"content": "Hi", "role": "assistant"}));
    assert_eq!(told[1]["choices"][0]["finish_reason"], "stop");
    assert_eq!(told.len(), 2);
    let told = events(true, pieces());
    assert_eq!((&told[2]["choices"], &told[2]["usage"]["total_tokens"]), (&json!([]), &json!(8)));
}

#[test]
fn a_call_comes_piece_by_piece() {
    let first = CallDelta {
        index: 0,
        id: Some("1".to_owned()),
        name: Some("look".to_owned()),
        arguments: String::new(),
    };
    let rest = CallDelta { arguments: "{}".to_owned(), ..CallDelta::default() };
    let told = events(false, vec![Piece::Call(first), Piece::Call(rest), Piece::Done(finish("tool_calls"))]);
    let call = |at: usize| told[at]["choices"][0]["delta"]["tool_calls"][0].clone();
    let function = json!({"name": "look", "arguments": ""});
    assert_eq!(call(0), json!({"index": 0, "id": "1", "type": "function", "function": function}));
    assert_eq!(call(1), json!({"index": 0, "function": {"arguments": "{}"}}));
}

#[test]
fn vectors_are_lists_or_the_base64_of_their_bytes() {
    let embedding =
        Embedding { vectors: vec![vec![1.0, -0.5]], model: String::new(), usage: Usage::default() };
    let told = |encoding| serde_json::from_slice::<Value>(&vectors(&embedding, encoding, &label())).unwrap();
    assert_eq!(told(Encoding::Float)["data"][0]["embedding"], json!([1.0, -0.5]));
    assert_eq!(told(Encoding::Base64)["data"][0]["embedding"], "AACAPwAAAL8=");
    assert_eq!(told(Encoding::Float)["model"], "gpt-4o");
}

#[test]
fn texts_are_one_or_several_and_tokens_are_for_this_api_alone() {
    let read = |input: Value| texts(json!({"model": "m", "input": input}).to_string().into(), &[]);
    assert_eq!(read("a".into()).unwrap().ask.inputs, ["a"]);
    assert_eq!(read(json!(["a", "b"])).unwrap().ask.inputs, ["a", "b"]);
    assert!(read(json!([1, 2])).unwrap().document.translatable().is_err());
    for wrong in [json!([]), json!(""), json!(["a", ""]), Value::Null] {
        assert!(matches!(read(wrong), Err(Error::Invalid(_))));
    }
}

#[test]
fn a_plain_question_is_forwarded_with_few_allocations_whatever_its_length() {
    let counted = |prompt: usize| {
        let document = asks("x".repeat(prompt).into()).to_string();
        let body = bytes::Bytes::from(document);
        allocation_counter::measure(|| {
            let question = chat(body.clone(), &[]).unwrap();
            assert!(!question.document.asking("gpt-4o-mini", true, "max_tokens").is_empty());
        })
    };
    let (short, long) = (counted(10), counted(100_000));
    assert_eq!(short.count_total, long.count_total);
    assert!(short.count_total <= 24, "{short:?}");
    // What is read is kept once beside the caller's bytes, and what is sent is written once.
    assert!(long.bytes_max < 350_000, "{long:?}");
}
