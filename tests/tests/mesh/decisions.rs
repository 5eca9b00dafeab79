//! A pull request goes in, a decision comes out that rests on what the change contains.

use bsm_testkit::{
    GitHub, Provider, Reply,
    github::{Access, NewPull},
};
use bsm_tests::{Mesh, diffs, github, rest::send};
use serde_json::{Value, json};

fn evidence(job: &Value) -> String {
    job["decision"]["evidence"].to_string()
}

#[tokio::test]
async fn a_signed_pull_request_that_adds_secrets_is_blocked_naming_file_and_line() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let body = github::pull_request("opened", &diffs::leaking());
    let answer = send(github::delivery(&rest, "pull_request", "delivery-1", &body)).await;
    assert_eq!((answer.code, &answer.json["status"]), (202, &"processing".into()), "{}", answer.text);
    let job_id = answer.json["jobId"].as_str().unwrap();

    let job = rest.finished(job_id).await;
    assert_eq!(job["decision"]["action"], "block_pr", "{job:#}");
    assert!(evidence(&job).contains("config/prod.env"), "{job:#}");
    let lines: Vec<_> = job["steps"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|step| step["review"]["findings"].as_array().cloned().unwrap_or_default())
        .filter(|finding| finding["severity"] == "critical" && finding["file"] == "config/prod.env")
        .filter_map(|finding| finding["line"].as_u64())
        .collect();
    assert!(
        lines.contains(&2) && lines.contains(&4),
        "the key is in line 2, the private key in 4: {lines:?}"
    );

    let report = rest.get(&format!("/api/orchestrator/jobs/{job_id}/report")).await;
    let report = report.json["report"].as_str().unwrap();
    assert!(report.contains("block_pr") && report.contains("config/prod.env"), "{report}");
    assert!(
        !report.contains("J7QXW2ZRT5KLM3NP") && !job.to_string().contains("J7QXW2ZRT5KLM3NP"),
        "secrets are masked"
    );
}

#[tokio::test]
async fn a_delivery_sent_twice_is_one_job() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let body = github::pull_request("opened", &diffs::clean());
    let first = send(github::delivery(&rest, "pull_request", "same", &body)).await;
    let again = send(github::delivery(&rest, "pull_request", "same", &body)).await;
    let replayed = send(github::delivery(&rest, "pull_request", "another-id", &body)).await;
    assert_eq!(first.json["jobId"], again.json["jobId"], "{}", again.text);
    assert_eq!(first.json["jobId"], replayed.json["jobId"], "the same bytes under another id are a replay");
    let jobs = rest.get("/api/orchestrator/jobs").await;
    assert_eq!(jobs.json["jobs"].as_array().unwrap().len(), 1, "{}", jobs.text);
}

#[tokio::test]
async fn a_small_clean_change_with_tests_is_approved() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let body = github::pull_request("opened", &diffs::clean());
    let answer = send(github::delivery(&rest, "pull_request", "delivery-1", &body)).await;
    let job = rest.finished(answer.json["jobId"].as_str().unwrap()).await;
    assert_eq!(job["decision"]["action"], "approve_and_merge", "{job:#}");
    assert!(evidence(&job).contains("CI"), "that CI is unknown is named: {job:#}");
    let providers: Vec<_> = job["steps"].as_array().unwrap().iter().map(|s| s["provider"].clone()).collect();
    assert_eq!(providers, ["offline"; 4], "the built-in reviewer says who it is");
}

#[tokio::test]
async fn a_model_that_asks_for_changes_gives_request_changes() {
    let provider = Provider::start(|_| Reply::review("request_changes", 5, "Name the unit.")).await.unwrap();
    let url = provider.base_url();
    let mesh = Mesh::start(&[("OPENAI_API_KEY", "sk-test"), ("BSM_OPENAI_BASE_URL", &url)]);
    let rest = mesh.rest();
    let job_id = rest.submit("pull_request.opened", serde_json::json!({"diff": diffs::clean()})).await;
    let job = rest.finished(&job_id).await;
    assert_eq!(job["decision"]["action"], "request_changes", "{job:#}");
    let asked = provider.asked();
    assert_eq!(asked.len(), 4, "one call an agent");
    for call in &asked {
        let prompt = call.body["messages"].to_string();
        assert!(prompt.contains("pub fn total"), "every agent saw the change: {prompt}");
        assert_eq!(call.key.as_deref(), Some("sk-test"));
    }
}

#[tokio::test]
async fn a_change_that_the_event_only_names_is_fetched_from_github_and_judged() {
    let hub = GitHub::start().await.unwrap();
    hub.token("ghp_test", "bsm", Access::Read);
    let head = "0123456789abcdef".to_owned();
    hub.open("octo/shop", NewPull { head: head.clone(), diff: diffs::leaking(), ..NewPull::default() });
    let url = hub.url();
    let mesh = Mesh::start(&[("GITHUB_TOKEN", "ghp_test"), ("BSM_GITHUB_URL", &url)]);
    let rest = mesh.rest();
    let pull = json!({"repo": "octo/shop", "prNumber": 12, "headSha": head});
    let job = rest.finished(&rest.submit("pull_request.opened", pull.clone()).await).await;
    assert_eq!(job["decision"]["action"], "block_pr", "{job:#}");
    assert!(evidence(&job).contains("config/prod.env"), "{job:#}");
    let breakers = rest.get("/api/health/circuit-breakers").await;
    assert!(breakers.text.contains("\"github\""), "operators see its breaker: {}", breakers.text);

    hub.push("octo/shop", 12, "fedcba9876543210");
    let job = rest.finished(&rest.submit("pull_request.synchronize", pull).await).await;
    assert_eq!(job["decision"]["action"], "manual_review", "{job:#}");
    assert!(job["notes"].to_string().contains("its head has moved"), "{job:#}");
}

#[tokio::test]
async fn a_webhook_is_answered_while_all_agents_still_run() {
    let provider = Provider::start(|_| Reply::Hangs).await.unwrap();
    let url = provider.base_url();
    let mesh = Mesh::start(&[("OPENAI_API_KEY", "sk-test"), ("BSM_OPENAI_BASE_URL", &url)]);
    let rest = mesh.rest();
    let body = github::pull_request("opened", &diffs::clean());
    let answer = send(github::delivery(&rest, "pull_request", "delivery-1", &body)).await;
    assert_eq!(answer.code, 202);
    let job_id = answer.json["jobId"].as_str().unwrap();
    let job = rest.until(job_id, "running", |job| job["status"] == "running").await;
    assert!(job["steps"].as_array().unwrap().iter().all(|step| step["status"] != "succeeded"), "{job:#}");
}
