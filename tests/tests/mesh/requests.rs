//! What a client can get wrong, over the real binary: a 4xx that names the field, nobody asked, and never a 5xx.

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

#[tokio::test]
async fn every_bad_request_is_a_4xx_that_names_its_field_and_nobody_is_asked() {
    let provider = Provider::start(|_| Reply::Says("ok".to_owned())).await.unwrap();
    let (data, url) = (tempfile::tempdir().unwrap(), provider.base_url());
    let folder = data.path().display().to_string();
    let env = [
        ("OPENAI_API_KEY", "sk-test"),
        ("BSM_OPENAI_BASE_URL", url.as_str()),
        ("BSM_DATA_DIR", &folder),
        ("RATE_LIMIT_MAX", "0"),
    ];
    let ports: Vec<String> = Role::ALL.iter().map(|role| format!("{role}.port=0")).collect();
    let args: Vec<&str> = ["up"].into_iter().chain(ports.iter().flat_map(|port| ["--set", port])).collect();
    let node = Node::start(&args, &env);
    let serving = Role::ALL.map(|_| node.serving());
    let (_, api, _) = serving.iter().find(|(role, ..)| *role == Role::Gateway).unwrap();
    let rest = Rest::new(&format!("http://{api}"));

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
