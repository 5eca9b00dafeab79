//! OpenAI's and Anthropic's APIs, as far as the gateway itself answers; the answers of models are the models' affair.

use serde_json::json;

use super::*;

const TOKEN: &str = "a-token-of-sixteen";

/// What an error is about, in either API's words.
fn told(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    let kind = body["error"]["type"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
    let is_anthropic = body["type"] == "error";
    match is_anthropic {
        true => assert_eq!(body["request_id"], answer.header("request-id")),
        false => assert!(body["error"]["code"].is_string() && !answer.header("x-request-id").is_empty()),
    }
    assert!(body["error"]["message"].is_string());
    assert!(!answer.header("x-correlation-id").is_empty());
    (answer.status, if is_anthropic { format!("anthropic {kind}") } else { format!("openai {kind}") })
}

#[tokio::test]
async fn what_the_gateway_refuses_is_told_in_the_words_of_the_api() {
    let rig = Rig::start(&[]).await;
    let json = [("content-type", "application/json")];
    let version = [("content-type", "application/json"), ("anthropic-version", "2023-06-01")];
    let (chat, messages) = ("/v1/chat/completions", "/v1/messages");
    let large = "x".repeat((4 << 20) - (64 << 10) + 1);
    let embeddings = "/v1/embeddings";
    for (method, path, headers, body, status, kind) in [
        ("POST", chat, &json[..], large.as_str(), 413, "openai invalid_request_error"),
        ("POST", messages, &json[..], large.as_str(), 413, "anthropic request_too_large"),
        ("POST", embeddings, &json[..], large.as_str(), 413, "openai invalid_request_error"),
        ("POST", chat, &json[..], &large[1..], 501, "openai server_error"), // taken: models are asked
        ("POST", messages, &json[..], &large[1..], 501, "anthropic api_error"),
        ("POST", chat, &[][..], "{}", 415, "openai invalid_request_error"),
        ("GET", chat, &[][..], "", 405, "openai invalid_request_error"),
        ("GET", messages, &[][..], "", 405, "anthropic invalid_request_error"),
        ("POST", "/v1/audio/speech", &json[..], "{}", 404, "openai invalid_request_error"),
        ("GET", "/v1", &[][..], "", 404, "openai invalid_request_error"),
        ("GET", "/v1/", &[][..], "", 404, "openai invalid_request_error"),
        ("POST", "/v1/messages/count_tokens", &json[..], "{}", 404, "anthropic not_found_error"),
        // The services here know nothing of models.
        ("POST", chat, &json[..], "{}", 501, "openai server_error"),
        ("GET", "/v1/models", &version[..], "", 501, "anthropic api_error"),
    ] {
        let answer = read(rig.send(request(method, path, headers, body.to_owned())).await).await;
        assert_eq!(told(&answer), (status, kind.to_owned()), "{method} {path}: {}", answer.body);
    }
}

#[tokio::test]
async fn how_much_is_taken_under_v1_is_a_setting_and_elsewhere_it_stays_as_it_is() {
    let rig = Rig::start(&[("face_body_bytes", "2048")]).await;
    let send = async |path: &str, bytes: usize| {
        let json = [("content-type", "application/json")];
        read(rig.send(request("POST", path, &json, "x".repeat(bytes))).await).await
    };
    assert_eq!(send("/v1/chat/completions", 2048).await.status, 501, "it is passed on");
    let refused = send("/v1/chat/completions", 2049).await;
    assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (413, Some("payload_too_large")));
    assert!(refused.body.contains("larger than 2048 bytes"), "{}", refused.body);
    assert_eq!(send("/api/models/complete", 2049).await.json()["code"], "INVALID_JSON");
    assert_eq!(send("/api/models/complete", (1 << 20) + 1).await.status, 413);
}

#[tokio::test]
async fn a_key_is_taken_from_where_the_clients_of_these_apis_put_it() {
    let rig = Rig::start(&[("profile", "staging"), ("admin_token", TOKEN)]).await;
    let bearer = format!("Bearer {TOKEN}");
    let ask = async |path: &str, header: (&str, &str)| {
        let headers = [("content-type", "application/json"), header];
        let answer = read(rig.send(request("POST", path, &headers, "{}")).await).await;
        (answer.status, told(&answer).1)
    };
    for (path, header) in
        [("/v1/chat/completions", ("authorization", bearer.as_str())), ("/v1/messages", ("x-api-key", TOKEN))]
    {
        assert_eq!(ask(path, header).await.0, 501, "it is let through to the models");
    }
    let wrong = ask("/v1/chat/completions", ("authorization", "Bearer sk-wrong")).await;
    assert_eq!(wrong, (401, "openai authentication_error".to_owned()));
    let wrong = ask("/v1/messages", ("x-api-key", "sk-wrong")).await;
    assert_eq!(wrong, (401, "anthropic authentication_error".to_owned()));
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_so_in_the_words_of_the_api() {
    let rig = Rig::start(&[("profile", "staging"), ("rate_limit.max", "1")]).await;
    let ask = async || read(rig.send(post("/v1/messages", &json!({}))).await).await;
    assert_eq!(told(&ask().await).0, 401);
    let refused = ask().await;
    assert_eq!(told(&refused), (429, "anthropic rate_limit_error".to_owned()));
    assert!(!refused.header("retry-after").is_empty());
}

#[tokio::test]
async fn outside_of_v1_errors_stay_as_they_are() {
    let rig = Rig::start(&[]).await;
    let answer = read(rig.send(get("/v2/models")).await).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (404, Some("Not Found")));
    assert_eq!(answer.header("x-request-id"), "");
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_refused_and_not_passed_over() {
    let rig = Rig::start(&[]).await;
    for path in ["/v1/chat/completions", "/v1/messages", "/v1/embeddings", "/api/models/complete"] {
        for name in ["idempotency-key", "x-bsm-cache", "x-bsm-resume-grace", "cache-control", "last-event-id"]
        {
            let mut asked = request("POST", path, &[("content-type", "application/json")], "{}");
            asked.headers_mut().insert(name, http::HeaderValue::from_bytes(b"k-\xc3\xbc").unwrap());
            let answer = read(rig.send(asked).await).await;
            assert_eq!(answer.status, 400, "{path} {name}: {}", answer.body);
            let told = format!("The header {name} must be visible ASCII characters.");
            assert!(answer.body.contains(&told), "{path} {name}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn an_unknown_path_is_told_in_openais_shape_with_the_paths_there_are() {
    let rig = Rig::start(&[]).await;
    let (status, body) = rig.json(post("/v1/completions", &json!({}))).await;
    let message = "There is no path /v1/completions here; there are /v1/chat/completions, /v1/embeddings, \
        /v1/messages, /v1/models.";
    let error =
        json!({"message": message, "type": "invalid_request_error", "param": null, "code": "unknown_url"});
    assert_eq!((status, body), (404, json!({"error": error})));
}
