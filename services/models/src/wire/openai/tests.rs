//! The shapes are written from OpenAI's public API reference.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::variant::{OPENAI, VARIANTS};
use super::*;
use crate::answer::{CallDelta, Finish, Piece, Usage};
use crate::ask::{Format, Role, Turn};
use crate::failure::Kind;

mod embeddings;
mod refusals;
mod streams;
mod tools;
mod variants;

pub(in crate::wire) use streams::{pieces, recorded};

static WIRE: LazyLock<OpenAi> = LazyLock::new(|| OpenAi::new(&OPENAI, &Dialect::default()));

fn ask() -> Ask {
    Ask { turns: vec![Turn::new(Role::System, "be brief"), Turn::new(Role::User, "hi")], ..Ask::default() }
}

fn body(ask: &Ask, mode: Mode) -> Value {
    serde_json::from_slice(&WIRE.request("gpt-4o", ask, mode).body).unwrap()
}

#[test]
fn a_plain_question_sends_nothing_that_was_not_asked_for() {
    let request = WIRE.request("gpt-4o", &ask(), Mode::Whole);
    assert_eq!(request.path, "/chat/completions");
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(!request.headers.contains_key("idempotency-key"));
    let messages = json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]);
    assert_eq!(body(&ask(), Mode::Whole), json!({"model": "gpt-4o", "messages": messages}));
}

#[test]
fn limits_schema_and_idempotency_key_are_sent_where_the_wire_has_them() {
    let schema = json!({"type": "object", "properties": {"score": {"type": "number"}}});
    let ask = Ask {
        temperature: Some(0.5),
        max_tokens: Some(64),
        format: Format::Schema {
            name: "answer".to_owned(),
            schema: schema.as_object().cloned().unwrap(),
            strict: false,
        },
        idempotency_key: Some("job-7".to_owned()),
        ..ask()
    };
    let sent = body(&ask, Mode::Whole);
    assert_eq!(sent["temperature"], 0.5);
    assert_eq!(sent["max_completion_tokens"], 64);
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": false, "schema": schema}});
    assert_eq!(sent["response_format"], format);
    assert_eq!(WIRE.request("gpt-4o", &ask, Mode::Whole).headers["idempotency-key"], "job-7");
}

#[test]
fn a_stream_asks_for_its_usage() {
    let sent = body(&ask(), Mode::Stream);
    assert_eq!((&sent["stream"], &sent["stream_options"]), (&json!(true), &json!({"include_usage": true})));
    assert_eq!(WIRE.request("gpt-4o", &ask(), Mode::Stream).headers["accept"], "text/event-stream");
}

#[test]
fn the_key_is_a_bearer_that_debug_output_hides() {
    let (name, value) = WIRE.authorization(&SecretString::from("sk-canary")).unwrap();
    assert_eq!((name, value.as_bytes()), (AUTHORIZATION, b"Bearer sk-canary".as_slice()));
    assert!(!format!("{value:?}").contains("canary"));
    assert!(WIRE.authorization(&SecretString::from("two\nlines")).is_none());
}

#[test]
fn a_whole_answer_gives_text_model_reason_and_usage() {
    let document = json!({
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": "chat.completion", "created": 1741569952,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello! 👋", "refusal": null, "annotations": []},
                     "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29,
                  "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}},
        "service_tier": "default"
    });
    let answer = WIRE.answer(document.to_string().as_bytes()).unwrap();
    assert_eq!(answer.output, "Hello! 👋");
    let usage = Usage { input_tokens: 19, output_tokens: 10, ..Usage::default() };
    let finish = Finish { model: "gpt-4o-2024-08-06".to_owned(), reason: "stop".to_owned(), usage };
    assert_eq!(answer.finish, finish);
}

#[test]
fn a_models_own_refusal_is_shown_as_filtered_content() {
    let message = json!({"role": "assistant", "content": null, "refusal": "I can't help with that."});
    let document = json!({"model": "m", "choices": [{"message": message, "finish_reason": "stop"}]});
    let answer = WIRE.answer(document.to_string().as_bytes()).unwrap();
    assert_eq!(
        (answer.output.as_str(), answer.finish.reason.as_str()),
        ("I can't help with that.", "content_filter")
    );
}

#[test]
fn an_answer_without_text_is_an_empty_answer_and_no_failure() {
    let document =
        json!({"choices": [{"message": {"role": "assistant", "content": null}, "finish_reason": "length"}]});
    let answer = WIRE.answer(document.to_string().as_bytes()).unwrap();
    assert_eq!((answer.output.as_str(), answer.finish.reason.as_str()), ("", "length"));
}

#[test]
fn a_success_that_holds_no_answer_is_malformed_and_says_how() {
    let cases = [
        ("", "an empty body instead of JSON"),
        ("<!doctype html><h1>It works</h1>", "an HTML page instead of JSON"),
        (r#"{"choices": [{"message": {"content": "hal"#, "JSON that is cut short"),
        (r#"{"choices": "many"}"#, "JSON of another shape than an answer's"),
        ("OK", "something that is not JSON"),
        (r#"{"choices": []}"#, "without any choice"),
        ("{}", "without any choice"),
    ];
    for (body, expected) in cases {
        let failure = WIRE.answer(body.as_bytes()).unwrap_err();
        assert_eq!(failure.kind, Kind::Malformed, "{body}");
        assert!(failure.message.contains(expected), "{body}: {failure}");
    }
}

proptest! {
    #[test]
    fn no_bytes_of_a_provider_make_a_reader_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = WIRE.answer(&body);
        let _ = WIRE.refusal(StatusCode::BAD_REQUEST, &HeaderMap::new(), &body);
        let event = [b"data: ".as_slice(), &body, b"\n\n"].concat();
        let mut reader = WIRE.pieces();
        let _ = reader.push(&event);
        let _ = reader.end();
    }

    #[test]
    fn an_answer_that_is_cut_anywhere_is_malformed(cut in 0_usize..100) {
        let document = json!({"model": "m", "choices": [{"message": {"content": "سلام"}, "finish_reason": "stop"}]}).to_string();
        let cut = cut % document.len();
        let failure = WIRE.answer(&document.as_bytes()[..cut]).unwrap_err();
        prop_assert_eq!(failure.kind, Kind::Malformed);
    }
}
