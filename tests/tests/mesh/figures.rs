//! Figures of the whole mesh, printed and held within generous bounds: machines that run tests are busy. Read them with
//! `cargo test --release --workspace figures -- --nocapture --test-threads 1` on a quiet one.

mod cancel;
mod hang;
mod outage;

use bsm_tests::{Plan, Rest, rest};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// A mesh whose only provider beside the built-in one is at this URL.
fn asking(provider: &str) -> Plan {
    let quiet = ("LOG_LEVEL", "warn,bsm::mesh=info"); // the harness waits for the lines that say who serves
    Plan::new().env(&[("OPENAI_API_KEY", "sk-test"), ("BSM_OPENAI_BASE_URL", provider), quiet])
}

/// One question to a model; `auto` and `openai` end at the provider, `offline` at the built-in reviewer.
fn complete(rest: &Rest, model: &str) -> RequestBuilder {
    let prompt = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    rest.request(Method::POST, "/api/models/complete").json(&json!({"prompt": prompt}))
}

/// One question to an agent, which the orchestrator asks of the models: three hops to the provider.
fn run_agent(rest: &Rest) -> RequestBuilder {
    rest.request(Method::POST, "/api/agents/run")
        .json(&json!({"agentId": "security-agent", "input": "Look."}))
}

/// The reason of a failed call.
fn reason(answer: &rest::Answer) -> &str {
    answer.json["code"].as_str().unwrap_or_default()
}

/// The breaker of that name as the mesh shows it.
async fn breaker(rest: &Rest, name: &str) -> Value {
    let all = rest.get("/api/health/circuit-breakers").await.json;
    all["breakers"].as_array().unwrap().iter().find(|b| b["name"] == name).cloned().unwrap_or_default()
}
