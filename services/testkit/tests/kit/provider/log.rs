//! What the provider remembers.

use bsm_testkit::{
    End, Provider, Reply,
    provider::{Record, Setup},
};
use tokio::task::JoinSet;

use super::*;

#[tokio::test]
async fn a_call_is_kept_with_its_body_headers_and_times() {
    let provider = Provider::start(|_| Reply::Says("a".into())).await.unwrap();
    let url = format!("{}/chat/completions?api-version=7", provider.base_url());
    let request = client().post(url).header("idempotency-key", "job:step").header("x-own", "1");
    request.json(&question(true)).send().await.unwrap().text().await.unwrap();
    let call = &provider.calls()[0];
    let asked = &call.asked;
    assert_eq!(
        (asked.number, asked.path.as_str(), asked.query.as_str()),
        (0, "/v1/chat/completions", "api-version=7")
    );
    assert_eq!((asked.idempotency_key.as_deref(), asked.stream), (Some("job:step"), true));
    assert_eq!((&asked.headers["x-own"], &asked.body), (&"1".parse().unwrap(), &question(true)));
    let End::Answered(ended) = call.end else { panic!("{call:?}") };
    assert!(asked.at <= call.headers_at.unwrap() && call.headers_at.unwrap() <= ended);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_null() {
    let provider = Provider::start(|_| Reply::Says("a".into())).await.unwrap();
    let url = format!("{}/chat/completions", provider.base_url());
    assert_eq!(client().post(url).body("{").send().await.unwrap().status(), 200);
    assert_eq!(provider.asked()[0].body, Value::Null);
}

#[tokio::test]
async fn calls_at_once_are_counted_at_their_peak() {
    let provider = Provider::start(|_| Reply::Hangs).await.unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..3 {
        let provider = provider.clone();
        calls.spawn(async move { ask(&provider).await });
    }
    provider.arrived(3).await;
    assert_eq!((provider.tally().open, provider.tally().peak), (3, 3));
    calls.abort_all();
    provider.left(3).await;
    let tally = provider.tally();
    assert_eq!((tally.arrived, tally.left, tally.open, tally.peak), (3, 3, 0, 3));
}

#[tokio::test]
async fn under_load_only_counts_are_kept() {
    let setup = Setup { record: Record::Counts, ..Setup::default() };
    let provider = Provider::set_up(setup, |_| Reply::Says("a".into())).await.unwrap();
    for _ in 0..3 {
        ask(&provider).await.text().await.unwrap();
    }
    assert!(provider.calls().is_empty());
    assert_eq!((provider.tally().arrived, provider.tally().answered), (3, 3));
}
