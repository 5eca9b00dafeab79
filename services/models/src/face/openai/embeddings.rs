//! A question for vectors, and its answer.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bsm_proto::models::v1;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::answer::Embedding;
use crate::ask::{EmbedAsk, MAX_INPUTS};
use crate::error::Error;
use crate::face::read::{self, Wrong};
use crate::face::{Document, Encoding, Face, Label, Texts};

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    input: Option<Input>,
    dimensions: Option<i64>,
    encoding_format: Option<String>,
}

/// Texts, or the tokens of texts, which mean something to one model only.
#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    More(Vec<String>),
    Tokens(#[expect(dead_code, reason = "what they mean is the provider's to know")] Vec<IgnoredAny>),
}

/// Reads a question.
pub(in crate::face) fn texts(bytes: Bytes, headers: &[v1::RelayHeader]) -> Result<Texts, Error> {
    let body: Body = read::document(&bytes)?;
    let mut wrong = Wrong::default();
    let mut document = Document::new(Face::OpenAiEmbeddings, bytes, headers);
    let inputs = match body.input {
        Some(Input::One(text)) => vec![text],
        Some(Input::More(texts)) => texts,
        Some(Input::Tokens(_)) => {
            document.beyond = Some("vectors of tokens; it takes texts".to_owned());
            Vec::new()
        }
        None => Vec::new(),
    };
    let is_empty = inputs.is_empty() || inputs.iter().any(String::is_empty);
    if document.beyond.is_none() && (is_empty || inputs.len() > MAX_INPUTS) {
        wrong.refuse("input", format!("must be a text or 1 to {MAX_INPUTS} texts, none of them empty"));
    }
    let encoding = match body.encoding_format.as_deref() {
        None | Some("float") => Encoding::Float,
        Some("base64") => Encoding::Base64,
        Some(_) => {
            wrong.refuse("encoding_format", "must be float or base64");
            Encoding::Float
        }
    };
    let dimensions = wrong.count("dimensions", body.dimensions);
    let ask = EmbedAsk { model: body.model.filter(|model| !model.is_empty()), inputs, dimensions };
    wrong.finish(Texts { ask, encoding, document })
}

/// The vectors in the form of the question.
#[must_use]
pub fn vectors(embedding: &Embedding, encoding: Encoding, label: &Label) -> Bytes {
    let data = embedding.vectors.iter().enumerate().map(|(index, vector)| {
        json!({"object": "embedding", "index": index, "embedding": numbers(vector, encoding)})
    });
    let model = if embedding.model.is_empty() { &label.model } else { &embedding.model };
    let tokens = embedding.usage.input_tokens;
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    let data: Value = data.collect();
    json!({"object": "list", "data": data, "model": model, "usage": usage}).to_string().into()
}

fn numbers(vector: &[f32], encoding: Encoding) -> Value {
    match encoding {
        Encoding::Float => vector.iter().map(|number| json!(number)).collect(),
        Encoding::Base64 => {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            BASE64_STANDARD.encode(bytes).into()
        }
    }
}
