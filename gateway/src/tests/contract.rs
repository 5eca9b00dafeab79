//! Routes, shapes, errors and headers of the REST contract.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_get_becomes_an_rpc_and_its_answer_json() {
    let rig = Rig::start(&[]).await;
    let answer = read(rig.send(get("/api/knowledge/?audience=a&audience=b")).await).await;
    let id = answer.header("x-correlation-id").to_owned();
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.json(),
        json!({
            "documents": ["text"],
            "items": [{"id": "guide", "title": "", "source": "", "size": 4, "tags": [], "audience": [], "hash": "", "format": "", "origin": "", "addedAt": 0,
                       "addedBy": "", "passages": 0}],
            "correlationId": id
        })
    );
    assert_eq!(*rig.fake.audience.lock().unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_post_becomes_an_rpc_with_the_code_of_its_rule() {
    let rig = Rig::start(&[]).await;
    let body = json!({"event": "pull_request.opened", "payload": {"prNumber": 1, "nested": {"deep": [1.5]}}});
    let (status, answer) = rig.json(post("/api/orchestrator/run", &body)).await;
    assert_eq!(status, 202, "{answer}");
    assert_eq!((&answer["jobId"], &answer["timestamp"]), (&json!("job-1"), &json!(1_700_000_000_000_i64)));
    let submitted = rig.fake.submitted.lock().unwrap();
    let payload = bsm_runtime::json::from_struct(submitted[0].1.payload.as_ref().unwrap());
    assert_eq!(serde_json::Value::Object(payload), body["payload"]);
}

#[tokio::test]
async fn the_deepest_json_that_is_taken_arrives() {
    let rig = Rig::start(&[]).await;
    let deepest = (0..30).fold(json!(1), |inner, _| json!({ "x": inner }));
    let (status, answer) = rig.json(post("/api/orchestrator/run", &json!({"payload": deepest}))).await;
    assert_eq!(status, 202, "{answer}");
}

#[tokio::test]
async fn the_correlation_id_goes_along_and_comes_back() {
    let rig = Rig::start(&[]).await;
    let headers = [("content-type", "application/json"), ("x-correlation-id", "mine-1")];
    let body = json!({"agentId": "echo"}).to_string();
    let answer = read(rig.send(request("POST", "/api/agents/run", &headers, body)).await).await;
    assert_eq!(answer.header("x-correlation-id"), "mine-1");
    assert_eq!(answer.json()["correlationId"], "mine-1");
    assert_eq!(answer.json()["result"]["output"], "mine-1 127.0.0.1");
}

#[tokio::test]
async fn failures_are_told_in_the_contracts_shape() {
    let rig = Rig::start(&[]).await;
    for (request, status, code, error) in [
        (get("/api/nothing?x=1"), 404, "NOT_FOUND", "Not Found"),
        (get("/api/orchestrator/jobs/7"), 404, "JOB_NOT_FOUND", "there is no job 7"),
        (
            post("/api/agents/run", &json!({"agentId": "x"})),
            404,
            "AGENT_NOT_FOUND",
            "agent x is not registered",
        ),
        (post("/api/agents/run", &json!({"agentId": "busy"})), 503, "BULKHEAD_FULL", "no room is left"),
        (post("/api/agents", &json!({})), 405, "METHOD_NOT_ALLOWED", "This path does not take this method"),
        (post("/metrics", &json!({})), 405, "METHOD_NOT_ALLOWED", "This path does not take this method"),
        (get("/api/orchestrator/config"), 500, "INTERNAL", "Something went wrong inside"),
        (get("/api/models"), 501, "UNIMPLEMENTED", ""),
        (
            get("/api/agents?bad=1"),
            400,
            "INVALID_ARGUMENT",
            "The parameter \"bad\" is not known here; it may be mode, context, category, risk, selectable.",
        ),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = read(rig.send(request).await).await;
        let body = answer.json();
        assert_eq!((answer.status, body["code"].as_str().unwrap()), (status, code), "{what}: {body}");
        assert!(body["error"].as_str().unwrap().starts_with(error), "{what}: {body}");
        assert_eq!(body["correlationId"], answer.header("x-correlation-id"), "{what}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
        assert!(!answer.body.contains("sqlite") && !answer.body.contains("/var/lib"), "{what}: {body}");
    }
    let unknown = read(rig.send(get("/api/nothing?x=1")).await).await;
    assert_eq!(unknown.json()["path"], "/api/nothing?x=1");
    let other = read(rig.send(post("/api/agents", &json!({}))).await).await;
    assert_eq!(other.header("allow"), "GET, HEAD, OPTIONS");
    let busy = read(rig.send(post("/api/agents/run", &json!({"agentId": "busy"}))).await).await;
    assert_eq!(busy.header("retry-after"), "3");
    let job = rig.json(get("/api/orchestrator/jobs/7")).await.1;
    assert_eq!(job["details"], json!([{"field": "jobId", "message": "x"}]));
}

#[tokio::test]
async fn bad_bodies_are_refused_before_anything_is_called() {
    let rig = Rig::start(&[]).await;
    let large = json!({"input": "x".repeat(1024 * 1024)}).to_string();
    let json_type = [("content-type", "application/json")];
    for (headers, body, status, code) in [
        (&json_type[..], "{".to_owned(), 400, "INVALID_JSON"),
        (&json_type, large, 413, "PAYLOAD_TOO_LARGE"),
        (
            &json_type,
            format!("{{\"payload\":{{\"n\":[{}1]}}}}", "1,".repeat(400_000)),
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        (&[("content-type", "text/plain")], "{}".to_owned(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[], "{}".to_owned(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[json_type[0], ("content-encoding", "br")], "{}".to_owned(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[json_type[0], ("content-length", "99999999")], "{}".to_owned(), 413, "PAYLOAD_TOO_LARGE"),
    ] {
        let (answered, body) = rig.json(request("POST", "/api/orchestrator/run", headers, body)).await;
        assert_eq!((answered, body["code"].as_str().unwrap()), (status, code), "{body}");
    }
    assert!(rig.fake.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn text_is_served_bare_to_who_asks_for_it() {
    let rig = Rig::start(&[]).await;
    let path = "/api/orchestrator/jobs/j/report";
    let markdown =
        read(rig.send(request("GET", path, &[("accept", "text/markdown")], Body::empty())).await).await;
    assert_eq!(markdown.body, "# Report\n");
    assert_eq!(markdown.header("content-type"), "text/markdown; charset=utf-8");
    assert_eq!(rig.json(get(path)).await.1["report"], "# Report\n");
}

#[tokio::test]
async fn a_get_has_a_tag_and_is_not_sent_twice_and_a_head_has_no_body() {
    let rig = Rig::start(&[]).await;
    let first = read(rig.send(get("/api/knowledge/guide")).await).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let again = request("GET", "/api/knowledge/guide", &[("if-none-match", &tag)], Body::empty());
    let again = read(rig.send(again).await).await;
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag.as_str()));
    let other = request("GET", "/api/knowledge/other", &[("if-none-match", &tag)], Body::empty());
    assert_eq!(rig.send(other).await.status(), 200);
    let head = read(rig.send(request("HEAD", "/api/knowledge/guide", &[], Body::empty())).await).await;
    assert_eq!((head.status, head.body.as_str(), head.header("etag")), (200, "", tag.as_str()));
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_and_others_get_no_headers() {
    let rig = Rig::start(&[("cors_origins", "https://app.example.com")]).await;
    for (origin, allowed) in [
        ("https://app.example.com", "https://app.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://evil.example", ""),
    ] {
        let answer =
            read(rig.send(request("GET", "/health", &[("origin", origin)], Body::empty())).await).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, allowed));
        assert_eq!(answer.header("vary"), "Origin");
        let asks = [("origin", origin), ("access-control-request-method", "POST")];
        let preflight =
            read(rig.send(request("OPTIONS", "/api/agents/run", &asks, Body::empty())).await).await;
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, allowed));
        assert_eq!(preflight.header("access-control-allow-methods").is_empty(), allowed.is_empty());
        assert_eq!(preflight.header("x-frame-options"), "SAMEORIGIN");
    }
}

#[tokio::test]
async fn a_caller_without_rights_is_refused() {
    let rig = Rig::start(&[("profile", "staging"), ("admin_token", "a-token-of-sixteen")]).await;
    let answer = read(rig.send(get("/api/knowledge")).await).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (401, Some("Unauthorized")));
    let token = [("x-admin-token", "a-token-of-sixteen")];
    assert_eq!(rig.send(request("GET", "/api/knowledge", &token, Body::empty())).await.status(), 200);
    assert_eq!(rig.send(get("/health")).await.status(), 200);
}

#[tokio::test]
async fn a_client_from_outside_reaches_nothing_when_only_the_lan_is_served() {
    let rig = Rig::start(&[("lan_only", "true")]).await;
    for path in ["/health", "/api/nothing"] {
        let mut request = get(path);
        request.extensions_mut().insert(Peer("203.0.113.9:1".parse().unwrap()));
        let (status, body) = rig.json(request).await;
        assert_eq!(
            (status, &body["error"], &body["code"]),
            (403, &json!("Access Denied"), &json!("LAN_ONLY_VIOLATION"))
        );
        assert_eq!(rig.send(get("/health")).await.status(), 200);
    }
}

#[tokio::test]
async fn health_and_status_are_answered_by_the_gateway_itself() {
    let rig = Rig::start(&[]).await;
    for path in ["/health", "/api/health"] {
        let (status, body) = rig.json(get(path)).await;
        assert_eq!((status, &body["status"]), (200, &json!("ok")));
        assert!(body["timestamp"].is_i64(), "{body}");
    }
    let phone = request("GET", "/api/status", &[("user-agent", "Mozilla/5.0 (iPhone)")], Body::empty());
    let (status, body) = rig.json(phone).await;
    assert_eq!(
        (status, &body["status"], &body["environment"]),
        (200, &json!("operational"), &json!("development"))
    );
    assert_eq!(body["client"], json!({"isMobile": true, "ip": "127.0.0.1", "restrictions": []}));
    assert_eq!(body["capabilities"]["externalApi"], false);
    let (status, body) = rig.json(get("/api/health/circuit-breakers")).await;
    assert_eq!(status, 200);
    let breaker =
        body["breakers"].as_array().unwrap().iter().find(|b| b["name"] == "gateway->registry").unwrap();
    assert_eq!((&breaker["state"], &breaker["nextAttempt"]), (&json!("CLOSED"), &Value::Null));
}

#[tokio::test]
async fn an_unhealthy_mesh_is_a_503_with_the_whole_story() {
    let rig = Rig::start(&[]).await; // the fakes serve no health and no registry
    let (status, body) = rig.json(get("/api/health/detailed")).await;
    assert_eq!((status, &body["status"]), (503, &json!("unhealthy")), "{body}");
    assert_eq!(body["checks"]["filesystem"]["status"], "pass");
    assert_eq!(body["checks"]["agentRegistry"].get("count"), None);
    assert_eq!(body["checks"]["services"]["services"].as_array().unwrap().len(), 5);
    assert_eq!(body["checks"]["environment"]["environment"], "development");
}

#[tokio::test]
async fn health_tries_the_folder_that_the_gateway_writes_to() {
    let rig = Rig::start(&[]).await;
    std::fs::write(rig.process.state(), "a file where the folder belongs").unwrap();
    let (_, body) = rig.json(get("/api/health/detailed")).await;
    assert_eq!(body["checks"]["filesystem"]["status"], "warn", "{body}");
}

#[tokio::test]
async fn a_weak_token_is_told_in_health() {
    let rig = Rig::start(&[("profile", "staging"), ("admin_token", "x")]).await;
    let (_, body) = rig.json(get("/api/health/detailed")).await;
    let environment = &body["checks"]["environment"];
    assert_eq!(environment["status"], "warn", "{body}");
    assert!(environment["warnings"].to_string().contains("ADMIN_TOKEN is shorter than 16"), "{body}");
}

#[tokio::test]
async fn requests_are_counted_by_route_and_not_by_path() {
    let rig = Rig::start(&[]).await;
    for path in ["/api/knowledge/a", "/api/knowledge/b", "/nothing"] {
        rig.send(get(path)).await;
    }
    let answer = read(rig.send(get("/metrics")).await).await;
    assert_eq!(
        (answer.status, answer.header("content-type").starts_with("application/openmetrics-text")),
        (200, true)
    );
    let text = answer.body;
    assert!(text.contains(r#"method="GET /api/knowledge/{document_id}",code="200"} 2"#), "{text}");
    assert!(text.contains(r#"method="GET none",code="404"} 1"#), "{text}");
}
