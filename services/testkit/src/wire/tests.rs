//! Every wire tells the same answer, whole and streamed, in its own words.

use std::time::Instant;

use serde_json::json;

use super::*;
use crate::reply::{ToolCall, Usage};

const USAGE: Usage = Usage { input: 7, output: 3 };

fn asked(path: &str) -> Asked {
    Asked {
        number: 4,
        at: Instant::now(),
        path: path.to_owned(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: json!({"model": "m-1"}),
        idempotency_key: None,
        key: None,
        stream: true,
    }
}

fn text() -> Said {
    Said { text: "سلام to you all".to_owned(), usage: Some(USAGE), ..Said::default() }
}

fn tools() -> Said {
    let call = |id: &str| ToolCall::new(id, "look_up", r#"{"name": "قاعدة", "deep": true}"#);
    Said { calls: vec![call("a"), call("b")], usage: Some(USAGE), ..Said::default() }
}

fn data(events: &[Event]) -> Vec<Value> {
    events.iter().filter_map(|event| serde_json::from_str(&event.data).ok()).collect()
}

/// Joins the strings at this place of every event.
fn joined(events: &[Value], pointer: &str) -> String {
    events.iter().filter_map(|event| event.pointer(pointer)?.as_str()).collect()
}

#[test]
fn the_pieces_of_a_stream_are_the_whole_text() {
    let cases: [(&dyn Wire, &str, &str); 4] = [
        (&openai::Chat, "/choices/0/delta/content", "/choices/0/message/content"),
        (&anthropic::Messages, "/delta/text", "/content/0/text"),
        (&gemini::Gemini, "/candidates/0/content/parts/0/text", "/candidates/0/content/parts/0/text"),
        (&cohere::Chat, "/delta/message/content/text", "/message/content/0/text"),
    ];
    for (wire, piece, whole) in cases {
        let asked = asked("/v1beta/models/m-1:generateContent");
        let events = data(&wire.events(&text(), &asked));
        assert_eq!(joined(&events, piece), text().text, "{piece}");
        assert!(
            events.iter().filter(|event| event.pointer(piece).is_some()).count() >= 4,
            "{piece}: word by word"
        );
        assert_eq!(wire.whole(&text(), &asked).pointer(whole).unwrap(), text().text.as_str());
    }
}

#[test]
fn a_tools_arguments_come_in_pieces_that_are_no_json_on_their_own() {
    let arguments = &tools().calls[0].arguments;
    let cases: [(&dyn Wire, &str); 3] = [
        (&openai::Chat, "/choices/0/delta/tool_calls/0/function/arguments"),
        (&anthropic::Messages, "/delta/partial_json"),
        (&cohere::Chat, "/delta/message/tool_calls/function/arguments"),
    ];
    for (wire, place) in cases {
        let events = data(&wire.events(&tools(), &asked("/")));
        assert_eq!(joined(&events, place), arguments.repeat(2), "{place}");
        let pieces = events.iter().filter_map(|event| event.pointer(place)?.as_str());
        assert!(
            pieces
                .filter(|piece| !piece.is_empty())
                .all(|piece| serde_json::from_str::<serde_json::Map<_, _>>(piece).is_err())
        );
    }
}

#[test]
fn each_wire_says_in_its_own_words_how_an_answer_ended() {
    let asked = asked("/models/m-1:generateContent");
    let cases: [(&dyn Wire, &str, &str, &str); 4] = [
        (&openai::Chat, "/choices/0/finish_reason", "stop", "tool_calls"),
        (&anthropic::Messages, "/stop_reason", "end_turn", "tool_use"),
        (&gemini::Gemini, "/candidates/0/finishReason", "STOP", "STOP"),
        (&cohere::Chat, "/finish_reason", "COMPLETE", "TOOL_CALL"),
    ];
    for (wire, place, text_end, tools_end) in cases {
        assert_eq!(wire.whole(&text(), &asked).pointer(place).unwrap(), text_end);
        assert_eq!(wire.whole(&tools(), &asked).pointer(place).unwrap(), tools_end);
        let cut = Said { finish: Some("length".into()), ..text() };
        assert_eq!(wire.whole(&cut, &asked).pointer(place).unwrap(), "length");
    }
}

#[test]
fn usage_is_told_whole_and_in_streams_and_can_be_left_out() {
    let asked = asked("/models/m-1:generateContent");
    let cases: [(&dyn Wire, &str); 5] = [
        (&openai::Chat, "\"prompt_tokens\":7,\"completion_tokens\":3"),
        (&embeddings::Embeddings, "\"prompt_tokens\":7"),
        (&anthropic::Messages, "\"output_tokens\":3"),
        (&gemini::Gemini, "\"promptTokenCount\":7,\"candidatesTokenCount\":3"),
        (&cohere::Chat, "\"input_tokens\":7,\"output_tokens\":3"),
    ];
    for (wire, words) in cases {
        let without = Said { usage: None, ..text() };
        let stream = |said| format!("{:?}", wire.events(&said, &asked)).replace('\\', "");
        assert!(wire.whole(&text(), &asked).to_string().contains(words), "{words}");
        assert!(stream(text()).contains(words), "{words} in {}", stream(text()));
        assert!(!wire.whole(&without, &asked).to_string().to_lowercase().contains("token"), "{words}");
        assert!(!stream(without.clone()).to_lowercase().contains("token"), "{words}");
    }
}

#[test]
fn each_wire_finds_its_key_and_its_paths() {
    let headers = |name: &'static str, value: &'static str| -> HeaderMap {
        [(http::HeaderName::from_static(name), http::HeaderValue::from_static(value))].into_iter().collect()
    };
    let cases = [
        ("/v1/chat/completions", "authorization", "Bearer k"),
        ("/openai/deployments/d/chat/completions", "api-key", "k"),
        ("/v1/embeddings", "authorization", "Bearer k"),
        ("/v1/messages", "x-api-key", "k"),
        ("/v1beta/models/m:streamGenerateContent", "x-goog-api-key", "k"),
        ("/v1beta/models/m:batchEmbedContents", "x-goog-api-key", "k"),
        ("/v2/chat", "authorization", "Bearer k"),
        ("/v2/embed", "authorization", "Bearer k"),
    ];
    for (path, name, value) in cases {
        let wires = all();
        let serving: Vec<_> = wires.iter().filter(|wire| wire.serves(path)).collect();
        assert_eq!(serving.len(), 1, "exactly one wire serves {path}");
        assert_eq!(serving[0].key(&headers(name, value)).as_deref(), Some("k"), "{path}");
        assert_eq!(serving[0].key(&HeaderMap::new()), None);
    }
}

#[test]
fn errors_have_the_wires_shape_and_the_code_that_was_asked_for() {
    assert_eq!(openai::Chat.error(401, "")["error"]["code"], "invalid_api_key");
    assert_eq!(openai::Chat.error(429, "insufficient_quota")["error"]["code"], "insufficient_quota");
    assert_eq!(openai::Chat.error(500, "")["error"]["code"], Value::Null);
    assert_eq!(anthropic::Messages.error(529, "")["error"]["type"], "overloaded_error");
    assert_eq!(gemini::Gemini.error(429, "")["error"]["status"], "RESOURCE_EXHAUSTED");
    assert_eq!(cohere::Chat.error(500, "boom")["message"], "boom");
}

#[test]
fn alike_texts_have_alike_vectors_of_length_one() {
    let mut asked = asked("/v1/embeddings");
    asked.body = json!({"model": "e", "input": ["a", "b", "a"], "dimensions": 16});
    let answer = embeddings::Embeddings.whole(&text(), &asked);
    let vector = |n: usize| answer["data"][n]["embedding"].as_array().unwrap();
    assert_eq!(vector(0), vector(2));
    assert_ne!(vector(0), vector(1));
    assert_eq!(vector(0).len(), 16);
    let length: f64 = vector(0).iter().map(|x| x.as_f64().unwrap().powi(2)).sum();
    assert!((length - 1.0).abs() < 1e-9);
}
