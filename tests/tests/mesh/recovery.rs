//! kill -9 at any point loses nothing and pays for nothing twice.

use std::collections::BTreeMap;

use bsm_runtime::role::Role;
use bsm_testkit::{Asked, Provider, Reply};
use bsm_tests::{Mesh, diffs};
use serde_json::json;

/// `<job>:<agent>` is the idempotency key of a step.
fn agent(call: &Asked) -> String {
    call.idempotency_key.as_deref().and_then(|key| key.split(':').nth(1)).unwrap_or_default().to_owned()
}

fn calls_by_agent(provider: &Provider) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in provider.asked() {
        *counts.entry(agent(&call)).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn an_orchestrator_killed_between_steps_goes_on_where_it_was() {
    let approve = || Reply::review("approve", 9, "Fine.");
    let provider = Provider::start(move |call| match agent(call).as_str() {
        "architect-agent" => approve(),
        _ => Reply::Hangs,
    })
    .await
    .unwrap();
    let url = provider.base_url();
    let mut mesh = Mesh::start(&[("OPENAI_API_KEY", "sk-test"), ("BSM_OPENAI_BASE_URL", &url)]);
    let rest = mesh.rest();
    let job_id = rest.submit("manual.orchestrator_run", json!({"diff": diffs::clean()})).await;
    rest.until(&job_id, "at its second step", |job| {
        job["steps"][0]["status"] == "succeeded" && job["steps"][1]["status"] == "running"
    })
    .await;

    mesh.node(Role::Orchestrator).kill();
    assert_eq!(rest.get("/api/agents").await.code, 200, "the others do not notice");
    provider.script(move |_| approve());
    mesh.restart(Role::Orchestrator);

    let job = rest.until(&job_id, "done", |job| job["status"] == "succeeded").await;
    let calls = calls_by_agent(&provider);
    assert_eq!(calls["architect-agent"], 1, "a finished step is not run again: {calls:?}");
    assert_eq!(job["steps"][0]["attempts"], 1);
    assert_eq!(job["steps"][1]["attempts"], 2, "the step that was cut off is: {job:#}");
    assert!(job["decision"]["action"].is_string(), "{job:#}");
    let events = rest.get(&format!("/api/orchestrator/jobs/{job_id}/events")).await.text;
    assert_eq!(events.matches("event: decision.made").count(), 1, "{events}");
}

#[tokio::test]
async fn a_client_that_comes_back_to_the_events_misses_and_repeats_nothing() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let job_id = rest.submit("pull_request.opened", json!({"diff": diffs::clean()})).await;
    rest.finished(&job_id).await;
    let path = format!("/api/orchestrator/jobs/{job_id}/events");
    let all = rest.get(&path).await;
    assert!(all.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let ids: Vec<_> = all.text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert!(ids.len() > 4, "{}", all.text);
    let request = rest.request(reqwest::Method::GET, &path).header("last-event-id", ids[2]);
    let rest_of_it = bsm_tests::rest::send(request).await.text;
    let seen: Vec<_> = rest_of_it.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    assert_eq!(seen, ids[3..]);
}

#[tokio::test]
async fn reviews_and_decisions_are_found_again_after_a_restart() {
    let mut mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let stored = rest
        .post(
            "/api/memory/reviews",
            json!({"code": "fn parse(input: &str) -> Config", "review": "Check the length."}),
        )
        .await;
    assert_eq!(stored.code, 200, "{}", stored.text);
    mesh.node(Role::Memory).kill();
    mesh.restart(Role::Memory);
    let query = json!({"code": "fn parse(input: &str) -> Settings", "topK": 3});
    // The gateway's connection died with the process; it is made again on the next call, or the one after.
    for _ in 0..50 {
        let found = rest.post("/api/memory/reviews/search", query.clone()).await;
        if found.code == 200 {
            assert_eq!(found.json["results"][0]["id"], stored.json["id"], "{}", found.text);
            assert_eq!(found.json["exact"], true);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("memory does not come back");
}
