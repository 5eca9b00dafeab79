//! What a client can get wrong, over the real binary: a 4xx that names the field, nobody asked, and never a 5xx.

use std::{path::Path, time::Duration};

use bsm_runtime::role::Role;
use bsm_testkit::{Provider, Reply};
use bsm_tests::{Node, Rest, rest::send};
use reqwest::Method;
use serde_json::{Value, json};

/// A request, the code it ends in, and a word that says what is wrong with it.
type Row = (&'static str, Value, u16, &'static str);

fn rows() -> Vec<Row> {
    let own = |fields: Value| {
        let mut prompt = json!({"messages": [{"role": "user", "content": "hi"}]});
        prompt.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({"prompt": prompt})
    };
    let face = |fields: Value| {
        let mut document =
            json!({"model": "openai", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
        document.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        document
    };
    let (complete, chat, messages) = ("/api/models/complete", "/v1/chat/completions", "/v1/messages");
    let tool = |parameters: Value| json!([{"type": "function", "function": {"name": "look_up", "parameters": parameters}}]);
    vec![
        (complete, json!({}), 400, "messages"),
        (complete, json!({"prompt": {"messages": []}}), 400, "messages"),
        (complete, json!([]), 400, ""),
        (complete, own(json!({"maxTokens": -1})), 400, "maxTokens"),
        (complete, own(json!({"maxTokens": 0})), 400, "maxTokens"),
        (complete, own(json!({"maxTokens": 1e99})), 400, "maxTokens"),
        (complete, own(json!({"temperature": 2.5})), 400, "temperature"),
        (complete, own(json!({"temperature": "hot"})), 400, "temperature"),
        (complete, own(json!({"model": "gpt-9000"})), 404, "gpt-9000"),
        (
            complete,
            own(json!({"tools": [{"name": "look_up", "parameters": {"type": "string"}}]})),
            400,
            "parameters",
        ),
        (complete, own(json!({"tools": [{"name": "look_up", "parameters": "none"}]})), 400, "parameters"),
        (complete, own(json!({"messages": [{"role": "root", "content": "hi"}]})), 400, "role"),
        (complete, own(json!({"messages": [{"role": "user", "content": ""}]})), 400, "content"),
        (chat, json!({}), 400, "messages"),
        (chat, json!([]), 400, ""),
        (chat, face(json!({"messages": []})), 400, "messages"),
        (chat, face(json!({"messages": "hi"})), 400, "messages"),
        (chat, face(json!({"max_tokens": -1})), 400, "max_tokens"),
        (chat, face(json!({"temperature": 2.5})), 400, "temperature"),
        (chat, face(json!({"temperature": "hot"})), 400, "temperature"),
        (chat, face(json!({"stream": "yes"})), 400, "stream"),
        (chat, face(json!({"model": 7})), 400, "model"),
        (chat, face(json!({"model": "gpt-9000"})), 404, "gpt-9000"),
        (chat, face(json!({"tools": tool(json!("none"))})), 400, "parameters"),
        (chat, face(json!({"tools": tool(json!({"type": "string"}))})), 400, "parameters"),
        (messages, json!({}), 400, "messages"),
        (messages, face(json!({"messages": []})), 400, "messages"),
        (messages, face(json!({"max_tokens": -5})), 400, "max_tokens"),
        (messages, face(json!({"temperature": "hot"})), 400, "temperature"),
        (messages, face(json!({"model": "claude-9000"})), 404, "claude-9000"),
        ("/v1/embeddings", json!({"model": "openai"}), 400, "input"),
        ("/v1/embeddings", json!({"model": "openai", "input": []}), 400, "input"),
        ("/v1/embeddings", json!({"model": "openai", "input": "hi", "dimensions": -1}), 400, "dimensions"),
    ]
}

const TOKEN: &str = "a-token-of-sixteen";

/// A whole mesh in one process that asks this provider, and a client of it.
fn up(provider: &Provider, data: &Path) -> (Node, Rest) {
    let (folder, url) = (data.display().to_string(), provider.base_url());
    let env = [
        ("OPENAI_API_KEY", "sk-test"),
        ("BSM_OPENAI_BASE_URL", url.as_str()),
        ("BSM_DATA_DIR", &folder),
        ("RATE_LIMIT_MAX", "0"),
        ("ADMIN_TOKEN", TOKEN),
    ];
    let ports: Vec<String> = Role::ALL.iter().map(|role| format!("{role}.port=0")).collect();
    let args: Vec<&str> = ["up"].into_iter().chain(ports.iter().flat_map(|port| ["--set", port])).collect();
    let node = Node::start(&args, &env);
    let serving = Role::ALL.map(|_| node.serving());
    let (_, api, _) = serving.iter().find(|(role, ..)| *role == Role::Gateway).unwrap();
    let rest = Rest::new(&format!("http://{api}"));
    (node, rest)
}

/// An API key as the operator gets it, with its id.
async fn key(rest: &Rest, scopes: &[&str]) -> (String, String) {
    let wanted = json!({"name": "k", "scopes": scopes});
    let request = rest.request(Method::POST, "/api/admin/keys").header("x-admin-token", TOKEN).json(&wanted);
    let made = send(request).await;
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{}", made.text)).to_owned();
    (text(&made.json["text"]), text(&made.json["key"]["id"]))
}

/// Whether a revoked key is refused now; it is for good, within a second.
async fn revoke(rest: &Rest, (key, id): &(String, String)) {
    let path = format!("/api/admin/keys/{id}");
    let revoked = send(rest.request(Method::DELETE, &path).header("x-admin-token", TOKEN)).await;
    assert!(revoked.code < 300, "{}", revoked.text);
    let listed = async || send(rest.request(Method::GET, "/api/models").bearer_auth(key)).await.code;
    let refused = async { while listed().await != 401 {} };
    tokio::time::timeout(Duration::from_secs(30), refused)
        .await
        .expect("a revoked key is refused before long");
}

/// The way of each API, and where and how it names an error: a key that is none, and a right that a key lacks.
const CALLS: [(&str, &str, [&str; 2]); 4] = [
    ("/api/models/complete", "/code", ["UNAUTHORIZED", "SCOPE_MISSING"]),
    ("/v1/chat/completions", "/error/code", ["invalid_api_key", "scope_missing"]),
    ("/v1/embeddings", "/error/code", ["invalid_api_key", "scope_missing"]),
    ("/v1/messages", "/error/type", ["authentication_error", "permission_error"]),
];

#[tokio::test]
async fn a_key_that_is_refused_is_a_401_in_every_api_and_nobody_is_asked() {
    let provider = Provider::start(|_| Reply::Says("ok".to_owned())).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let (_node, rest) = up(&provider, data.path());
    let (good, revoked, reader) =
        (key(&rest, &["invoke"]).await, key(&rest, &["read", "invoke"]).await, key(&rest, &["read"]).await);
    revoke(&rest, &revoked).await;
    let unknown = format!("bsm_zzzzzzzzzzzz_{}", "0".repeat(64));
    let changed = format!("{}0", good.0);
    let body = json!({
        "prompt": {"messages": [{"role": "user", "content": "hi"}]},
        "model": "openai", "max_tokens": 9, "input": "hi", "messages": [{"role": "user", "content": "hi"}],
    });
    let mut problems = Vec::new();
    for (path, place, [no_key, no_right]) in CALLS {
        for (what, key, code, word) in [
            ("unknown", unknown.as_str(), 401, no_key),
            ("revoked", &revoked.0, 401, no_key),
            ("with another secret", &changed, 401, no_key),
            ("no key at all", "bsm_", 401, no_key),
            ("without the right", &reader.0, 403, no_right),
        ] {
            for header in ["authorization", "x-api-key"] {
                let shown = if header == "authorization" { format!("Bearer {key}") } else { key.to_owned() };
                let answer = send(rest.request(Method::POST, path).header(header, shown).json(&body)).await;
                if answer.code != code || answer.json.pointer(place) != Some(&json!(word)) {
                    problems.push(format!("{path} {what} in {header}: {} {}", answer.code, answer.text));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(provider.asked().is_empty(), "{:?}", provider.asked());
    let chat = rest.request(Method::POST, "/v1/chat/completions").bearer_auth(&good.0).json(&body);
    assert_eq!(send(chat).await.code, 200, "the good one still is");
}

#[tokio::test]
async fn every_bad_request_is_a_4xx_that_names_its_field_and_nobody_is_asked() {
    let provider = Provider::start(|_| Reply::Says("ok".to_owned())).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let (node, rest) = up(&provider, data.path());
    let mut problems = Vec::new();
    for (path, body, code, word) in rows() {
        let answer = rest.post(path, body.clone()).await;
        if answer.code != code || !answer.text.contains(word) || answer.json["error"].is_null() {
            problems.push(format!("{path} {body}: {} {}", answer.code, answer.text));
        }
    }
    for path in ["/api/models/complete", "/v1/chat/completions", "/v1/messages", "/v1/embeddings"] {
        for (body, code) in [
            ("{\"messages\": ".to_owned(), 400),
            ("not JSON".to_owned(), 400),
            (format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)), 400),
            (format!("{{\"x\": \"{}\"}}", "x".repeat(6 * 1024 * 1024)), 413),
        ] {
            let request = rest.request(Method::POST, path).header("content-type", "application/json");
            let answer = send(request.body(body.clone())).await;
            if answer.code != code {
                let begin: String = body.chars().take(20).collect();
                problems.push(format!("{path} {begin}…: {} {}", answer.code, answer.text));
            }
        }
    }
    assert!(problems.is_empty(), "{} are not as they should be:\n{}", problems.len(), problems.join("\n"));
    assert!(provider.asked().is_empty(), "{:?}", provider.asked());

    let long = json!({"prompt": {"model": "openai", "messages": [{"role": "user", "content": "x".repeat(1_000_000)}]}});
    let answer = rest.post("/api/models/complete", long).await;
    assert_eq!(answer.code, 200, "a megabyte is no mistake: {}", answer.text);
    assert!(!node.log().contains("panicked"), "{}", node.log());
}
