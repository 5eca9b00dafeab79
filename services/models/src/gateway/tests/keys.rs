use super::*;

const CANARIES: [&str; 2] = ["sk-canary-one", "sk-canary-two"];

#[tokio::test]
async fn a_refused_key_is_set_aside_and_the_next_one_answers() {
    let provider = Scripted::start([Script::fails(401, "invalid_api_key"), Script::says("ok")]).await;
    let gateway = gateway(settings(&provider.url, &CANARIES));
    let answered = gateway.complete(&ask("hi"), caller()).await.unwrap();
    assert_eq!(answered.answer.output, "ok");
    assert_eq!(answered.attempts[0].failure.kind, Kind::Credential);
    gateway.complete(&ask("hi"), caller()).await.unwrap();
    assert_eq!(provider.keys(), ["sk-canary-one", "sk-canary-two", "sk-canary-two"], "the first one rests");
}

#[tokio::test]
async fn when_every_key_is_refused_the_provider_is_spared_and_so_is_its_breaker() {
    let provider = Scripted::start([Script::fails(403, "")]).await;
    let gateway = gateway(settings(&provider.url, &CANARIES));
    let attempts = failure(&gateway).await;
    assert_eq!((attempts.kind(), attempts.iter().count()), (Kind::Credential, 2));
    for _ in 0..6 {
        let attempts = failure(&gateway).await;
        assert_eq!(attempts.kind(), Kind::Credential);
        assert_eq!(attempts.last().failure.message, "openai has no key that can be used now");
    }
    assert_eq!(provider.seen().len(), 2, "each key was tried once");
    assert_eq!(gateway.providers()[0].breaker, "CLOSED");
}

#[tokio::test]
async fn a_throttled_key_cools_down_without_holding_anyone_up() {
    let throttled = Script::fails(429, "rate_limit_exceeded").with("retry-after", "999999");
    let provider = Scripted::start([throttled]).await;
    let gateway = gateway(settings(&provider.url, &["sk-canary-one"]));
    let began = Instant::now();
    let attempts = failure(&gateway).await;
    assert_eq!(attempts.kind(), Kind::Throttled);
    assert_eq!(attempts.retry_after(), Some(crate::failure::LONGEST_WAIT), "not for days");
    assert_eq!(failure(&gateway).await.kind(), Kind::Throttled);
    assert_eq!(provider.seen().len(), 1, "the key rests");
    assert!(began.elapsed() < Duration::from_secs(2), "nobody waits for it");
}

#[tokio::test]
async fn a_used_up_key_hands_over_to_the_next_one() {
    let provider =
        Scripted::start([Script::fails(429, "insufficient_quota"), Script::streams(&["ok"])]).await;
    let answered = gateway(settings(&provider.url, &CANARIES)).stream(&ask("hi"), caller()).await.unwrap();
    assert_eq!(answered.attempts[0].failure.reason(), "QUOTA_EXHAUSTED");
    assert_eq!(provider.keys(), CANARIES);
}

#[tokio::test]
async fn keys_are_in_no_error_and_no_debug_output() {
    let quoted = serde_json::json!({"error": {"message": "bad header Bearer sk-canary-one", "code": null}});
    let provider = Scripted::start([Script::json(400, &quoted)]).await;
    let gateway = gateway(settings(&provider.url, &CANARIES));
    let error = gateway.complete(&ask("hi"), caller()).await.unwrap_err();
    let status = tonic::Status::from(error.clone());
    let shown = format!("{error} {error:?} {status:?} {gateway:?} {:?}", gateway.providers());
    assert!(error.to_string().contains("bad header Bearer [key]"), "{error}");
    assert!(!shown.contains("canary"), "{shown}");
    assert!(!shown.contains("127.0.0.1"), "{shown}");
}
