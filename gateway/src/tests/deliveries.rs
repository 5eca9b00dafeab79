//! GitHub's deliveries from end to end of the gateway.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::*;

const ID: &str = "72d3162e-cc78-11e3-81ab-4c9367dc0958";

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

pub(super) fn delivery(path: &str, event: &str, secret: &str, body: &str) -> Request {
    let signature = signature(secret, body);
    let headers = [
        ("content-type", "application/json"),
        ("x-github-event", event),
        ("x-github-delivery", ID),
        ("x-hub-signature-256", &signature),
    ];
    request("POST", path, &headers, body.to_owned())
}

pub(super) fn opened() -> String {
    json!({"action": "opened", "pull_request": {"number": 12, "draft": false}, "diff": "--- a/x\n+++ b/x\n"})
        .to_string()
}

#[tokio::test]
async fn a_signed_event_is_stored_and_answered_at_once() {
    let rig = Rig::start(&[]).await;
    for path in ["/webhook/github", "/api/webhooks/github/"] {
        let (status, body) = rig.json(delivery(path, "pull_request", SECRET, &opened())).await;
        assert_eq!(
            (status, &body["status"], &body["jobId"]),
            (202, &json!("processing"), &json!("job-1")),
            "{body}"
        );
    }
    let submitted = rig.fake.submitted.lock().unwrap();
    let (metadata, event) = &submitted[0];
    assert_eq!(event.event.as_deref(), Some("pull_request.opened"));
    assert_eq!(event.source.as_deref(), Some("github"));
    assert_eq!(event.idempotency_key, Some(format!("github:{ID}")));
    let payload = bsm_runtime::json::from_struct(event.payload.as_ref().unwrap());
    assert_eq!(
        Value::Object(payload),
        json!({"diff": "--- a/x\n+++ b/x\n", "isDraft": false, "prNumber": 12})
    );
    let context = bsm_runtime::json::from_struct(event.context.as_ref().unwrap());
    assert_eq!(context["bodyHash"].as_str().map(str::len), Some(64));
    assert!(metadata.contains_key("grpc-timeout") && metadata.contains_key("x-correlation-id"));
}

#[tokio::test]
async fn a_delivery_that_comes_twice_names_the_first_job() {
    let rig = Rig::start(&[]).await;
    let deliver = || delivery("/webhook/github", "pull_request", SECRET, &opened());
    assert_eq!(rig.json(deliver()).await.1.get("duplicate"), None);
    let (status, body) = rig.json(deliver()).await;
    assert_eq!((status, &body["duplicate"], &body["jobId"]), (202, &json!(true), &json!("job-1")));
}

#[tokio::test]
async fn what_github_did_not_sign_is_refused_in_the_contracts_own_shape() {
    let rig = Rig::start(&[]).await;
    let unsigned = request("POST", "/webhook/github", &[("content-type", "application/json")], opened());
    for request in [delivery("/webhook/github", "pull_request", "another-secret-16", &opened()), unsigned] {
        let answer = read(rig.send(request).await).await;
        assert_eq!(answer.status, 401);
        let error = json!({"code": "INVALID_WEBHOOK_SIGNATURE", "message": "Unauthorized webhook request"});
        assert_eq!(
            answer.json(),
            json!({"error": error, "correlationId": answer.header("x-correlation-id")})
        );
    }
    let short = Rig::start(&[("webhook_secret", "short")]).await;
    let signed = delivery("/webhook/github", "ping", "short", "{}");
    assert_eq!(short.send(signed).await.status(), 401, "a short secret opens nothing");
    assert!(rig.fake.submitted.lock().unwrap().is_empty() && short.fake.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn pings_and_drafts_are_answered_without_a_job() {
    let rig = Rig::start(&[]).await;
    assert_eq!(rig.json(delivery("/webhook/github", "ping", SECRET, "{}")).await.0, 200);
    let draft = json!({"action": "opened", "pull_request": {"draft": true}}).to_string();
    let (status, body) = rig.json(delivery("/webhook/github", "pull_request", SECRET, &draft)).await;
    assert_eq!((status, body), (200, json!({"status": "skipped", "reason": "Draft PR"})));
    assert!(rig.fake.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_signed_body_that_is_no_event_is_a_bad_request() {
    let rig = Rig::start(&[]).await;
    for (event, body, code) in [
        ("push", "{", "INVALID_JSON"),
        ("push", "[]", "INVALID_PAYLOAD"),
        ("push", "{}", "EVENT_MISMATCH"),
        ("", "{}", "INVALID_HEADER"),
    ] {
        let (status, answer) = rig.json(delivery("/webhook/github", event, SECRET, body)).await;
        assert_eq!((status, answer["code"].as_str().unwrap()), (400, code), "{answer}");
    }
    let (status, answer) = rig.json(get("/webhook/github")).await;
    assert_eq!((status, answer["code"].as_str().unwrap()), (405, "METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn a_delivery_larger_than_rest_takes_is_taken() {
    let rig = Rig::start(&[]).await;
    let body = json!({"action": "opened", "pull_request": {"number": 1}, "padding": "x".repeat(3 << 20)})
        .to_string();
    assert_eq!(rig.json(delivery("/webhook/github", "pull_request", SECRET, &body)).await.0, 202);
    let huge = delivery("/webhook/github", "pull_request", SECRET, &"x".repeat((25 << 20) + 1));
    assert_eq!(rig.json(huge).await.0, 413);
}

#[tokio::test]
async fn without_an_orchestrator_the_delivery_may_come_again() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let rig = Rig::toward(address, Fake::start().await, &[]);
    let answer = read(rig.send(delivery("/webhook/github", "pull_request", SECRET, &opened())).await).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{}", answer.body);
    assert!(!answer.body.contains(&address.to_string()), "no address is shown");
}
