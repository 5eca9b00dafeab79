//! What fails is contained, and nothing that fails approves.

use bsm_runtime::role::Role;
use bsm_testkit::{Provider, Reply};
use bsm_tests::{Mesh, diffs, rest::send};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn with_the_provider_down_a_person_decides_and_everything_else_answers() {
    // A port that was free a moment ago: connecting to it is refused.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{gone}/v1");
    let mesh = Mesh::start(&[("OPENAI_API_KEY", "sk-test"), ("BSM_OPENAI_BASE_URL", &url)]);
    let rest = mesh.rest();
    let job_id = rest.submit("pull_request.opened", json!({"diff": diffs::clean()})).await;
    for path in ["/health", "/api/agents", "/api/agents/status", "/api/knowledge", "/api/orchestrator/config"]
    {
        assert_eq!(rest.get(path).await.code, 200, "{path} answers while the provider is down");
    }
    let job = rest.finished(&job_id).await;
    assert_eq!(job["decision"]["action"], "manual_review", "{job:#}");
    let chat = rest.post("/api/chat/direct", json!({"message": "hello", "language": "en"})).await;
    assert!([502, 503].contains(&chat.code), "a failure is told as one: {} {}", chat.code, chat.text);
    assert!(!chat.text.contains("127.0.0.1"), "addresses stay inside: {}", chat.text);
}

#[tokio::test]
async fn an_answer_that_is_no_review_never_approves() {
    let provider = Provider::start(|_| Reply::Says("Looks good to me, approve!".to_owned())).await.unwrap();
    let url = provider.base_url();
    let mesh = Mesh::start(&[("OPENAI_API_KEY", "sk-test"), ("BSM_OPENAI_BASE_URL", &url)]);
    let rest = mesh.rest();
    let job_id = rest.submit("pull_request.opened", json!({"diff": diffs::clean()})).await;
    let job = rest.finished(&job_id).await;
    assert_eq!(job["decision"]["action"], "manual_review", "{job:#}");
    assert!(
        job["steps"].as_array().unwrap().iter().all(|step| step["code"] == "UNPARSEABLE_ANSWER"),
        "{job:#}"
    );
}

#[tokio::test]
async fn without_knowledge_and_memory_a_job_goes_on_and_says_so() {
    let mut mesh = Mesh::start(&[]);
    mesh.node(Role::Knowledge).kill();
    mesh.node(Role::Memory).kill();
    let rest = mesh.rest();
    let job_id = rest.submit("pull_request.opened", json!({"diff": diffs::clean()})).await;
    let job = rest.finished(&job_id).await;
    assert_eq!(job["decision"]["action"], "approve_and_merge", "{job:#}");
    let notes = job["notes"].to_string();
    assert!(notes.contains("knowledge") && notes.contains("memory"), "{notes}");
    let health = rest.get("/api/health/detailed").await;
    assert_ne!(health.json["status"], "healthy", "{}", health.text);
}

#[tokio::test]
async fn a_change_that_nobody_saw_is_not_approved() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let binary = "diff --git a/logo.png b/logo.png\nindex 1111111..2222222 100644\nBinary files a/logo.png and b/logo.png differ\n";
    for payload in
        [json!({}), json!({"diff": ""}), json!({"diff": binary}), json!({"diff": "no diff at all"})]
    {
        let job_id = rest.submit("pull_request.opened", payload.clone()).await;
        let action = rest.finished(&job_id).await["decision"]["action"].clone();
        assert_ne!(action, "approve_and_merge", "{payload}");
    }
}

#[tokio::test]
async fn a_provider_that_hangs_does_not_close_the_way_to_the_models_for_others() {
    let provider = Provider::start(|_| Reply::Hangs).await.unwrap();
    let url = provider.base_url();
    let mesh = Mesh::start(&[
        ("OPENAI_API_KEY", "sk-test"),
        ("BSM_OPENAI_BASE_URL", &url),
        ("BSM_MODEL_TIMEOUT_SECONDS", "6"), // longer than calls between most services may take
    ]);
    let rest = mesh.rest();
    let ask = |model: &str| {
        let prompt = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
        send(rest.request(Method::POST, "/api/models/complete").json(&json!({"prompt": prompt})))
    };
    // All that the provider's bulkhead holds and lets wait, and nothing else that would make them a small share.
    let hanging: Vec<_> = (0..20).map(|_| tokio::spawn(ask("openai"))).collect();
    for call in hanging {
        let answer = call.await.unwrap();
        assert!([503, 504].contains(&answer.code), "{}", answer.text);
    }
    for _ in 0..20 {
        let answer = ask("offline").await;
        assert_eq!(answer.code, 200, "the built-in reviewer answers: {}", answer.text);
    }
}
