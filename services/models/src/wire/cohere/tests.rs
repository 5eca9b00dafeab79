//! The shapes are written from Cohere's public API reference.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::answer::{CallDelta, Citation, Finish, Piece, ToolCall, Usage};
use crate::ask::{Format, Role, Tool, ToolChoice, Turn};
use crate::failure::Kind;

mod requests;
mod streams;

pub(in crate::wire) use streams::{pieces, recorded};

static WIRE: LazyLock<Cohere> = LazyLock::new(|| Cohere::new(&Dialect::default()));

fn whole(message: Value, finish: &str) -> Result<Answer, Failure> {
    let document = json!({"id": "c14c80c3", "message": message, "finish_reason": finish,
        "usage": {"billed_units": {"input_tokens": 5, "output_tokens": 418},
                  "tokens": {"input_tokens": 71.0, "output_tokens": 418}, "cached_tokens": 64}});
    WIRE.answer(document.to_string().as_bytes())
}

#[test]
fn the_texts_of_the_content_are_the_answer_and_its_thoughts_are_not() {
    let message = json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hello سلام"}]});
    let answer = whole(message, "COMPLETE").unwrap();
    let usage = Usage { input_tokens: 71, output_tokens: 418, cached_tokens: 64, reasoning_tokens: 0 };
    assert_eq!(answer.output, "Hello سلام");
    assert_eq!(answer.finish, Finish { model: String::new(), reason: "stop".to_owned(), usage });
}

#[test]
fn every_reason_to_finish_has_its_word_in_the_contract() {
    let cases = [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
        ("TOOL_CALL", "tool_calls"),
        ("ERROR_TOXIC", "content_filter"),
        ("OF_TOMORROW", "of_tomorrow"),
    ];
    for (theirs, ours) in cases {
        assert_eq!(whole(json!({"role": "assistant"}), theirs).unwrap().finish.reason, ours);
    }
    for broken in ["ERROR", "TIMEOUT"] {
        assert_eq!(whole(json!({"role": "assistant"}), broken).unwrap_err().kind, Kind::Transient);
    }
}

#[test]
fn calls_are_read_with_the_plan_that_led_to_them() {
    let call = json!({"id": "get_weather_k88p0m", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\":\"Haifa\"}"}});
    let answer =
        whole(json!({"role": "assistant", "tool_plan": "I will look.", "tool_calls": [call]}), "TOOL_CALL")
            .unwrap();
    let expected = ToolCall {
        id: "get_weather_k88p0m".to_owned(),
        name: "get_weather".to_owned(),
        arguments: "{\"city\":\"Haifa\"}".to_owned(),
    };
    assert_eq!((answer.output.as_str(), answer.calls), ("I will look.", vec![expected]));
}

#[test]
fn documents_with_an_address_are_sources() {
    let document = json!({"type": "document", "id": "d1", "document": {"id": "d1", "url": "https://a.test/", "title": "A"}});
    let tool = json!({"type": "tool", "id": "t:0", "tool_output": {"x": "1"}});
    let message = json!({"role": "assistant", "content": [{"type": "text", "text": "x"}],
        "citations": [{"start": 0, "end": 1, "text": "x", "sources": [document, tool], "type": "TEXT_CONTENT"}]});
    let source = Citation { url: "https://a.test/".to_owned(), title: Some("A".to_owned()) };
    assert_eq!(whole(message, "COMPLETE").unwrap().citations, [source]);
}

#[test]
fn a_success_that_holds_no_answer_is_malformed() {
    for body in [
        "",
        "<html>",
        "{}",
        "[]",
        r#"{"message": 7}"#,
        r#"{"message": {"content": "text"}}"#,
        r#"{"message": {"#,
    ] {
        assert_eq!(WIRE.answer(body.as_bytes()).unwrap_err().kind, Kind::Malformed, "{body}");
    }
    assert_eq!(WIRE.answer(br#"{"message": "internal"}"#).unwrap_err().kind, Kind::Transient);
}

#[test]
fn every_error_answer_has_its_kind() {
    let trial = "You are using a Trial key, which is limited to 1000 API calls / month. You can continue with a Production key.";
    let cases = [
        (400, "invalid request: message must be at least 1 token long", Kind::Rejected),
        (
            400,
            "too many tokens: total number of tokens in the prompt cannot exceed 128000",
            Kind::ContextTooLong,
        ),
        (401, "invalid api token", Kind::Credential),
        (402, "Please add or update your payment method to continue", Kind::Quota),
        (403, "", Kind::Credential),
        (404, "model 'command-9' not found", Kind::ModelGone),
        (422, "unprocessable", Kind::Rejected),
        (429, "You are past the per minute request limit, please wait and try again later.", Kind::Throttled),
        (429, trial, Kind::Quota),
        (498, "invalid api token", Kind::Credential),
        (499, "client closed request", Kind::Transient),
        (500, "internal server error", Kind::Transient),
        (503, "", Kind::Transient),
    ];
    for (status, message, expected) in cases {
        let body = json!({"id": "x", "message": message});
        let status = StatusCode::from_u16(status).unwrap();
        let failure = WIRE.refusal(status, &HeaderMap::new(), body.to_string().as_bytes());
        assert_eq!(failure.kind, expected, "{status} {message}");
    }
    for body in ["", "<html>", "null", "[]"] {
        let failure = WIRE.refusal(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body.as_bytes());
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Transient, "answered 502"), "{body}");
    }
}

#[test]
fn vectors_are_asked_for_as_numbers_to_be_searched() {
    let ask = EmbedAsk { inputs: vec!["one".to_owned()], dimensions: Some(256), ..EmbedAsk::default() };
    let request = WIRE.embed("embed-v4.0", &ask).unwrap();
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({"model": "embed-v4.0", "texts": ["one"], "input_type": "search_document",
                          "embedding_types": ["float"], "output_dimension": 256});
    assert_eq!((request.path.as_str(), sent), ("/v2/embed", expected));
    let made = json!({"id": "x", "embeddings": {"float": [[0.5, -1.0]]}, "texts": ["one"], "response_type": "embeddings_by_type",
                      "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 2}}});
    let made = WIRE.embedding(made.to_string().as_bytes()).unwrap();
    assert_eq!((made.vectors, made.usage.input_tokens), (vec![vec![0.5, -1.0]], 2));
    for body in ["", "{}", "<html>", r#"{"embeddings": [[0.5]]}"#] {
        assert_eq!(WIRE.embedding(body.as_bytes()).unwrap_err().kind, Kind::Malformed, "{body}");
    }
}
