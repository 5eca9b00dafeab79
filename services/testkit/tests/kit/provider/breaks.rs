//! Answers that never come, never end, or end badly.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use bsm_testkit::{End, Provider, Reply};
use tokio::time::timeout;

use super::*;
use crate::client::{raw, read_to_end};

/// Long enough for any answer on loopback, short enough for a test.
const SHORT: Duration = Duration::from_millis(100);

fn says() -> Reply {
    Reply::Says("one two three four".into())
}

#[tokio::test]
async fn a_hanging_provider_sends_no_headers_and_sees_its_client_leave() {
    let provider = Provider::start(|_| Reply::Hangs).await.unwrap();
    let asking = provider.clone();
    let mut asking = tokio::spawn(async move { ask(&asking).await });
    provider.arrived(1).await;
    assert!(timeout(SHORT, &mut asking).await.is_err());
    let gone = Instant::now();
    asking.abort();
    let call = &provider.left(1).await[0];
    let left = call.end.left().unwrap();
    assert!(left >= gone && left < gone + 10 * SHORT, "noticed without a write");
    assert_eq!((call.headers_at, call.sent), (None, 0));
}

#[tokio::test]
async fn a_stream_hangs_after_k_chunks_with_the_connection_open() {
    let provider = Provider::start(|_| says().hang_after(2)).await.unwrap();
    let mut answer = ask_stream(&provider).await;
    let mut text = String::new();
    while told(&text) != "one two " {
        let chunk = answer.chunk().await.unwrap().expect("it does not end");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(timeout(SHORT, answer.chunk()).await.is_err());
    assert_eq!(provider.calls()[0].end, End::Open);
    drop(answer);
    let call = &provider.left(1).await[0];
    assert_eq!((call.chunks, call.sent), (2, text.len() as u64));
}

#[tokio::test]
async fn headers_come_alone_when_a_stream_hangs_before_its_first_chunk() {
    let provider = Provider::start(|_| says().hang_after(0)).await.unwrap();
    let mut answer = ask_stream(&provider).await;
    assert_eq!(answer.status(), 200);
    assert!(timeout(SHORT, answer.chunk()).await.is_err());
    assert!(provider.calls()[0].headers_at.is_some());
}

#[tokio::test]
async fn a_reset_is_a_real_one() {
    let provider = Provider::start(|_| Reply::Resets).await.unwrap();
    let mut stream = raw(provider.address(), "/v1/chat/completions", "{}").await;
    assert_eq!(read_to_end(&mut stream).await, (Vec::new(), Some(ErrorKind::ConnectionReset)));
    assert!(matches!(provider.calls()[0].end, End::Broken(_)));
}

#[tokio::test]
async fn a_reset_after_k_chunks_comes_after_them() {
    let provider = Provider::start(|_| says().reset_after(2)).await.unwrap();
    let mut stream = raw(provider.address(), "/v1/chat/completions", r#"{"stream": true}"#).await;
    let (bytes, end) = read_to_end(&mut stream).await;
    assert_eq!(end, Some(ErrorKind::ConnectionReset));
    assert_eq!(told(&String::from_utf8(bytes).unwrap()), "one two ");
}

#[tokio::test]
async fn a_close_in_the_middle_is_an_error_to_the_client() {
    let provider = Provider::start(|_| says().close_after(3)).await.unwrap();
    assert!(ask_stream(&provider).await.text().await.is_err());
    let mut stream = raw(provider.address(), "/v1/chat/completions", r#"{"stream": true}"#).await;
    let (bytes, end) = read_to_end(&mut stream).await;
    assert_eq!((told(&String::from_utf8(bytes).unwrap()).as_str(), end), ("one two three ", None));
}

#[tokio::test]
async fn truncated_json_ends_as_if_it_were_whole() {
    let provider = Provider::start(|_| says().cut(64).end_after(2)).await.unwrap();
    let text = ask(&provider).await.text().await.unwrap();
    assert_eq!(text.len(), 128);
    assert!(serde_json::from_str::<Value>(&text).unwrap_err().is_eof(), "{text}");
}

#[tokio::test]
async fn ten_gigabytes_are_made_only_as_they_are_read() {
    const ALL: u64 = 10_000_000_000;
    let provider = Provider::start(|_| Reply::Endless(ALL)).await.unwrap();
    let mut answer = ask(&provider).await;
    assert_eq!(answer.content_length(), None, "nothing gives it away");
    let mut read = 0;
    while read < 1_000_000 {
        read += answer.chunk().await.unwrap().expect("it does not end").len() as u64;
    }
    drop(answer);
    let sent = provider.left(1).await[0].sent;
    assert!(sent >= read && sent < ALL / 100, "read {read}, sent {sent}");
}

#[tokio::test]
async fn an_endless_reply_ends_where_it_should() {
    let provider = Provider::start(|_| Reply::Endless(300_000)).await.unwrap();
    for stream in [true, false] {
        assert_eq!(post(&provider, question(stream)).await.bytes().await.unwrap().len(), 300_000);
    }
}
