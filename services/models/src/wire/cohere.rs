//! Cohere's chat, version 2.
//!
//! `POST {base}/v2/chat` with `Authorization: Bearer`; messages much like OpenAI's, streams as events that carry their
//! kind in their data and end with `message-end`. The provider does not say which model answered.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use super::{Dialect, Mode, Outgoing, Pieces, Wire, json_headers, secret};
use crate::answer::{Answer, Embedding};
use crate::ask::{Ask, EmbedAsk};
use crate::face::Setting;
use crate::failure::Failure;

mod embeddings;
mod refusal;
mod request;
mod response;
mod stream;
#[cfg(test)]
pub(super) mod tests;

/// The wire itself.
#[derive(Clone, Debug)]
pub struct Cohere {
    citations: bool,
}

// === impl Cohere ===

impl Cohere {
    /// The wire as an operator wants it spoken.
    #[must_use]
    pub fn new(dialect: &Dialect) -> Self {
        Self { citations: dialect.citations }
    }
}

impl Wire for Cohere {
    fn request(&self, model: &str, ask: &Ask, mode: Mode) -> Outgoing {
        let body = request::body(model, ask, mode);
        Outgoing { path: "/v2/chat".to_owned(), headers: json_headers(mode), body }
    }

    fn lacks(&self) -> &'static [Setting] {
        &[Setting::OneCallAtATime]
    }

    fn authorization(&self, key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        Some((AUTHORIZATION, secret(format!("Bearer {}", key.expose_secret()))?))
    }

    fn answer(&self, body: &[u8]) -> Result<Answer, Failure> {
        response::answer(body, self.citations)
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::of_answer(status, headers, body)
    }

    fn pieces(&self) -> Box<dyn Pieces> {
        Box::new(stream::Steps::new(self.citations))
    }

    fn embed(&self, model: &str, ask: &EmbedAsk) -> Option<Outgoing> {
        let (path, body) = ("/v2/embed".to_owned(), embeddings::body(model, ask));
        Some(Outgoing { path, headers: json_headers(Mode::Whole), body })
    }

    fn embedding(&self, body: &[u8]) -> Result<Embedding, Failure> {
        embeddings::embedding(body)
    }
}
