//! OpenAI's chat completions, which most providers and local servers speak.
//!
//! `POST {base}/chat/completions` with `Authorization: Bearer`; whole answers as one document, streams as
//! server-sent events that end with `[DONE]`.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use super::{Mode, Outgoing, Pieces, Wire};
use crate::answer::{Answer, Embedding};
use crate::ask::{Ask, EmbedAsk};
use crate::failure::Failure;

mod embeddings;
mod refusal;
mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod tools;

/// The wire itself. What differs between providers that speak it are its fields.
#[derive(Clone, Copy, Debug)]
pub struct OpenAi {
    /// The field that bounds the answer's tokens: `max_completion_tokens`, or `max_tokens` on older servers.
    pub max_tokens_field: &'static str,
}

// === impl OpenAi ===

impl Wire for OpenAi {
    fn request(&self, model: &str, ask: &Ask, mode: Mode) -> Outgoing {
        Outgoing {
            path: "/chat/completions".to_owned(),
            headers: request::headers(ask.idempotency_key.as_deref(), mode),
            body: request::body(self.max_tokens_field, model, ask, mode),
        }
    }

    fn authorization(&self, key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose_secret())).ok()?;
        value.set_sensitive(true); // keeps it out of the HTTP library's own traces
        Some((AUTHORIZATION, value))
    }

    fn answer(&self, body: &[u8]) -> Result<Answer, Failure> {
        response::answer(body)
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::of_answer(status, headers, body)
    }

    fn pieces(&self) -> Box<dyn Pieces> {
        Box::new(stream::Chunks::default())
    }

    fn embed(&self, model: &str, ask: &EmbedAsk) -> Option<Outgoing> {
        let body = embeddings::body(model, ask);
        Some(Outgoing { path: "/embeddings".to_owned(), headers: request::headers(None, Mode::Whole), body })
    }

    fn embedding(&self, body: &[u8]) -> Result<Embedding, Failure> {
        embeddings::embedding(body)
    }
}
