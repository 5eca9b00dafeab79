//! The shapes are written from Google's public reference of the Gemini API.

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::answer::{CallDelta, Citation, Finish, Piece, ToolCall, Usage};
use crate::ask::{Format, Role, Tool, ToolChoice, Turn};
use crate::failure::Kind;

mod refusals;
mod requests;
mod streams;

pub(in crate::wire) use streams::{pieces, recorded};

static WIRE: LazyLock<Gemini> = LazyLock::new(|| Gemini::new(&Dialect::default()));

fn ask() -> Ask {
    let turns = vec![Turn::new(Role::System, "be brief"), Turn::new(Role::User, "hi")];
    Ask { turns, ..Ask::default() }
}

fn document(parts: Value, finish: &str) -> Value {
    json!({"candidates": [{"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0,
                           "avgLogprobs": -0.1}],
           "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 150,
                             "cachedContentTokenCount": 64, "thoughtsTokenCount": 40},
           "modelVersion": "gemini-2.5-pro", "responseId": "aB_1-x"})
}

fn whole(parts: Value, finish: &str) -> Result<Answer, Failure> {
    WIRE.answer(document(parts, finish).to_string().as_bytes())
}

#[test]
fn the_texts_of_the_parts_are_the_answer_and_its_thoughts_are_not() {
    let parts = json!([{"text": "hm", "thought": true}, {"text": "Hello "}, {"text": "سلام", "thoughtSignature": "Eq=="}]);
    let answer = whole(parts, "STOP").unwrap();
    assert_eq!(answer.output, "Hello سلام");
    let usage = Usage { input_tokens: 100, output_tokens: 50, cached_tokens: 64, reasoning_tokens: 40 };
    let finish = Finish { model: "gemini-2.5-pro".to_owned(), reason: "stop".to_owned(), usage };
    assert_eq!(answer.finish, finish);
}

#[test]
fn every_reason_to_finish_has_its_word_in_the_contract() {
    let cases = [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("OTHER", "other"),
    ];
    for (theirs, ours) in cases {
        assert_eq!(whole(json!([{"text": "x"}]), theirs).unwrap().finish.reason, ours);
    }
    for broken in ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"] {
        assert_eq!(whole(json!([]), broken).unwrap_err().kind, Kind::Malformed);
    }
}

#[test]
fn an_answer_that_was_stopped_before_it_said_anything_is_filtered_content() {
    let stopped = json!({"candidates": [{"finishReason": "SAFETY", "index": 0,
        "safetyRatings": [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "HIGH"}]}]});
    let answer = WIRE.answer(stopped.to_string().as_bytes()).unwrap();
    assert_eq!((answer.output.as_str(), answer.finish.reason.as_str()), ("", "content_filter"));
}

#[test]
fn a_prompt_that_is_blocked_is_against_the_providers_policy() {
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 12}, "modelVersion": "gemini-2.5-flash"});
    let failure = WIRE.answer(blocked.to_string().as_bytes()).unwrap_err();
    let told = (failure.kind, failure.message.as_str());
    assert_eq!(told, (Kind::ContentPolicy, "blocked the prompt (prohibited_content)"));
    let event = format!("data: {blocked}\n\n");
    assert_eq!(WIRE.pieces().push(event.as_bytes()).unwrap_err().kind, Kind::ContentPolicy);
}

#[test]
fn calls_have_ids_that_no_other_answer_gives_and_carry_their_signature_within() {
    let parts = json!([{"functionCall": {"name": "now", "args": {"zone": "UTC", "at": 1}}, "thoughtSignature": "a+b/c=="},
                       {"functionCall": {"id": "fc-7", "name": "now"}}]);
    let answer = whole(parts, "STOP").unwrap();
    let call = |id: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: "now".to_owned(),
        arguments: arguments.to_owned(),
    };
    let expected = [call("call_aB1x_0--sig--a-b_c", r#"{"zone":"UTC","at":1}"#), call("fc-7", "{}")];
    assert_eq!((answer.calls, answer.finish.reason.as_str()), (expected.to_vec(), "tool_calls"));
}

#[test]
fn pages_that_are_cited_or_that_ground_the_answer_are_its_sources() {
    let mut document = document(json!([{"text": "x"}]), "STOP");
    document["candidates"][0]["citationMetadata"] = json!({"citationSources": [{"startIndex": 0, "endIndex": 1, "uri": "https://a.test/"}, {"license": "MIT"}]});
    document["candidates"][0]["groundingMetadata"] = json!({"groundingChunks": [
        {"web": {"uri": "https://b.test/", "title": "b.test"}}, {"web": {"uri": "https://a.test/", "title": "A"}}, {"maps": {}}]});
    let source = |url: &str, title: &str| Citation { url: url.to_owned(), title: Some(title.to_owned()) };
    let answer = WIRE.answer(document.to_string().as_bytes()).unwrap();
    assert_eq!(answer.citations, [source("https://a.test/", "A"), source("https://b.test/", "b.test")]);
    let quiet = Gemini::new(&Dialect { citations: false, ..Dialect::default() });
    assert_eq!(quiet.answer(document.to_string().as_bytes()).unwrap().citations, []);
}

#[test]
fn a_success_that_holds_no_answer_is_malformed() {
    let cases = [
        "",
        "<html>",
        "{}",
        "[]",
        r#"{"candidates": []}"#,
        r#"{"candidates": "one"}"#,
        r#"{"candidates": [{"#,
    ];
    for body in cases {
        assert_eq!(WIRE.answer(body.as_bytes()).unwrap_err().kind, Kind::Malformed, "{body}");
    }
}

#[test]
fn vectors_come_in_the_order_of_their_requests() {
    let ask = EmbedAsk {
        inputs: vec!["one".to_owned(), "two".to_owned()],
        dimensions: Some(2),
        ..EmbedAsk::default()
    };
    let request = WIRE.embed("gemini-embedding-001", &ask).unwrap();
    assert_eq!(request.path, "/v1beta/models/gemini-embedding-001:batchEmbedContents");
    let one = |text: &str| json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}, "outputDimensionality": 2});
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(sent, json!({"requests": [one("one"), one("two")]}));
    let made = json!({"embeddings": [{"values": [0.5, -1.0]}, {"values": [0.25, 2.0]}]});
    assert_eq!(WIRE.embedding(made.to_string().as_bytes()).unwrap().vectors, [[0.5, -1.0], [0.25, 2.0]]);
    for body in ["", "{}", r#"{"embeddings": [{}]}"#, "<html>"] {
        assert_eq!(WIRE.embedding(body.as_bytes()).unwrap_err().kind, Kind::Malformed, "{body}");
    }
}
