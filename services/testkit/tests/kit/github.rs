//! The fake GitHub.

mod door;
mod heads;
mod merges;
mod reads;
mod troubles;
mod writes;

use bsm_testkit::{
    GitHub,
    github::{Access, NewPull},
};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::client::client;

const REPO: &str = "octo/shop";
const FIRST: &str = "1111111111111111111111111111111111111111";
const SECOND: &str = "2222222222222222222222222222222222222222";

const DIFF: &str = "diff --git a/src/a.rs b/src/a.rs\nnew file mode 100644\n--- /dev/null\n+++ b/src/a.rs\n\
                    @@ -0,0 +1,2 @@\n+fn a() {}\n+// end\n";

/// A GitHub with one pull request, a token `t` that may write, and `r` that may read.
async fn github() -> GitHub {
    let github = GitHub::start().await.unwrap();
    github.token("t", "bsm-bot", Access::Write);
    github.token("r", "reader", Access::Read);
    github.open(REPO, NewPull { head: FIRST.into(), diff: DIFF.into(), ..NewPull::default() });
    github
}

fn request(github: &GitHub, method: Method, path: &str) -> RequestBuilder {
    client().request(method, format!("{}/repos/{REPO}{path}", github.url())).bearer_auth("t")
}

/// The status and the body of an answer.
async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

async fn get(github: &GitHub, path: &str) -> (u16, Value) {
    read(request(github, Method::GET, path).send().await.unwrap()).await
}

async fn send(github: &GitHub, method: Method, path: &str, body: Value) -> (u16, Value) {
    read(request(github, method, path).json(&body).send().await.unwrap()).await
}

async fn post(github: &GitHub, path: &str, body: Value) -> (u16, Value) {
    send(github, Method::POST, path, body).await
}

async fn merge(github: &GitHub, sha: &str) -> (u16, Value) {
    send(github, Method::PUT, "/pulls/12/merge", json!({"sha": sha})).await
}
