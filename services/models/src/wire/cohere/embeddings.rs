//! Vectors: `POST {base}/v2/embed`.

use serde::Deserialize;
use serde_json::json;

use crate::answer::{Embedding, Usage};
use crate::ask::EmbedAsk;
use crate::failure::{Failure, Kind};
use crate::wire::not_json;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    embeddings: Kinds,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Kinds {
    #[serde(default)]
    float: Vec<Vec<f32>>,
}

#[derive(Default, Deserialize)]
struct Meta {
    #[serde(default)]
    billed_units: Billed,
}

#[derive(Default, Deserialize)]
struct Billed {
    #[serde(default)]
    input_tokens: f64,
}

/// The wire wants to know what the vectors are for: to be searched is the usual.
pub(super) fn body(model: &str, ask: &EmbedAsk) -> Vec<u8> {
    let mut body = json!({"model": model, "texts": ask.inputs, "input_type": "search_document",
                          "embedding_types": ["float"]});
    if let Some(dimensions) = ask.dimensions {
        body["output_dimension"] = dimensions.into();
    }
    body.to_string().into_bytes()
}

pub(super) fn embedding(body: &[u8]) -> Result<Embedding, Failure> {
    let document: Document = serde_json::from_slice(body).map_err(|problem| not_json(body, &problem))?;
    let vectors = document.embeddings.float;
    if vectors.is_empty() {
        return Err(Failure::new(Kind::Malformed, "answered without a vector for each text"));
    }
    let input_tokens = document.meta.billed_units.input_tokens as u32; // saturates
    Ok(Embedding { vectors, model: String::new(), usage: Usage { input_tokens, ..Usage::default() } })
}
