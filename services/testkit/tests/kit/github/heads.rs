//! Heads that move.

use bsm_testkit::github::On;

use super::*;

#[tokio::test]
async fn a_push_moves_the_head() {
    let github = github().await;
    github.push(REPO, 12, SECOND);
    assert_eq!(get(&github, "/pulls/12").await.1["head"]["sha"], SECOND);
    assert_eq!(merge(&github, FIRST).await.0, 409);
    assert_eq!(merge(&github, SECOND).await.0, 200);
}

#[tokio::test]
async fn a_push_between_review_and_merge_stops_the_merge() {
    let github = github().await;
    github.push_on(On::merge(), REPO, 12, SECOND);
    let review = json!({"event": "APPROVE", "commit_id": FIRST});
    assert_eq!(post(&github, "/pulls/12/reviews", review).await.1["commit_id"], FIRST);
    assert_eq!(get(&github, "/pulls/12").await.1["head"]["sha"], FIRST, "not yet");
    assert_eq!(merge(&github, FIRST).await.0, 409);
    assert!(github.merges().is_empty());
    assert_eq!(github.pull(REPO, 12).unwrap().heads, [FIRST, SECOND]);
}
