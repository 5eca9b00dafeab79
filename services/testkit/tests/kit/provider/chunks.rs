//! Chunks that are slow, cut anywhere, or spoilt.

use std::time::{Duration, Instant};

use bsm_testkit::{
    Provider, Reply,
    reply::{Garble, ToolCall},
};

use super::*;

async fn stream(reply: Reply) -> (String, Vec<usize>) {
    let provider = Provider::start(move |_| reply.clone()).await.unwrap();
    let mut answer = ask_stream(&provider).await;
    let (mut all, mut sizes) = (Vec::new(), Vec::new());
    while let Some(chunk) = answer.chunk().await.unwrap() {
        sizes.push(chunk.len());
        all.extend_from_slice(&chunk);
    }
    (String::from_utf8_lossy(&all).into_owned(), sizes)
}

#[tokio::test]
async fn bytes_trickle_one_by_one_at_the_rate_that_is_scripted() {
    let provider =
        Provider::start(|_| Reply::Raw("text/plain", "سلام!".into()).cut(1).every(Duration::from_millis(10)))
            .await
            .unwrap();
    let began = Instant::now();
    let mut answer = ask(&provider).await;
    let mut all = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        all.extend_from_slice(&chunk);
    }
    assert_eq!(String::from_utf8(all).unwrap(), "سلام!");
    assert_eq!(provider.calls()[0].chunks, 9, "one byte a chunk");
    assert!(began.elapsed() >= Duration::from_millis(80), "{:?}", began.elapsed());
}

#[tokio::test]
async fn characters_are_split_over_chunks_and_nothing_is_lost() {
    let text = "سلام 👋 to you";
    for size in [1, 3, 7] {
        let (bytes, sizes) = stream(Reply::Says(text.into()).cut(size)).await;
        assert_eq!(told(&bytes), text);
        assert!(sizes.len() > 10, "cut into {size} bytes: {sizes:?}");
    }
}

#[tokio::test]
async fn tool_calls_survive_any_cut() {
    let arguments = r#"{"name": "قاعدة"}"#;
    let whole = stream(Reply::Calls(vec![ToolCall::new("1", "f", arguments)])).await.0;
    let cut = stream(Reply::Calls(vec![ToolCall::new("1", "f", arguments)]).cut(1)).await.0;
    assert_eq!(whole, cut);
}

#[tokio::test]
async fn one_event_is_spoilt_in_each_way_and_the_others_are_not() {
    let cases = [
        (Garble::HalfJson, "one three ", "data: {"),
        (Garble::NoField, "one three ", "{not an event"),
        (Garble::Html, "one three ", "502 Bad Gateway"),
        (Garble::NotUtf8, "one \u{fffd}\u{fffd}three ", "\u{fffd}"),
        (Garble::Error, "one three ", "server_error"),
        (Garble::Twice, "one two two three ", "two"),
    ];
    for (garble, expected, mark) in cases {
        let (text, _) = stream(Reply::Says("one two three ".into()).garble(1, garble)).await;
        assert_eq!(told(&text), expected, "{garble:?}: {text}");
        assert!(text.contains(mark), "{garble:?}: {text}");
    }
}

#[tokio::test]
async fn an_event_runs_into_the_next_or_is_huge() {
    let (text, _) = stream(Reply::Says("one two".into()).garble(0, Garble::Unended)).await;
    assert!(text.contains("}]}data: {"), "{text}");
    let (text, _) = stream(Reply::Says("one two".into()).garble(0, Garble::Huge(2_000_000))).await;
    assert_eq!(text.lines().map(str::len).max(), Some("data: ".len() + 2_000_000));
}
