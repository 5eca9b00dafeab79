//! A pull request is merged once, at the head that was reviewed, when nothing stands in the way.

use super::*;

#[tokio::test]
async fn a_merge_happens_once_and_is_counted() {
    let github = github().await;
    let (status, answer) = merge(&github, FIRST).await;
    assert_eq!((status, &answer["merged"]), (200, &json!(true)));
    assert_eq!(merge(&github, FIRST).await.0, 405);
    let merges = github.merges();
    assert_eq!(merges.len(), 1);
    let merged = &merges[0];
    assert_eq!((merged.number, merged.head.as_str(), merged.by.as_str()), (12, FIRST, "bsm-bot"));
    assert_eq!((merged.asked.as_deref(), merged.method.as_str()), (Some(FIRST), "merge"));
    let (_, pull) = get(&github, "/pulls/12").await;
    assert_eq!((&pull["merged"], &pull["state"]), (&json!(true), &json!("closed")));
    assert_eq!(pull["merge_commit_sha"], answer["sha"]);
    assert_eq!(request(&github, Method::GET, "/pulls/12/merge").send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_head_that_was_not_reviewed_is_not_merged() {
    let github = github().await;
    let (status, answer) = merge(&github, SECOND).await;
    assert_eq!(status, 409);
    assert!(answer["message"].as_str().unwrap().starts_with("Head branch was modified"));
    assert!(github.merges().is_empty());
}

#[tokio::test]
async fn a_merge_without_a_sha_shows_in_the_record() {
    let github = github().await;
    let body = json!({"merge_method": "squash"});
    assert_eq!(send(&github, Method::PUT, "/pulls/12/merge", body).await.0, 200);
    assert_eq!((github.merges()[0].asked.as_deref(), github.merges()[0].method.as_str()), (None, "squash"));
}

#[tokio::test]
async fn drafts_conflicts_closed_and_protected_ones_are_not_merged() {
    type Change = fn(&mut bsm_testkit::github::Pull);
    let cases: [(Change, &str); 4] = [
        (|pull| pull.draft = true, "draft"),
        (|pull| pull.mergeable = false, "conflicts"),
        (|pull| pull.open = false, "not mergeable"),
        (|pull| pull.approvals_needed = 1, "approving review"),
    ];
    for (change, reason) in cases {
        let github = github().await;
        github.edit(REPO, 12, change);
        let (status, answer) = merge(&github, FIRST).await;
        assert_eq!(status, 405, "{reason}");
        assert!(answer["message"].as_str().unwrap().contains(reason), "{answer}");
        assert!(github.merges().is_empty());
    }
}

#[tokio::test]
async fn an_approval_counts_for_the_head_that_it_saw() {
    let github = github().await;
    github.edit(REPO, 12, |pull| pull.approvals_needed = 1);
    post(&github, "/pulls/12/reviews", json!({"event": "APPROVE", "commit_id": FIRST})).await;
    github.push(REPO, 12, SECOND);
    assert_eq!(merge(&github, SECOND).await.0, 405, "the approval is stale");
    post(&github, "/pulls/12/reviews", json!({"event": "APPROVE"})).await;
    assert_eq!(merge(&github, SECOND).await.0, 200);
}

#[tokio::test]
async fn a_merge_in_an_unknown_way_is_refused() {
    let github = github().await;
    let body = json!({"sha": FIRST, "merge_method": "force"});
    assert_eq!(send(&github, Method::PUT, "/pulls/12/merge", body).await.0, 422);
}
