//! The scripted provider.

mod breaks;
mod chunks;
mod keys;
mod log;
mod says;

use bsm_testkit::Provider;
use reqwest::Response;
use serde_json::{Value, json};

use crate::client::client;

pub(crate) fn question(stream: bool) -> Value {
    json!({"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
}

pub(crate) async fn ask(provider: &Provider) -> Response {
    post(provider, question(false)).await
}

pub(crate) async fn ask_stream(provider: &Provider) -> Response {
    post(provider, question(true)).await
}

pub(crate) async fn post(provider: &Provider, body: Value) -> Response {
    client().post(format!("{}/chat/completions", provider.base_url())).json(&body).send().await.unwrap()
}

/// The answer's text, put together from the events of a stream.
pub(crate) fn told(stream: &str) -> String {
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    let chunks = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    chunks.filter_map(|chunk| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())).collect()
}
