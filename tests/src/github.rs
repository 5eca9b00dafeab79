//! Deliveries as GitHub signs them.

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::Rest;

/// The webhook secret that the tests configure.
pub const SECRET: &str = "a-secret-only-for-these-tests";

/// A pull request event with its diff.
pub fn pull_request(action: &str, diff: &str) -> Value {
    json!({
        "action": action,
        "number": 12,
        "repository": {"full_name": "octo/shop"},
        "diff": diff,
        "pull_request": {
            "number": 12, "title": "A change", "body": "Because.", "draft": false,
            "user": {"login": "octocat"},
            "head": {"ref": "topic", "sha": "0123456789abcdef0123456789abcdef01234567"},
            "base": {"ref": "main"},
            "changed_files": 1, "additions": 1, "deletions": 0,
            "diff_url": "https://github.example/octo/shop/pull/12.diff",
        },
    })
}

/// A delivery, signed over the bytes that are sent.
pub fn delivery(rest: &Rest, event: &str, id: &str, body: &Value) -> RequestBuilder {
    let bytes = body.to_string().into_bytes();
    rest.request(Method::POST, "/webhook/github")
        .header("content-type", "application/json")
        .header("x-github-event", event)
        .header("x-github-delivery", id)
        .header("x-hub-signature-256", signature(SECRET, &bytes))
        .body(bytes)
}

/// `sha256=` and the HMAC of the body in hex.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}
