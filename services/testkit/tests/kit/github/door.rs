//! Who is let in, and what is noted.

use super::*;
use crate::client::nameless_client;

#[tokio::test]
async fn a_call_needs_a_token_that_is_good_and_may_do_it() {
    let github = github().await;
    let url = format!("{}/repos/{REPO}/pulls/12", github.url());
    let comment = format!("{}/repos/{REPO}/issues/12/comments", github.url());
    let code = async |request: RequestBuilder| read(request.send().await.unwrap()).await;
    assert_eq!(code(client().get(&url)).await.0, 401);
    assert_eq!(code(client().get(&url).bearer_auth("x")).await.1["message"], "Bad credentials");
    assert_eq!(code(client().get(&url).bearer_auth("r")).await.0, 200);
    assert_eq!(code(client().get(&url).header("authorization", "token t")).await.0, 200);
    let (status, body) = code(client().post(&comment).bearer_auth("r").json(&json!({"body": "a"}))).await;
    assert_eq!((status, &body["message"]), (403, &json!("Resource not accessible by personal access token")));
    github.revoke("t");
    assert_eq!(get(&github, "/pulls/12").await.0, 401);
    assert!(github.pull(REPO, 12).unwrap().comments.is_empty());
}

#[tokio::test]
async fn a_call_without_a_user_agent_is_refused() {
    let github = github().await;
    let answer =
        nameless_client().get(format!("{}/user", github.url())).bearer_auth("t").send().await.unwrap();
    let (status, body) = read(answer).await;
    assert_eq!(status, 403);
    assert!(body["message"].as_str().unwrap().contains("User-Agent"));
}

#[tokio::test]
async fn every_call_is_noted_with_its_caller_and_its_status() {
    let github = github().await;
    post(&github, "/issues/12/comments?x=1", json!({"body": "a"})).await;
    get(&github, "/pulls/99").await;
    let calls = github.calls();
    let first = &calls[0];
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/repos/octo/shop/issues/12/comments"));
    assert_eq!((first.query.as_str(), &first.body), ("x=1", &json!({"body": "a"})));
    assert_eq!((first.login.as_deref(), first.status), (Some("bsm-bot"), Some(201)));
    assert_eq!(calls[1].status, Some(404));
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let github = github().await;
    let request = request(&github, Method::POST, "/issues/12/comments").body("{");
    assert_eq!(read(request.send().await.unwrap()).await.1["message"], "Problems parsing JSON");
}

#[tokio::test]
async fn unknown_things_are_not_found() {
    let github = github().await;
    for path in ["/pulls/99", "/pulls/x", "/issues/99/comments", "/issues/comments/5", "/nonsense"] {
        assert_eq!(get(&github, path).await.0, 404, "{path}");
    }
    let elsewhere = client().get(format!("{}/repos/octo/none/pulls", github.url())).bearer_auth("t");
    assert_eq!(elsewhere.send().await.unwrap().status(), 404);
}
