//! Against a GitHub on loopback that checks tokens and moves heads.

use bsm_runtime::flags::Flags;
use bsm_testkit::{
    github::{Access, GitHub as Fake, NewPull, On, Trouble as Meets},
    span::Span,
};
use serde_json::json;

use super::*;

const TOKEN: &str = "ghp_of-a-test";
const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";
const DIFF: &str = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n a\n+b\n";

async fn fake(diff: &str) -> Fake {
    let fake = Fake::start().await.unwrap();
    fake.token(TOKEN, "bsm", Access::Read);
    fake.open("acme/shop", NewPull { head: HEAD.into(), diff: diff.into(), ..NewPull::default() });
    fake
}

fn settings(fake: &Fake) -> GitHubSettings {
    GitHubSettings { token: Some(TOKEN.into()), url: fake.url() }
}

fn guards() -> Guards {
    Guards::new(Flags::default())
}

fn pull() -> PullRef {
    PullRef::of(&json!({"repo": "acme/shop", "prNumber": 12, "headSha": HEAD})).unwrap().unwrap()
}

async fn diff(fake: &Fake) -> Result<String, Unfetched> {
    let github = GitHub::open(&settings(fake), &guards()).unwrap().unwrap();
    github.diff(&Call::background("c-1"), &pull()).await
}

#[tokio::test]
async fn the_diff_comes_with_the_token_and_the_head_is_checked_before_and_after() {
    let fake = fake(DIFF).await;
    assert_eq!(diff(&fake).await.as_deref(), Ok(DIFF));
    let calls = fake.calls();
    let accepted: Vec<_> = calls.iter().map(|call| call.headers["accept"].to_str().unwrap()).collect();
    assert_eq!(accepted, [AS_JSON.to_str().unwrap(), AS_DIFF.to_str().unwrap(), AS_JSON.to_str().unwrap()]);
    assert!(calls.iter().all(|call| call.path == "/repos/acme/shop/pulls/12" && call.login.is_some()));
    assert!(calls.iter().all(|call| !call.headers.contains_key("x-correlation-id")), "it is none of theirs");
}

#[tokio::test]
async fn a_head_that_has_moved_is_told_even_if_it_moves_while_the_diff_is_read() {
    let moved = Unfetched::HeadMoved { expected: "0123456789ab".into(), found: "fedcba".into() };
    let early = fake(DIFF).await;
    early.push("acme/shop", 12, "fedcba");
    assert_eq!(diff(&early).await, Err(moved));
    assert_eq!(early.calls().len(), 1, "the diff is not asked for");

    let late = fake(DIFF).await;
    let github = GitHub::open(&settings(&late), &guards()).unwrap().unwrap();
    let call = Call::background("c-1");
    github.check_head(&call, &pull()).await.unwrap();
    late.push_on(On::any(), "acme/shop", 12, "fedcba"); // as the diff is asked for
    assert!(github.get(&call, &pull(), AS_DIFF, LONGEST_DIFF, "diff").await.is_ok());
    assert!(matches!(github.check_head(&call, &pull()).await, Err(Unfetched::HeadMoved { .. })));
}

#[tokio::test]
async fn what_github_refuses_is_told_without_the_token() {
    let fake = fake(DIFF).await;
    fake.revoke(TOKEN);
    let refused = diff(&fake).await.unwrap_err();
    assert_eq!(refused, Unfetched::Token(401));
    fake.token(TOKEN, "bsm", Access::Read);
    let github = GitHub::open(&settings(&fake), &guards()).unwrap().unwrap();
    let other = PullRef::of(&json!({"repo": "acme/other", "prNumber": 1, "headSha": HEAD})).unwrap().unwrap();
    assert_eq!(github.diff(&Call::background("c-1"), &other).await, Err(Unfetched::Unknown));
    assert!(!format!("{refused} {refused:?} {github:?}").contains("ghp_"), "{github:?}");
}

#[tokio::test]
async fn a_rate_limit_is_throttling_and_spares_the_breaker() {
    for (meets, retry_in) in [
        (Meets::RateLimited(Span(Duration::from_secs(600))), None),
        (Meets::SecondaryLimit(60), Some(Duration::from_secs(60))),
    ] {
        let (fake, guards) = (fake(DIFF).await, guards());
        fake.trouble(On::any(), 6, meets);
        let github = GitHub::open(&settings(&fake), &guards).unwrap().unwrap();
        for _ in 0..6 {
            let refused = github.diff(&Call::background("c-1"), &pull()).await;
            assert_eq!(refused, Err(Unfetched::Throttled { retry_in }));
        }
        assert_eq!((guards.breakers()[0].failures, fake.calls().len()), (0, 6));
        assert!(github.diff(&Call::background("c-1"), &pull()).await.is_ok(), "it is asked again");
    }
}

#[tokio::test]
async fn a_moment_of_trouble_is_got_over_and_a_page_of_html_is_no_answer() {
    let fake = fake(DIFF).await;
    fake.trouble(On::any(), 2, Meets::BadGateway);
    assert_eq!(diff(&fake).await.as_deref(), Ok(DIFF));
    assert_eq!(fake.calls().len(), 2 + 3);
    fake.trouble(On::any(), 1, Meets::Resets);
    assert_eq!(diff(&fake).await.as_deref(), Ok(DIFF), "a read may be sent twice");
    fake.trouble(On::any(), 3, Meets::Status(500));
    assert_eq!(diff(&fake).await, Err(Unfetched::Status(500)));
}

#[tokio::test]
async fn a_diff_is_bounded() {
    let long = fake(&format!("{DIFF}{}", "+b\n".repeat(LONGEST_DIFF / 3))).await;
    let refused = diff(&long).await;
    assert_eq!(refused, Err(Unfetched::TooLong { what: "diff", limit: LONGEST_DIFF }));
}

#[tokio::test]
async fn a_github_that_is_not_there_is_told_and_left_alone() {
    let guards = guards();
    let nobody = GitHubSettings { token: Some(TOKEN.into()), url: "http://127.0.0.1:1".into() };
    let github = GitHub::open(&nobody, &guards).unwrap().unwrap();
    let call = Call::background("c-1");
    let first = github.diff(&call, &pull()).await.unwrap_err();
    assert_eq!(first.to_string(), "GitHub could not be reached: connection refused");
    github.diff(&call, &pull()).await.unwrap_err();
    let refused = github.diff(&call, &pull()).await.unwrap_err();
    assert_eq!(refused.to_string(), "GitHub is not asked while its circuit is open");
    assert_eq!(&*guards.breakers()[0].name, "github");
}

#[tokio::test]
async fn without_a_token_there_is_no_way_and_a_bad_one_is_refused_at_the_start() {
    let url = "https://api.github.com".to_owned();
    let without = GitHubSettings { token: None, url: url.clone() };
    assert!(GitHub::open(&without, &guards()).unwrap().is_none());
    let bad = GitHubSettings { token: Some("two\nlines".into()), url };
    assert!(matches!(GitHub::open(&bad, &guards()), Err(OpenError::Token)));
}
