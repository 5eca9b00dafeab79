//! Keys that are accepted and refused.

use bsm_testkit::{Provider, Reply};

use super::*;

async fn with(provider: &Provider, key: &str) -> u16 {
    let url = format!("{}/chat/completions", provider.base_url());
    client().post(url).bearer_auth(key).json(&question(false)).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn only_accepted_keys_are_answered() {
    let provider = Provider::start(|_| Reply::Says("a".into())).await.unwrap();
    assert_eq!(ask(&provider).await.status(), 200, "without a rule no key is asked for");
    provider.accept_keys(["good", "also-good"]);
    assert_eq!(with(&provider, "good").await, 200);
    assert_eq!(with(&provider, "also-good").await, 200);
    assert_eq!(with(&provider, "bad").await, 401);
    assert_eq!(ask(&provider).await.status(), 401);
}

#[tokio::test]
async fn a_key_is_refused_in_its_own_way_until_it_is_restored() {
    let provider = Provider::start(|_| Reply::Says("a".into())).await.unwrap();
    provider.refuse_key("revoked", Reply::Fails(403));
    provider.refuse_key("spent", Reply::Refuses(429, "insufficient_quota".into()));
    assert_eq!(with(&provider, "revoked").await, 403);
    assert_eq!(with(&provider, "spent").await, 429);
    assert_eq!(with(&provider, "other").await, 200);
    provider.restore_key("revoked");
    assert_eq!(with(&provider, "revoked").await, 200);
    assert_eq!(provider.asked()[0].key.as_deref(), Some("revoked"));
}
