//! A job while an edge is broken.

use std::time::{Duration, Instant};

use bsm_tests::{Rest, diffs, rest::try_send};
use reqwest::Method;
use serde_json::{Value, json};

use super::{edge::Job, reason};

const PATIENCE: Duration = Duration::from_secs(60);
const EVERY: Duration = Duration::from_millis(100);

/// Hands a job in and follows it to its end: what became of it in words.
///
/// # Errors
/// What is not as expected.
pub(super) async fn run(rest: Rest, expected: Job) -> Result<String, String> {
    let began = Instant::now();
    let body = json!({"event": "pull_request.opened", "payload": {"diff": diffs::clean()}});
    let request = rest.request(Method::POST, "/api/orchestrator/run").json(&body);
    let answer = try_send(request).await.map_err(|err| err.to_string())?;
    if expected == Job::Refused {
        let typed = matches!(answer.code, 503 | 504) && !reason(&answer).is_empty();
        let told = format!("{} {}", answer.code, reason(&answer));
        return if typed { Ok(told) } else { Err(format!("a job was answered with {told}")) };
    }
    let Some(id) = answer.json["jobId"].as_str() else {
        return Err(format!("the job was not taken: {} {}", answer.code, answer.text));
    };
    let job = ended(&rest, id).await?;
    let action = job["decision"]["action"].as_str().unwrap_or("no decision").to_owned();
    let notes = job["notes"].to_string();
    let took = began.elapsed();
    let as_expected = match expected {
        Job::Decided => action == "approve_and_merge",
        Job::DecidedWithout(what) => action == "approve_and_merge" && notes.contains(what),
        Job::ManualReview => action == "manual_review",
        Job::Refused => false,
    };
    let noted = if notes.contains("unavailable") { ", noted" } else { "" };
    match as_expected {
        true => Ok(format!("{action}{noted} after {took:.1?}")),
        false => Err(format!("the job came to {action} with the notes {notes}, not to {expected:?}")),
    }
}

async fn ended(rest: &Rest, id: &str) -> Result<Value, String> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let request = rest.request(Method::GET, &format!("/api/orchestrator/jobs/{id}"));
        let job = try_send(request).await.map_err(|err| err.to_string())?.json["job"].clone();
        if matches!(job["status"].as_str(), Some("succeeded" | "failed" | "cancelled")) {
            return Ok(job);
        }
        tokio::time::sleep(EVERY).await;
    }
    Err(format!("the job {id} does not end"))
}
