//! What goes wrong on command.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bsm_testkit::{
    github::{On, Trouble},
    span::Span,
};
use tokio::time::timeout;

use super::*;

#[tokio::test]
async fn any_status_comes_as_often_as_told_and_does_nothing() {
    let github = github().await;
    for status in [409, 422, 500, 502, 503] {
        github.trouble(On::merge(), 1, Trouble::Status(status));
        assert_eq!(get(&github, "/pulls/12").await.0, 200, "only merges meet it");
        assert_eq!(merge(&github, FIRST).await.0, status);
    }
    assert_eq!(github.troubles_met(), 5);
    assert!(github.merges().is_empty());
    assert_eq!(merge(&github, FIRST).await.0, 200);
}

#[tokio::test]
async fn an_empty_limit_is_403_with_its_headers_until_it_is_reset() {
    let github = github().await;
    github.rate_limit(1, Duration::from_secs(60));
    assert_eq!(get(&github, "/pulls/12").await.0, 200);
    let answer = request(&github, Method::GET, "/pulls/12").send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().parse::<u64>().unwrap();
    assert_eq!((answer.status().as_u16(), header("x-ratelimit-remaining")), (403, 0));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!((now + 50..=now + 60).contains(&header("x-ratelimit-reset")));
    github.rate_limit(5_000, Duration::from_secs(3_600));
    assert_eq!(get(&github, "/pulls/12").await.0, 200);
}

#[tokio::test]
async fn one_call_may_meet_a_limit_that_is_not_there() {
    let github = github().await;
    github.trouble(On::any(), 1, Trouble::RateLimited(Span(Duration::from_secs(30))));
    github.trouble(On::any(), 1, Trouble::SecondaryLimit(7));
    let answer = request(&github, Method::GET, "/pulls/12").send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["x-ratelimit-remaining"]),
        (403, &"0".parse().unwrap())
    );
    let answer = request(&github, Method::GET, "/pulls/12").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (403, &"7".parse().unwrap()));
    assert_eq!(get(&github, "/pulls/12").await.0, 200);
}

#[tokio::test]
async fn an_answer_may_be_lost_after_the_deed() {
    let github = github().await;
    github.trouble(On::call(&Method::POST, "/comments"), 1, Trouble::LosesAnswer);
    let request = request(&github, Method::POST, "/issues/12/comments").json(&json!({"body": "once"}));
    assert!(request.send().await.is_err());
    assert_eq!(github.pull(REPO, 12).unwrap().comments.len(), 1);
    let (_, found) = get(&github, "/issues/12/comments").await;
    assert_eq!(found[0]["body"], "once", "whoever looks first does not do it twice");
    assert_eq!(github.calls()[0].status, None);
}

#[tokio::test]
async fn a_reset_a_hang_and_a_page_of_html_do_nothing() {
    let github = github().await;
    let comment = || request(&github, Method::POST, "/issues/12/comments").json(&json!({"body": "a"}));
    github.trouble(On::any(), 1, Trouble::Resets);
    assert!(comment().send().await.is_err());
    github.trouble(On::any(), 1, Trouble::Hangs);
    let mut hanging = tokio::spawn(comment().send());
    github.until(|calls| calls.len() == 2).await;
    assert!(timeout(Duration::from_millis(80), &mut hanging).await.is_err());
    hanging.abort();
    github.trouble(On::any(), 1, Trouble::BadGateway);
    let answer = comment().send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (502, &"text/html".parse().unwrap())
    );
    assert!(github.pull(REPO, 12).unwrap().comments.is_empty());
}

#[tokio::test]
async fn an_answer_may_come_late() {
    let github = github().await;
    let late = Duration::from_millis(60);
    github.trouble(On::any(), 1, Trouble::Late(Span(late)));
    let began = Instant::now();
    assert_eq!(get(&github, "/pulls/12").await.0, 200);
    assert!(began.elapsed() >= late);
}
