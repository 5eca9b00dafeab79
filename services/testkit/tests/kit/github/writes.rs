//! What can be written, and what is wrong with it.

use super::*;

#[tokio::test]
async fn a_comment_is_created_found_edited_and_deleted() {
    let github = github().await;
    let (status, comment) = post(&github, "/issues/12/comments", json!({"body": "one"})).await;
    assert_eq!((status, &comment["user"]["login"]), (201, &json!("bsm-bot")));
    let path = format!("/issues/comments/{}", comment["id"]);
    assert_eq!(send(&github, Method::PATCH, &path, json!({"body": "two"})).await.0, 200);
    assert_eq!(get(&github, &path).await.1["body"], "two");
    assert_eq!(github.pull(REPO, 12).unwrap().comments[0].edits, 1);
    assert_eq!(request(&github, Method::DELETE, &path).send().await.unwrap().status(), 204);
    assert_eq!(get(&github, "/issues/12/comments").await.1, json!([]));
}

#[tokio::test]
async fn a_comment_without_words_or_with_too_many_is_refused() {
    let github = github().await;
    for body in [json!({}), json!({"body": ""}), json!({"body": "ع".repeat(65_537)})] {
        assert_eq!(post(&github, "/issues/12/comments", body).await.0, 422);
    }
    assert!(github.pull(REPO, 12).unwrap().comments.is_empty());
}

#[tokio::test]
async fn a_review_has_a_state_a_commit_and_comments_on_the_change() {
    let github = github().await;
    let line = json!({"path": "src/a.rs", "line": 1, "body": "Why?"});
    let review =
        json!({"event": "REQUEST_CHANGES", "body": "Name it.", "commit_id": FIRST, "comments": [line]});
    let (status, review) = post(&github, "/pulls/12/reviews", review).await;
    assert_eq!(
        (status, &review["state"], &review["commit_id"]),
        (200, &json!("CHANGES_REQUESTED"), &json!(FIRST))
    );
    post(&github, "/pulls/12/reviews", json!({"event": "APPROVE"})).await;
    let (_, reviews) = get(&github, "/pulls/12/reviews").await;
    assert_eq!((&reviews[1]["state"], &reviews[1]["commit_id"]), (&json!("APPROVED"), &json!(FIRST)));
}

#[tokio::test]
async fn a_review_that_cannot_be_is_refused_with_the_reason() {
    let github = github().await;
    github.token("author", "octocat", Access::Write);
    let off = |path: &str, line: u64| json!({"event": "COMMENT", "body": "a", "comments": [{"path": path, "line": line, "body": "b"}]});
    let cases = [
        (json!({"event": "MERGE"}), "none of APPROVE"),
        (json!({"event": "COMMENT"}), "body is missing"),
        (json!({"event": "APPROVE", "commit_id": SECOND}), "not part of the pull request"),
        (off("src/b.rs", 1), "Path could not be resolved"),
        (off("src/a.rs", 0), "Line could not be resolved"),
    ];
    for (body, reason) in cases {
        let (status, answer) = post(&github, "/pulls/12/reviews", body.clone()).await;
        assert_eq!(status, 422, "{body}");
        assert!(answer["errors"][0].as_str().unwrap().contains(reason), "{body}: {answer}");
    }
    let url = format!("{}/repos/{REPO}/pulls/12/reviews", github.url());
    let own = client().post(url).bearer_auth("author").json(&json!({"event": "APPROVE"})).send();
    assert_eq!(read(own.await.unwrap()).await.1["errors"][0], "Can not approve your own pull request");
    assert!(github.pull(REPO, 12).unwrap().reviews.is_empty());
}

#[tokio::test]
async fn labels_are_added_once_set_and_removed() {
    let github = github().await;
    post(&github, "/issues/12/labels", json!({"labels": ["bug", "needs/review"]})).await;
    post(&github, "/issues/12/labels", json!({"labels": ["bug"]})).await;
    assert_eq!(github.pull(REPO, 12).unwrap().labels, ["bug", "needs/review"]);
    let path = "/issues/12/labels/needs%2Freview";
    assert_eq!(request(&github, Method::DELETE, path).send().await.unwrap().status(), 200);
    assert_eq!(request(&github, Method::DELETE, path).send().await.unwrap().status(), 404);
    send(&github, Method::PUT, "/issues/12/labels", json!({"labels": ["done"]})).await;
    assert_eq!(get(&github, "/issues/12/labels").await.1[0]["name"], "done");
    assert_eq!(post(&github, "/issues/12/labels", json!({"labels": "bug"})).await.0, 422);
}

#[tokio::test]
async fn the_newest_status_of_each_context_counts() {
    let github = github().await;
    let set = async |state: &str, context: &str| {
        let body = json!({"state": state, "context": context, "description": "a"});
        post(&github, &format!("/statuses/{FIRST}"), body).await.0
    };
    let combined = async || get(&github, &format!("/commits/{FIRST}/status")).await.1["state"].clone();
    assert_eq!(combined().await, "pending");
    assert_eq!((set("pending", "bsm").await, set("success", "ci").await), (201, 201));
    assert_eq!(combined().await, "pending");
    set("success", "bsm").await;
    assert_eq!(combined().await, "success");
    set("failure", "ci").await;
    assert_eq!(combined().await, "failure");
    assert_eq!(github.statuses(REPO, FIRST).len(), 4);
    assert_eq!(set("great", "bsm").await, 422);
    let long = json!({"state": "success", "description": "a".repeat(141)});
    assert_eq!(post(&github, &format!("/statuses/{FIRST}"), long).await.0, 422);
    assert_eq!(post(&github, &format!("/statuses/{SECOND}"), json!({"state": "success"})).await.0, 422);
}

#[tokio::test]
async fn a_check_run_is_created_for_a_commit_that_is_known() {
    let github = github().await;
    let run = json!({"name": "bsm", "head_sha": FIRST, "conclusion": "neutral"});
    let (status, run) = post(&github, "/check-runs", run).await;
    assert_eq!((status, &run["status"]), (201, &json!("completed")));
    assert_eq!(post(&github, "/check-runs", json!({"name": "bsm", "head_sha": SECOND})).await.0, 422);
}
