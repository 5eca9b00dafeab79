//! Vectors: `:batchEmbedContents`, which counts no tokens.

use serde::Deserialize;
use serde_json::{Value, json};

use super::refusal;
use super::resource;
use crate::answer::{Embedding, Usage};
use crate::ask::EmbedAsk;
use crate::failure::{Failure, Kind};
use crate::wire::not_json;

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    embeddings: Vec<Values>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Values {
    values: Vec<f32>,
}

/// Each text is a request of its own, with the model's full name.
pub(super) fn body(model: &str, ask: &EmbedAsk) -> Vec<u8> {
    let model = resource(model);
    let request = |text: &String| {
        let mut request = json!({"model": model, "content": {"parts": [{"text": text}]}});
        if let Some(dimensions) = ask.dimensions {
            request["outputDimensionality"] = dimensions.into();
        }
        request
    };
    let requests: Value = ask.inputs.iter().map(request).collect();
    json!({"requests": requests}).to_string().into_bytes()
}

pub(super) fn embedding(body: &[u8]) -> Result<Embedding, Failure> {
    let document: Document = serde_json::from_slice(body).map_err(|problem| not_json(body, &problem))?;
    if let Some(error) = document.error {
        return Err(refusal::in_success(&error));
    }
    if document.embeddings.is_empty() {
        return Err(Failure::new(Kind::Malformed, "answered without a vector for each text"));
    }
    let vectors = document.embeddings.into_iter().map(|embedding| embedding.values).collect();
    Ok(Embedding { vectors, model: String::new(), usage: Usage::default() })
}
