//! What a job promises beyond its first answer: whose word counts, how it runs again, how it is told in the log.

use bsm_runtime::role::Role;
use bsm_testkit::{Asked, Provider, Reply};
use bsm_tests::{Mesh, diffs, rest::send};
use reqwest::Method;
use serde_json::{Value, json};

/// `<job>:<agent>` is the idempotency key of a step.
fn agent(call: &Asked) -> &str {
    call.idempotency_key.as_deref().and_then(|key| key.split(':').nth(1)).unwrap_or_default()
}

fn pull_request() -> Value {
    json!({"repo": "octo/shop", "prNumber": 12, "headSha": "0123456789abcdef", "diff": diffs::clean()})
}

#[tokio::test]
async fn what_one_agent_approved_is_no_approval_of_a_pull_request_that_others_block() {
    let provider = Provider::start(|call| match agent(call) {
        "security-agent" => Reply::review("block", 1, "A hole."),
        _ => Reply::review("approve", 10, "Fine."),
    });
    let provider = provider.await.unwrap();
    let url = provider.base_url();
    let mesh = Mesh::start(&[("OPENAI_API_KEY", "sk-test"), ("BSM_OPENAI_BASE_URL", &url)]);
    let rest = mesh.rest();
    // No strategy names this event, so the governance agent alone looks at it.
    let thin = rest.finished(&rest.submit("push", pull_request()).await).await;
    assert_eq!(thin["decision"]["action"], "manual_review", "{thin:#}");
    let whole = rest.finished(&rest.submit("pull_request.opened", pull_request()).await).await;
    assert_eq!(whole["decision"]["action"], "block_pr", "{whole:#}");
    assert!(whole["decision"]["reason"].as_str().unwrap().contains("A hole"), "{whole:#}");
}

#[tokio::test]
async fn a_job_whose_steps_failed_runs_again_on_request() {
    let provider = Provider::start(|_| Reply::Says("no review at all".to_owned())).await.unwrap();
    let url = provider.base_url();
    let mesh = Mesh::start(&[("OPENAI_API_KEY", "sk-test"), ("BSM_OPENAI_BASE_URL", &url)]);
    let rest = mesh.rest();
    let failed = rest.submit("pull_request.opened", pull_request()).await;
    assert_eq!(rest.finished(&failed).await["decision"]["action"], "manual_review");

    provider.script(|_| Reply::review("approve", 9, "Fine."));
    let path = format!("/api/orchestrator/jobs/{failed}/rerun");
    for request in [rest.request(Method::POST, &path), rest.request(Method::POST, &path).json(&json!({}))] {
        let answer = send(request).await;
        assert_eq!((answer.code, &answer.json["status"]), (202, &json!("queued")), "{}", answer.text);
        let again = rest.finished(answer.json["jobId"].as_str().unwrap()).await;
        assert_ne!(again["jobId"], failed.as_str());
        assert_eq!(again["decision"]["action"], "approve_and_merge", "{again:#}");
    }
    assert_eq!(rest.finished(&failed).await["decision"]["action"], "manual_review", "the old job stays");
}

#[tokio::test]
async fn strategies_are_open_to_all_and_jobs_are_not() {
    let mesh = Mesh::start(&[("BSM_PROFILE", "staging"), ("ADMIN_TOKEN", "a-token-of-more-than-sixteen")]);
    let rest = mesh.rest();
    let config = rest.get("/api/orchestrator/config").await;
    assert_eq!((config.code, &config.json["totalEvents"]), (200, &json!(8)), "{}", config.text);
    assert_eq!(rest.get("/api/orchestrator/jobs").await.code, 401);
}

#[tokio::test]
async fn the_lines_of_a_job_name_it_and_its_call_even_when_only_warnings_are_logged() {
    let provider = Provider::start(|_| Reply::Says("no review at all".to_owned())).await.unwrap();
    let url = provider.base_url();
    let mut mesh = Mesh::start(&[
        ("OPENAI_API_KEY", "sk-test"),
        ("BSM_OPENAI_BASE_URL", &url),
        // The harness waits for the lines that say who serves.
        ("LOG_LEVEL", "warn,bsm::mesh=info"),
    ]);
    let rest = mesh.rest();
    let body = json!({"event": "pull_request.opened", "payload": pull_request()});
    let request = rest.request(Method::POST, "/api/orchestrator/run").header("x-correlation-id", "mine-7");
    let job_id = send(request.json(&body)).await.json["jobId"].as_str().unwrap().to_owned();
    rest.finished(&job_id).await;
    let log = mesh.node(Role::Orchestrator).log();
    let failed: Vec<_> = log.lines().filter(|line| line.contains("the step failed")).collect();
    assert_eq!(failed.len(), 4, "{log}");
    assert!(failed.iter().all(|line| line.contains(&job_id) && line.contains("mine-7")), "{failed:#?}");
}
