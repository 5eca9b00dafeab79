//! A question for vectors, and its answer.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bsm_proto::models::v1;
use bytes::Bytes;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::answer::Embedding;
use crate::ask::{EmbedAsk, MAX_INPUTS};
use crate::error::Error;
use crate::face::read::{self, TextOrList, Wrong};
use crate::face::{Document, Encoding, Face, Label, Texts};

#[derive(Deserialize)]
struct Body {
    model: Option<String>,
    input: Option<TextOrList<Item>>,
    dimensions: Option<i64>,
    encoding_format: Option<String>,
}

/// One of several things to make a vector of.
enum Item {
    Text(String),
    /// A token, or the tokens of a text, which mean something to one model only.
    Tokens,
}

/// Reads a question.
pub(in crate::face) fn texts(bytes: Bytes, headers: &[v1::RelayHeader]) -> Result<Texts, Error> {
    let body: Body = read::document(&bytes)?;
    let mut wrong = Wrong::default();
    let mut document = Document::new(Face::OpenAiEmbeddings, bytes, headers);
    let inputs = match body.input {
        Some(TextOrList::Text(text)) => vec![text],
        Some(TextOrList::List(items)) => {
            let given = items.len();
            let texts: Vec<String> = items.into_iter().filter_map(Item::into_text).collect();
            match texts.len() {
                0 if given > 0 => document.beyond = Some("vectors of tokens; it takes texts".to_owned()),
                some if some < given => wrong.refuse("input", "must hold texts or tokens, not both"),
                _ => {}
            }
            texts
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
    let ask = EmbedAsk { model: wrong.model(body.model), inputs, dimensions };
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

// === impl Item ===

impl Item {
    fn into_text(self) -> Option<String> {
        match self {
            Item::Text(text) => Some(text),
            Item::Tokens => None,
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Item;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a token or a list of tokens")
            }

            fn visit_str<E>(self, text: &str) -> Result<Item, E> {
                Ok(Item::Text(text.to_owned()))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Item, E> {
                Ok(Item::Tokens)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, tokens: A) -> Result<Item, A::Error> {
                IgnoredAny::deserialize(SeqAccessDeserializer::new(tokens)).map(|_| Item::Tokens)
            }
        }

        deserializer.deserialize_any(Any)
    }
}
