//! The shapes are written from Anthropic's public API reference.

use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::answer::{CallDelta, Citation, Finish, Piece, ToolCall, Usage};
use crate::ask::{Format, Role, Tool, ToolChoice, Turn};
use crate::face::{Asked, Face};
use crate::failure::Kind;

mod requests;
mod streams;

pub(in crate::wire) use streams::{pieces, recorded};

static WIRE: LazyLock<Anthropic> = LazyLock::new(|| Anthropic::new(&Dialect::default()));

fn ask() -> Ask {
    let turns = vec![Turn::new(Role::System, "be brief"), Turn::new(Role::User, "hi")];
    Ask { turns, ..Ask::default() }
}

fn whole(content: Value, stop_reason: &str) -> Answer {
    let message = json!({"id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant",
        "model": "claude-sonnet-4-5-20250929", "content": content, "stop_reason": stop_reason, "stop_sequence": null,
        "usage": {"input_tokens": 21, "cache_creation_input_tokens": 100, "cache_read_input_tokens": 1000,
                  "output_tokens": 93, "service_tier": "standard"}});
    WIRE.answer(message.to_string().as_bytes()).unwrap()
}

#[test]
fn the_texts_of_a_message_are_the_answer_and_its_thoughts_are_not() {
    let content = json!([{"type": "thinking", "thinking": "hm", "signature": "Eq"}, {"type": "text", "text": "Hello "},
                         {"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "سلام"}]);
    let answer = whole(content, "end_turn");
    assert_eq!((answer.output.as_str(), answer.calls.len()), ("Hello سلام", 0));
    let usage = Usage { input_tokens: 1121, output_tokens: 93, cached_tokens: 1000, reasoning_tokens: 0 };
    let model = "claude-sonnet-4-5-20250929".to_owned();
    assert_eq!(answer.finish, Finish { model, reason: "stop".to_owned(), usage });
}

#[test]
fn every_reason_to_stop_has_its_word_in_the_contract() {
    let cases = [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("pause_turn", "pause_turn"),
    ];
    for (theirs, ours) in cases {
        assert_eq!(whole(json!([]), theirs).finish.reason, ours);
    }
}

#[test]
fn calls_are_read_with_their_input_as_text() {
    let content = json!([{"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Haifa", "at": 1}},
        {"type": "server_tool_use", "id": "srvtoolu_01", "name": "web_search", "input": {"query": "x"}},
        {"type": "tool_use", "id": "toolu_02", "name": "now", "input": {}}]);
    let call = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.to_owned(),
        name: name.to_owned(),
        arguments: arguments.to_owned(),
    };
    let answer = whole(content, "tool_use");
    let expected =
        [call("toolu_01", "get_weather", r#"{"city":"Haifa","at":1}"#), call("toolu_02", "now", "{}")];
    assert_eq!((answer.output.as_str(), answer.calls), ("Let me look.", expected.to_vec()));
}

#[test]
fn pages_that_a_text_refers_to_are_its_sources() {
    let page = json!({"type": "web_search_result_location", "url": "https://a.test/", "title": "A", "cited_text": "a"});
    let given = json!({"type": "search_result_location", "source": "https://b.test/", "title": null, "cited_text": "b"});
    let document =
        json!({"type": "char_location", "document_index": 0, "document_title": "D", "cited_text": "c"});
    let content = json!([{"type": "text", "text": "x", "citations": [page, given, document, page]}]);
    let source =
        |url: &str, title: Option<&str>| Citation { url: url.to_owned(), title: title.map(str::to_owned) };
    assert_eq!(
        whole(content, "end_turn").citations,
        [source("https://a.test/", Some("A")), source("https://b.test/", None)]
    );
}

#[test]
fn a_success_that_holds_no_answer_is_malformed() {
    let cases = [
        "",
        "<html>",
        "{}",
        "[]",
        r#"{"content": "text"}"#,
        r#"{"content": [{"type": "text"}]}"#,
        r#"{"content": [{"#,
    ];
    for body in cases {
        assert_eq!(WIRE.answer(body.as_bytes()).unwrap_err().kind, Kind::Malformed, "{body}");
    }
}

#[test]
fn every_error_answer_has_its_kind() {
    let cases = [
        (400, "invalid_request_error", "messages: at least one message is required", Kind::Rejected),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 209000 tokens > 200000 maximum",
            Kind::ContextTooLong,
        ),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            Kind::ContextTooLong,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            Kind::Quota,
        ),
        (400, "invalid_request_error", "You have reached your specified API usage limits.", Kind::Quota),
        (400, "invalid_request_error", "Output blocked by content filtering policy", Kind::ContentPolicy),
        (401, "authentication_error", "invalid x-api-key", Kind::Credential),
        (402, "billing_error", "", Kind::Quota),
        (403, "permission_error", "", Kind::Credential),
        (404, "not_found_error", "model: claude-9", Kind::ModelGone),
        (413, "request_too_large", "Request exceeds the maximum size", Kind::ContextTooLong),
        (429, "rate_limit_error", "", Kind::Throttled),
        (500, "api_error", "Internal server error", Kind::Transient),
        (504, "timeout_error", "", Kind::Transient),
        (529, "overloaded_error", "Overloaded", Kind::Transient),
    ];
    for (status, kind, message, expected) in cases {
        let body =
            json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
        let status = StatusCode::from_u16(status).unwrap();
        let failure = WIRE.refusal(status, &HeaderMap::new(), body.to_string().as_bytes());
        assert_eq!(failure.kind, expected, "{status} {message}");
    }
    for body in ["", "<html>", "null", "[]", r#"{"error": "x"}"#] {
        let failure = WIRE.refusal(StatusCode::BAD_GATEWAY, &HeaderMap::new(), body.as_bytes());
        assert_eq!((failure.kind, failure.message.as_str()), (Kind::Transient, "answered 502"), "{body}");
    }
}

#[test]
fn a_throttled_answer_says_when_to_come_back_and_nothing_about_the_account() {
    let body = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "organization o-1 has used it up"}});
    let headers = [(http::header::RETRY_AFTER, HeaderValue::from_static("12"))].into_iter().collect();
    let failure = WIRE.refusal(StatusCode::TOO_MANY_REQUESTS, &headers, body.to_string().as_bytes());
    assert_eq!(
        (failure.message.as_str(), failure.retry_after),
        ("answered 429", Some(Duration::from_secs(12)))
    );
}

#[test]
fn an_error_within_a_success_is_no_answer() {
    let body =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}).to_string();
    assert_eq!(WIRE.answer(body.as_bytes()).unwrap_err().kind, Kind::Transient);
}

#[test]
fn a_message_passes_as_it_came_in_the_callers_version() {
    let body = r#"{ "model":"auto", "max_tokens":9, "messages":[{"role":"user","content":"x"}], "thinking":{"z":1} }"#;
    let headers = [("anthropic-version", "2030-01-01"), ("anthropic-beta", "b"), ("cookie", "c")];
    let headers = headers.map(|(name, value)| bsm_proto::models::v1::RelayHeader {
        name: name.to_owned(),
        value: value.to_owned(),
    });
    let Asked::Words(question) = Face::AnthropicMessages.read(body.into(), &headers).unwrap() else {
        panic!()
    };
    let sent = Anthropic::new(&Dialect::default()).forward("m", &question.document, Mode::Whole).unwrap();
    assert_eq!(sent.body, body.replace("auto", "m").into_bytes());
    assert_eq!(sent.headers["anthropic-version"], "2030-01-01");
    assert_eq!(sent.headers["anthropic-beta"], "b");
    assert!(!sent.headers.contains_key("cookie"));
    let asked = Face::OpenAiChat.read(r#"{"messages":[{"role":"user","content":"x"}]}"#.into(), &[]).unwrap();
    let Asked::Words(other) = asked else { panic!() };
    assert_eq!(Anthropic::new(&Dialect::default()).forward("m", &other.document, Mode::Whole), None);
}
