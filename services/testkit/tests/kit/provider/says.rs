//! Answers that are no fault, and the errors that providers tell properly.

use std::time::{Duration, Instant};

use bsm_testkit::{
    Latency, Provider, Reply, Seed,
    reply::{ToolCall, Usage},
};
use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn an_answer_is_whole_or_streamed_as_asked() {
    let provider = Provider::start(|_| Reply::Says("one two".into())).await.unwrap();
    let whole = ask(&provider).await;
    assert!(whole.headers().contains_key("content-length"));
    let whole: Value = whole.json().await.unwrap();
    assert_eq!(whole["choices"][0]["message"]["content"], "one two");
    assert_eq!(whole["usage"], json!({"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13}));
    let stream = ask_stream(&provider).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let stream = stream.text().await.unwrap();
    assert_eq!(told(&stream), "one two");
    assert!(stream.ends_with("data: [DONE]\n\n"), "{stream}");
}

#[tokio::test]
async fn every_wire_is_served_on_its_path() {
    let provider = Provider::start(|_| Reply::Says("yes".into())).await.unwrap();
    let paths = ["/v1/embeddings", "/v1/messages", "/v2/chat", "/v1beta/models/m:generateContent"];
    for path in paths {
        let url = format!("{}{path}", provider.origin());
        let answer = client().post(url).json(&json!({"model": "m", "input": "a"})).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
    let url = format!("{}/v1/unknown", provider.origin());
    assert_eq!(client().post(url).send().await.unwrap().status(), 404);
    let asked: Vec<String> = provider.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(asked, paths, "what no wire serves is no call");
}

#[tokio::test]
async fn a_429_carries_whatever_retry_after_is_scripted() {
    for wait in ["20", "999999", "Wed, 21 Oct 2065 07:28:00 GMT", "soon", "-1", ""] {
        let provider = Provider::start(move |_| Reply::throttled(wait)).await.unwrap();
        let answer = ask(&provider).await;
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["retry-after"], wait);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    }
}

#[tokio::test]
async fn any_status_and_code_comes_in_the_wires_shape() {
    let provider = Provider::start(|_| Reply::Fails(529)).await.unwrap();
    let answer = ask(&provider).await;
    assert_eq!(answer.status(), 529);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["type"], "server_error");
    provider.script(|_| Reply::Refuses(429, "insufficient_quota".into()));
    let body: Value = ask(&provider).await.json().await.unwrap();
    assert_eq!(body["error"]["code"], "insufficient_quota");
}

#[tokio::test]
async fn html_comes_with_status_200() {
    let provider = Provider::start(|_| Reply::html()).await.unwrap();
    let answer = ask_stream(&provider).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"text/html".parse().unwrap())
    );
    assert!(answer.text().await.unwrap().starts_with("<!doctype html>"));
}

#[tokio::test]
async fn usage_is_left_out_or_replaced_as_scripted() {
    let provider =
        Provider::start(|_| Reply::Says("a".into()).without_usage().finish("length")).await.unwrap();
    let whole: Value = ask(&provider).await.json().await.unwrap();
    assert_eq!((&whole["usage"], &whole["choices"][0]["finish_reason"]), (&Value::Null, &json!("length")));
    assert!(!ask_stream(&provider).await.text().await.unwrap().contains("usage"));
    provider.script(|_| Reply::Says("a".into()).usage(Usage { input: 1, output: 9_000 }));
    let whole: Value = ask(&provider).await.json().await.unwrap();
    assert_eq!(whole["usage"]["completion_tokens"], 9_000);
}

#[tokio::test]
async fn tool_calls_are_split_over_chunks() {
    let call = ToolCall::new("call_1", "look_up", r#"{"name": "قاعدة البيانات"}"#);
    let provider = Provider::start(move |_| Reply::Calls(vec![call.clone()])).await.unwrap();
    let stream = ask_stream(&provider).await.text().await.unwrap();
    assert!(stream.matches("\"arguments\"").count() > 4, "{stream}");
    let whole: Value = ask(&provider).await.json().await.unwrap();
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
}

#[tokio::test]
async fn latency_follows_its_distribution_by_the_number_of_the_call() {
    let latency: Latency = "20ms..40ms".parse().unwrap();
    let wait = move |n| latency.at(Seed(3), n);
    let provider =
        Provider::start(move |asked| Reply::Says("a".into()).after(wait(asked.number))).await.unwrap();
    for n in 0..3 {
        let began = Instant::now();
        ask(&provider).await;
        let took = began.elapsed();
        assert!(took >= wait(n) && wait(n) >= Duration::from_millis(20), "call {n} took {took:?}");
    }
}

#[tokio::test]
async fn every_nth_call_fails() {
    let provider = Provider::start(|asked| match (asked.number + 1).is_multiple_of(3) {
        true => Reply::Fails(503),
        false => Reply::Says("a".into()),
    })
    .await
    .unwrap();
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(ask(&provider).await.status().as_u16());
    }
    assert_eq!(codes, [200, 200, 503, 200, 200, 503]);
}
