//! Vectors: `POST {base}/embeddings`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal;
use super::response::Tokens;
use super::variant::Variant;
use crate::answer::{Embedding, Usage};
use crate::ask::EmbedAsk;
use crate::failure::{Failure, Kind};
use crate::wire::not_json;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    data: Vec<Item>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

/// Numbers are asked for, as some servers answer in base64 unless told.
pub(super) fn body(variant: &Variant, model: &str, ask: &EmbedAsk) -> Vec<u8> {
    let mut body = json!({"model": model, "input": ask.inputs, "encoding_format": "float"});
    if let Some(dimensions) = ask.dimensions {
        body[variant.dimensions] = dimensions.into();
    }
    body.to_string().into_bytes()
}

pub(super) fn embedding(body: &[u8]) -> Result<Embedding, Failure> {
    let document: Document = serde_json::from_slice(body).map_err(|problem| not_json(body, &problem))?;
    if let Some(error) = document.error {
        return Err(refusal::in_success(&error));
    }
    let mut items = document.data;
    items.sort_by_key(|item| item.index); // the wire numbers them, and does not promise their order
    if items.is_empty() || items.iter().enumerate().any(|(at, item)| item.index != at) {
        return Err(Failure::new(Kind::Malformed, "answered without a vector for each text"));
    }
    Ok(Embedding {
        vectors: items.into_iter().map(|item| item.embedding).collect(),
        model: document.model.unwrap_or_default(),
        usage: document.usage.map(Usage::from).unwrap_or_default(),
    })
}
