//! The REST contract, route by route, through the whole mesh.

use bsm_runtime::role::Role;
use bsm_tests::{Mesh, diffs, github, rest::send};
use reqwest::Method;
use serde_json::{Value, json};

fn has(value: &Value, fields: &[&str]) {
    for field in fields {
        assert!(value.get(field).is_some(), "{field} is missing in {value:#}");
    }
}

#[tokio::test]
async fn health_and_status_have_the_shapes_of_the_contract() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    for path in ["/health", "/api/health", "/api/health/"] {
        let health = rest.get(path).await;
        assert_eq!(health.json["status"], "ok", "{path}: {}", health.text);
        assert!(
            health.json["timestamp"].as_u64().is_some_and(|ms| ms > 1_700_000_000_000),
            "{}",
            health.text
        );
        has(&health.json, &["correlationId"]);
    }
    let detailed = rest.get("/api/health/detailed").await.json;
    has(&detailed, &["timestamp", "status", "checks", "correlationId"]);
    has(&detailed["checks"], &["filesystem", "agentRegistry", "environment", "services", "circuitBreakers"]);
    assert_eq!(detailed["checks"]["agentRegistry"]["count"], 14);
    let status = rest.get("/api/status").await.json;
    assert_eq!(status["status"], "operational");
    has(&status, &["timestamp", "environment", "version", "features", "client", "capabilities"]);
    has(&status["features"], &["mobileMode", "lanOnly", "safeMode"]);
    assert_eq!(status["client"]["restrictions"], json!([]));
    let breakers = rest.get("/api/health/circuit-breakers").await.json;
    let first = &breakers["breakers"][0];
    has(first, &["name", "service", "state", "failures", "successes", "stats"]);
    has(&first["stats"], &["total", "failures", "successes", "rejections"]);
    assert_eq!(first["nextAttempt"], Value::Null, "closed: {first:#}");
}

#[tokio::test]
async fn an_agent_tells_whether_it_may_and_can_be_asked_and_how_its_last_run_ended() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let of = async |id: &str| rest.get(&format!("/api/agents/{id}/health")).await;
    let fresh = of("security-agent").await;
    assert_eq!((fresh.code, &fresh.json["status"]), (200, &json!("healthy")), "{}", fresh.text);
    assert_eq!(fresh.json["lastRun"]["message"], "It has not run in any job that is kept.");
    assert_eq!(fresh.json["state"], "stopped", "what operators want says nothing about health");
    let job = rest.submit("pull_request.opened", json!({"diff": diffs::clean()})).await;
    rest.finished(&job).await;
    let ran = of("security-agent").await.json;
    assert_eq!((&ran["lastRun"]["status"], &ran["lastRun"]["jobId"]), (&json!("pass"), &json!(job)));
    has(&ran, &["agentId", "timestamp", "permission", "route", "correlationId"]);
    let gated = of("bsu-audit-agent").await;
    assert_eq!((gated.code, &gated.json["status"]), (503, &json!("unhealthy")), "{}", gated.text);
    assert_eq!(gated.json["permission"]["status"], "fail", "it needs an approval");
    let nobody = of("secruity-agent").await;
    assert_eq!((nobody.code, &nobody.json["code"]), (404, &json!("AGENT_NOT_FOUND")), "{}", nobody.text);
}

#[tokio::test]
async fn agents_are_listed_with_their_definition_and_governance() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let all = rest.get("/api/agents").await.json;
    let agents = all["agents"].as_array().unwrap();
    assert_eq!(agents.len(), 13, "all but the one that is for the mesh alone");
    has(&agents[0], &["id", "name", "role", "contexts", "safety", "risk", "approval", "expose"]);
    assert!(all.get("count").is_none() && all.get("filtered").is_none());
    let some = rest.get("/api/agents?mode=github").await.json;
    assert_eq!((&some["mode"], &some["filtered"]), (&json!("github"), &json!(true)));
    let listed = some["agents"].as_array().unwrap();
    assert!(!listed.is_empty() && listed.len() < 13);
    assert_eq!(some["count"], listed.len());
    for agent in listed {
        assert!(agent["contexts"]["allowed"].as_array().unwrap().contains(&json!("github")), "{agent:#}");
    }
    let wrong = rest.get("/api/agents?mode=tv").await;
    assert_eq!(wrong.code, 400);
    assert!(wrong.json["error"].as_str().unwrap().contains("github"), "{}", wrong.text);
    let states = rest.get("/api/agents/status").await.json;
    assert_eq!((&states["totalAgents"], &states["runningAgents"]), (&json!(14), &json!(0)));
    has(&states["agents"][0], &["id", "name", "category", "risk", "state", "config"]);
    assert_eq!(states["agents"][0]["config"]["autoStart"], false);
    let one = rest.get("/api/agents/security-agent/status").await;
    has(&one.json, &["id", "name", "state", "config"]);
    let none = rest.get("/api/agents/nobody/status").await;
    assert_eq!((none.code, &none.json["code"]), (404, &json!("AGENT_NOT_FOUND")));
}

#[tokio::test]
async fn an_agent_runs_on_an_input_and_bad_input_is_told_as_such() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let body =
        json!({"agentId": "security-agent", "input": "Please look.", "payload": {"diff": diffs::leaking()}});
    let ran = rest.post("/api/agents/run", body).await;
    assert_eq!(ran.code, 200, "{}", ran.text);
    assert!(ran.json["result"]["output"].as_str().unwrap().contains("config/prod.env"), "{}", ran.text);
    for (body, code, reason) in [
        (json!({"agentId": "nobody", "input": "x"}), 404, "AGENT_NOT_FOUND"),
        (json!({"agentId": "security-agent", "input": ""}), 400, "INVALID_INPUT"),
        (json!({"agentId": "security-agent", "input": "x".repeat(4001)}), 400, "INPUT_TOO_LONG"),
        (json!({"agentId": "", "input": "x"}), 400, "INVALID_AGENT_ID"),
    ] {
        let answer = rest.post("/api/agents/run", body.clone()).await;
        assert_eq!(
            (answer.code, answer.json["code"].as_str()),
            (code, Some(reason)),
            "{body}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn knowledge_and_chat_answer() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let knowledge = rest.get("/api/knowledge").await.json;
    let documents = knowledge["documents"].as_array().unwrap();
    assert!(documents.len() >= 4 && documents.iter().all(|text| text.as_str().unwrap().len() > 200));
    has(&knowledge["items"][0], &["id", "title", "source", "size"]);
    let chat = rest.post("/api/chat/direct", json!({"message": "Who are you?", "language": "en"})).await;
    assert_eq!(chat.code, 200, "{}", chat.text);
    assert!(!chat.json["output"].as_str().unwrap().is_empty());
    let arabic = rest.post("/api/chat/direct", json!({"message": "من أنت؟"})).await;
    let text = arabic.json["output"].as_str().unwrap();
    assert!(text.chars().any(|c| ('\u{600}'..='\u{6FF}').contains(&c)), "Arabic by default: {text}");
    let request = rest.request(Method::POST, "/api/chat/direct").header("accept", "text/event-stream");
    let stream = send(request.json(&json!({"message": "hello", "language": "en"}))).await;
    assert!(stream.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    assert!(stream.text.contains("data: {"), "{}", stream.text);
    for (body, reason) in [
        (json!({"message": ""}), "INVALID_INPUT"),
        (json!({"message": "x".repeat(4001)}), "INPUT_TOO_LONG"),
        (json!({"message": "x", "history": [{"role": "system", "content": "y"}]}), "INVALID_HISTORY"),
        (json!({"message": "x", "language": "fr"}), "INVALID_LANGUAGE"),
    ] {
        let answer = rest.post("/api/chat/direct", body.clone()).await;
        assert_eq!(
            (answer.code, answer.json["code"].as_str()),
            (400, Some(reason)),
            "{body}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_run_can_be_waited_for_and_leaves_a_job_with_events_and_a_report() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let body = json!({"event": "pull_request.opened", "payload": {"diff": diffs::clean()}, "wait": 30});
    for path in ["/api/orchestrator/run", "/api/control/run"] {
        let ran = rest.post(path, body.clone()).await;
        assert_eq!(ran.code, 202, "{}", ran.text);
        has(
            &ran.json,
            &[
                "success",
                "jobId",
                "status",
                "timestamp",
                "correlationId",
                "decision",
                "results",
                "reportFile",
            ],
        );
        assert_eq!(ran.json["decision"]["action"], "approve_and_merge", "{}", ran.text);
        let job_id = ran.json["jobId"].as_str().unwrap();
        let request = rest.request(Method::GET, &format!("/api/orchestrator/jobs/{job_id}/report"));
        let report = send(request.header("accept", "text/markdown")).await;
        assert!(report.headers["content-type"].to_str().unwrap().starts_with("text/markdown"));
        assert!(report.text.starts_with('#'), "{}", report.text);
    }
    let config = rest.get("/api/orchestrator/config").await.json;
    assert_eq!((&config["success"], &config["totalEvents"]), (&json!(true), &json!(8)));
    has(&config["strategies"][0], &["event", "agents", "execution", "description"]);
    let unknown = rest.get("/api/orchestrator/jobs/none").await;
    assert_eq!((unknown.code, &unknown.json["code"]), (404, &json!("JOB_NOT_FOUND")));
}

#[tokio::test]
async fn errors_have_one_shape_and_every_answer_a_correlation_id() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let request = rest.request(Method::GET, "/api/nothing?x=1").header("x-correlation-id", "my-id.1");
    let missing = send(request).await;
    assert_eq!(missing.code, 404);
    assert_eq!(
        (&missing.json["error"], &missing.json["path"]),
        (&json!("Not Found"), &json!("/api/nothing?x=1"))
    );
    assert_eq!(missing.json["correlationId"], "my-id.1");
    assert_eq!(missing.headers["x-correlation-id"], "my-id.1");
    let method = send(rest.request(Method::DELETE, "/api/agents")).await;
    assert_eq!(method.code, 405);
    assert!(method.headers["allow"].to_str().unwrap().contains("GET"));
    let malformed = rest.request(Method::POST, "/api/agents/run").header("content-type", "application/json");
    let malformed = send(malformed.body("{\n  \"agentId\": oops}")).await;
    assert_eq!((malformed.code, &malformed.json["code"]), (400, &json!("INVALID_JSON")));
    assert!(malformed.json["error"].as_str().unwrap().contains("line 2"), "{}", malformed.text);
    let unknown = rest.post("/api/agents/run", json!({"agentId": "x", "inputt": "y"})).await;
    assert_eq!(unknown.code, 400);
    assert!(unknown.text.contains("inputt"), "{}", unknown.text);
    let large = rest.post("/api/agents/run", json!({"agentId": "x", "input": "y".repeat(2 << 20)})).await;
    assert_eq!(large.code, 413, "{}", large.text);
    let kind = rest.request(Method::POST, "/api/agents/run").header("content-type", "text/plain").body("x");
    assert_eq!(send(kind).await.code, 415);
    for answer in [&missing, &method, &malformed, &unknown, &large] {
        assert!(answer.headers.contains_key("x-correlation-id"));
        assert!(answer.headers.contains_key("x-content-type-options"), "security headers on errors too");
        has(&answer.json, &["error", "correlationId"]);
    }
}

#[tokio::test]
async fn deliveries_are_believed_only_with_the_right_signature() {
    let mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let body = github::pull_request("opened", &diffs::clean());
    let wrong =
        github::delivery(&rest, "pull_request", "d", &body).header("x-hub-signature-256", "sha256=00");
    let refused = send(wrong).await;
    assert_eq!(refused.code, 401, "{}", refused.text);
    assert_eq!(refused.json["error"]["code"], "INVALID_WEBHOOK_SIGNATURE", "{}", refused.text);
    let ping = send(github::delivery(&rest, "ping", "p", &json!({"zen": "Keep it simple."}))).await;
    assert_eq!(ping.code, 200, "{}", ping.text);
    let mut draft = body.clone();
    draft["pull_request"]["draft"] = true.into();
    let skipped = send(github::delivery(&rest, "pull_request", "dr", &draft)).await;
    assert_eq!((skipped.code, &skipped.json["reason"]), (200, &json!("Draft PR")), "{}", skipped.text);
    assert_eq!(rest.get("/api/orchestrator/jobs").await.json["jobs"], json!([]), "none of these made a job");
}

#[tokio::test]
async fn every_role_serves_metrics_and_healthz_on_its_second_port() {
    let mesh = Mesh::start(&[]);
    mesh.rest().get("/api/agents").await;
    for role in Role::ALL {
        let ops = bsm_tests::Rest::new(&mesh.ops_url(role));
        assert_eq!(ops.get("/healthz").await.text, "serving\n", "{role}");
        let metrics = ops.get("/metrics").await.text;
        assert!(
            metrics.contains("bsm_bulkhead_in_flight") && metrics.ends_with("# EOF\n"),
            "{role}: {metrics}"
        );
    }
    let registry = bsm_tests::Rest::new(&mesh.ops_url(Role::Registry)).get("/metrics").await.text;
    assert!(registry.contains("RegistryService/ListAgents\",code=\"Ok\"} "), "{registry}");
}

#[tokio::test]
async fn a_correlation_id_is_in_the_log_lines_of_every_hop() {
    let mut mesh = Mesh::start(&[]);
    let rest = mesh.rest();
    let body = json!({"agentId": "security-agent", "input": "x", "payload": {"diff": diffs::clean()}});
    let request = rest.request(Method::POST, "/api/agents/run").header("x-correlation-id", "trace-me-7");
    assert_eq!(send(request.json(&body)).await.code, 200);
    // What the registry says is kept, and a load serves many calls: it belongs to none of them.
    for role in [Role::Gateway, Role::Orchestrator, Role::Models] {
        let log = mesh.node(role).log();
        assert!(log.contains("trace-me-7"), "{role}: {log}");
    }
}
