//! Google's Gemini.
//!
//! `POST {base}/v1beta/models/<model>:generateContent`, or `:streamGenerateContent?alt=sse`, with `x-goog-api-key`; what
//! is said are parts of contents. Each event of a stream is a piece of the answer in the shape of the whole, and the
//! stream ends with the connection.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use super::path::segment;
use super::{Dialect, Mode, Outgoing, Pieces, Wire, json_headers, secret};
use crate::answer::{Answer, Embedding};
use crate::ask::{Ask, EmbedAsk};
use crate::face::Setting;
use crate::failure::Failure;

mod call;
mod embeddings;
mod parts;
mod refusal;
mod request;
mod response;
mod stream;
#[cfg(test)]
pub(super) mod tests;

/// The version of the interface that this was written for.
pub const VERSION: &str = "v1beta";

const API_KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
/// What stands before the name of a model in its path; tuned ones bring their own.
const COLLECTIONS: [&str; 2] = ["models/", "tunedModels/"];

/// The wire itself.
#[derive(Clone, Debug)]
pub struct Gemini {
    version: Arc<str>,
    citations: bool,
}

// === impl Gemini ===

impl Gemini {
    /// The wire as an operator wants it spoken.
    #[must_use]
    pub fn new(dialect: &Dialect) -> Self {
        let version = dialect.api_version.clone().unwrap_or_else(|| VERSION.into());
        Self { version, citations: dialect.citations }
    }

    fn path(&self, model: &str, method: &str) -> String {
        format!("/{}/{}:{method}", segment(&self.version), resource(model))
    }
}

/// A model's full name, as paths and documents have it.
fn resource(model: &str) -> String {
    let known = COLLECTIONS.iter().find_map(|collection| Some((collection, model.strip_prefix(collection)?)));
    let (collection, name) = known.unwrap_or((&COLLECTIONS[0], model));
    format!("{collection}{}", segment(name))
}

impl Wire for Gemini {
    fn request(&self, model: &str, ask: &Ask, mode: Mode) -> Outgoing {
        let method = match mode {
            Mode::Whole => "generateContent",
            Mode::Stream => "streamGenerateContent?alt=sse",
        };
        let body = request::body(model, ask);
        Outgoing { path: self.path(model, method), headers: json_headers(mode), body }
    }

    fn lacks(&self) -> &'static [Setting] {
        &[Setting::OneCallAtATime]
    }

    fn authorization(&self, key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        Some((API_KEY, secret(key.expose_secret().to_owned())?))
    }

    fn answer(&self, body: &[u8]) -> Result<Answer, Failure> {
        response::answer(body, self.citations)
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::of_answer(status, headers, body)
    }

    fn pieces(&self) -> Box<dyn Pieces> {
        Box::new(stream::Contents::new(self.citations))
    }

    fn embed(&self, model: &str, ask: &EmbedAsk) -> Option<Outgoing> {
        let (path, body) = (self.path(model, "batchEmbedContents"), embeddings::body(model, ask));
        Some(Outgoing { path, headers: json_headers(Mode::Whole), body })
    }

    fn embedding(&self, body: &[u8]) -> Result<Embedding, Failure> {
        embeddings::embedding(body)
    }
}
