//! What can be read.

use bsm_testkit::github::CheckRun;

use super::*;

#[tokio::test]
async fn a_pull_request_is_json_or_its_diff_as_asked() {
    let github = github().await;
    let (_, pull) = get(&github, "/pulls/12").await;
    assert_eq!(
        (&pull["head"]["sha"], &pull["state"], &pull["draft"]),
        (&json!(FIRST), &json!("open"), &json!(false))
    );
    assert_eq!((&pull["additions"], &pull["changed_files"]), (&json!(2), &json!(1)));
    for accept in ["application/vnd.github.diff", "application/vnd.github.v3.diff"] {
        let answer =
            request(&github, Method::GET, "/pulls/12").header("accept", accept).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), DIFF);
    }
    let (_, files) = get(&github, "/pulls/12/files").await;
    assert_eq!((&files[0]["filename"], &files[0]["status"]), (&json!("src/a.rs"), &json!("added")));
}

#[tokio::test]
async fn lists_come_in_pages_with_links() {
    let github = github().await;
    for n in 0..5 {
        post(&github, "/issues/12/comments", json!({"body": format!("comment {n}")})).await;
    }
    let path = "/issues/12/comments?per_page=2&page=2";
    let answer = request(&github, Method::GET, path).send().await.unwrap();
    let link = answer.headers()["link"].to_str().unwrap().to_owned();
    for rel in ["page=3>; rel=\"next\"", "page=3>; rel=\"last\"", "page=1>; rel=\"prev\""] {
        assert!(link.contains(rel), "{rel} in {link}");
    }
    let (_, comments) = read(answer).await;
    assert_eq!((&comments[0]["body"], comments.as_array().unwrap().len()), (&json!("comment 2"), 2));
    let last = request(&github, Method::GET, "/issues/12/comments?per_page=2&page=3").send().await.unwrap();
    assert!(!last.headers()["link"].to_str().unwrap().contains("next"));
    assert_eq!(get(&github, "/issues/12/comments?page=9").await.1, json!([]));
}

#[tokio::test]
async fn pull_requests_are_listed_by_their_state() {
    let github = github().await;
    github.open(REPO, NewPull { number: 13, ..NewPull::default() });
    github.edit(REPO, 12, |pull| pull.open = false);
    let numbers = async |query: &str| {
        let (_, pulls) = get(&github, &format!("/pulls{query}")).await;
        pulls.as_array().unwrap().iter().map(|pull| pull["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(numbers("").await, [13]);
    assert_eq!(numbers("?state=closed").await, [12]);
    assert_eq!(numbers("?state=all").await, [13, 12]);
    let (_, found) = get(&github, &format!("/commits/{FIRST}/pulls")).await;
    assert_eq!(found[0]["number"], 12);
}

#[tokio::test]
async fn checks_are_told_by_commit_and_by_branch() {
    let github = github().await;
    assert_eq!(get(&github, &format!("/commits/{FIRST}/check-runs")).await.1["total_count"], 0);
    github.check(REPO, FIRST, CheckRun::running("build"));
    github.check(REPO, FIRST, CheckRun::completed("lint", "success"));
    github.check(REPO, FIRST, CheckRun::completed("build", "failure"));
    for commit in [FIRST, "topic"] {
        let (_, runs) = get(&github, &format!("/commits/{commit}/check-runs")).await;
        assert_eq!(runs["total_count"], 2);
        assert_eq!(
            (&runs["check_runs"][1]["name"], &runs["check_runs"][1]["conclusion"]),
            (&json!("build"), &json!("failure"))
        );
    }
    assert_eq!(get(&github, "/commits/nothing/check-runs").await.0, 422);
}
