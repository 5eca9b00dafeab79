//! Anthropic's Messages.
//!
//! `POST {base}/v1/messages` with `x-api-key` and `anthropic-version`; the system's words stand apart from the
//! conversation, and text, calls and results are blocks. Streams are named events that end with `message_stop`.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use super::{Dialect, Mode, Outgoing, Pieces, Wire, secret};
use crate::answer::Answer;
use crate::ask::Ask;
use crate::face::{Document, Face, Setting};
use crate::failure::Failure;

mod refusal;
mod request;
mod response;
mod stream;
#[cfg(test)]
pub(super) mod tests;

/// The version of the interface that this was written for.
pub const VERSION: &str = "2023-06-01";

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The wire itself.
#[derive(Clone, Debug)]
pub struct Anthropic {
    version: Arc<str>,
    citations: bool,
}

// === impl Anthropic ===

impl Anthropic {
    /// The wire as an operator wants it spoken.
    #[must_use]
    pub fn new(dialect: &Dialect) -> Self {
        let version = dialect.api_version.clone().unwrap_or_else(|| VERSION.into());
        Self { version, citations: dialect.citations }
    }

    /// What requests carry beside the key.
    #[must_use]
    pub fn headers(&self, mode: Mode) -> HeaderMap {
        request::headers(&self.version, mode)
    }
}

impl Wire for Anthropic {
    fn request(&self, model: &str, ask: &Ask, mode: Mode) -> Outgoing {
        let body = request::body(model, ask, mode);
        Outgoing { path: "/v1/messages".to_owned(), headers: self.headers(mode), body }
    }

    fn lacks(&self) -> &'static [Setting] {
        &[Setting::Seed]
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

    fn forward(&self, model: &str, document: &Document, mode: Mode) -> Option<Outgoing> {
        (document.face == Face::AnthropicMessages).then(|| {
            let mut headers = self.headers(mode);
            headers.extend(document.headers.clone()); // the version that the caller speaks is the document's
            Outgoing {
                path: "/v1/messages".to_owned(),
                headers,
                body: document.asking(model, false, "max_tokens").into(),
            }
        })
    }

    fn unsaid_max_tokens(&self) -> Option<u32> {
        Some(request::MAX_TOKENS)
    }

    fn pieces(&self) -> Box<dyn Pieces> {
        Box::new(stream::Events::new(self.citations))
    }
}
