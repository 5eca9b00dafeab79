//! What the scripted provider does with a call.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use http::{StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

/// One way to answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The model says this text: whole or streamed word by word, as the call asks.
    Says(String),
    /// This HTTP status, with an error in the wire's shape.
    Fails(u16),
    /// This body with status 200 and this content type, whatever was asked.
    Raw(&'static str, String),
    /// Nothing, for ever.
    Hangs,
}

impl Reply {
    /// A reviewer's answer without findings.
    pub fn review(decision: &str, score: u32, summary: &str) -> Reply {
        let answer = json!({"decision": decision, "score": score, "summary": summary, "findings": []});
        Reply::Says(answer.to_string())
    }

    pub(crate) async fn respond(self, asked: &Value) -> Response {
        match self {
            Reply::Says(text) if asked["stream"] == true => streamed(&text),
            Reply::Says(text) => whole(&text),
            Reply::Fails(code) => failed(code),
            Reply::Raw(kind, body) => ([(CONTENT_TYPE, kind)], body).into_response(),
            Reply::Hangs => std::future::pending().await,
        }
    }
}

fn usage(text: &str) -> Value {
    let words = text.split_whitespace().count();
    json!({"prompt_tokens": 11, "completion_tokens": words, "total_tokens": 11 + words})
}

fn whole(text: &str) -> Response {
    let answer = json!({
        "id": "chatcmpl-scripted", "object": "chat.completion", "created": 0, "model": "scripted-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": usage(text),
    });
    axum::Json(answer).into_response()
}

fn streamed(text: &str) -> Response {
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 0, "model": "scripted-1",
               "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let mut events: Vec<String> = text
        .split_inclusive(' ')
        .map(|word| chunk(json!({"content": word}), Value::Null).to_string())
        .collect();
    events.push(chunk(json!({}), json!("stop")).to_string());
    events.push(json!({"id": "chatcmpl-scripted", "choices": [], "usage": usage(text)}).to_string());
    events.push("[DONE]".to_owned());
    let frames = events.into_iter().map(|event| Bytes::from(format!("data: {event}\n\n")));
    let body = Body::from_stream(stream::iter(frames).map(Ok::<_, Infallible>));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn failed(code: u16) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error = json!({"error": {"message": "as scripted", "type": "server_error", "code": null}});
    (status, axum::Json(error)).into_response()
}
