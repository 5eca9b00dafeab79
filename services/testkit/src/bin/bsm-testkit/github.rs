//! `bsm-testkit github`.

use std::net::SocketAddr;

use anyhow::Context;
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post, put},
};
use bsm_testkit::{
    GitHub,
    github::{Call, CheckRun, Merge, NewPull, On, Pull, Trouble},
    span::Span,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    cannot_listen, cli,
    control::{self, Wrong},
};

pub(crate) async fn start(args: cli::Github) -> anyhow::Result<(SocketAddr, Router)> {
    let github = GitHub::start_on(args.port).await.with_context(|| cannot_listen(args.port))?;
    for (token, login) in &args.tokens {
        github.token(token, login, args.access);
    }
    for pull in args.pulls {
        let diff = std::fs::read_to_string(&pull.file).with_context(|| format!("reading {}", pull.file))?;
        github.open(&pull.repo, NewPull { number: pull.number, diff, ..NewPull::default() });
    }
    let address = github.address();
    let control = Router::new()
        .route("/pulls", put(open))
        .route("/pulls/{owner}/{name}/{number}", get(pull))
        .route("/push", post(push))
        .route("/checks", post(check))
        .route("/troubles", get(met).post(trouble))
        .route("/rate-limit", put(rate_limit))
        .route("/calls", get(calls))
        .route("/merges", get(merges))
        .with_state(github);
    Ok((address, control))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    repo: String,
    #[serde(default)]
    pull: NewPull,
}

async fn open(State(github): State<GitHub>, body: String) -> Result<StatusCode, Wrong> {
    let Open { repo, pull } = control::json(&body)?;
    github.open(&repo, pull);
    Ok(StatusCode::NO_CONTENT)
}

/// A push now, or when the next call of a kind comes in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    repo: String,
    number: u64,
    sha: String,
    on: Option<On>,
}

async fn push(State(github): State<GitHub>, body: String) -> Result<StatusCode, Wrong> {
    let Push { repo, number, sha, on } = control::json(&body)?;
    match on {
        Some(on) => github.push_on(on, &repo, number, &sha),
        None => github.push(&repo, number, &sha),
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    repo: String,
    sha: String,
    check: CheckRun,
}

async fn check(State(github): State<GitHub>, body: String) -> Result<StatusCode, Wrong> {
    let Check { repo, sha, check } = control::json(&body)?;
    github.check(&repo, &sha, check);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Troubles {
    #[serde(default)]
    on: On,
    times: usize,
    trouble: Trouble,
}

async fn trouble(State(github): State<GitHub>, body: String) -> Result<StatusCode, Wrong> {
    let Troubles { on, times, trouble } = control::json(&body)?;
    github.trouble(on, times, trouble);
    Ok(StatusCode::NO_CONTENT)
}

async fn met(State(github): State<GitHub>) -> Json<Value> {
    Json(json!({"met": github.troubles_met()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateLimit {
    remaining: u64,
    reset_in: Span,
}

async fn rate_limit(State(github): State<GitHub>, body: String) -> Result<StatusCode, Wrong> {
    let RateLimit { remaining, reset_in } = control::json(&body)?;
    github.rate_limit(remaining, reset_in.0);
    Ok(StatusCode::NO_CONTENT)
}

async fn pull(
    State(github): State<GitHub>,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Result<Json<Pull>, StatusCode> {
    github.pull(&format!("{owner}/{name}"), number).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn calls(State(github): State<GitHub>) -> Json<Vec<Call>> {
    Json(github.calls())
}

async fn merges(State(github): State<GitHub>) -> Json<Vec<Merge>> {
    Json(github.merges())
}
