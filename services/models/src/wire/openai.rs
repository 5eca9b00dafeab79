//! OpenAI's chat completions, which most providers and local servers speak.
//!
//! `POST {base}/chat/completions` with `Authorization: Bearer`; whole answers as one document, streams as
//! server-sent events that end with `[DONE]`. What differs between providers is their row in [`variant`].

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};

use super::path::segment;
use super::{Dialect, Mode, Outgoing, Pieces, Wire, secret};
use crate::answer::{Answer, Embedding, Finish};
use crate::ask::{Ask, EmbedAsk, ToolChoice};
use crate::face::{Document, Face};
use crate::failure::{Failure, Kind};

mod content;
mod embeddings;
mod glance;
mod refusal;
mod request;
mod response;
mod search;
mod stream;
#[cfg(test)]
pub(super) mod tests;
mod tools;
pub mod variant;

use variant::{Door, Feature, Variant};

/// The version of Azure's interface that is asked for unless another is set.
pub const AZURE_API_VERSION: &str = "2024-10-21";

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// The wire in one variant.
#[derive(Clone, Debug)]
pub struct OpenAi {
    variant: &'static Variant,
    api_version: Arc<str>,
    citations: bool,
}

// === impl OpenAi ===

impl OpenAi {
    /// The wire as this provider speaks it.
    #[must_use]
    pub fn new(variant: &'static Variant, dialect: &Dialect) -> Self {
        let api_version = dialect.api_version.clone().unwrap_or_else(|| AZURE_API_VERSION.into());
        Self { variant, api_version, citations: dialect.citations }
    }

    /// Where a request for a model goes: the `door` with `end` behind it, such as `chat/completions`.
    #[must_use]
    pub fn path(&self, model: &str, end: &str) -> String {
        match self.variant.door {
            Door::Plain => format!("/{end}"),
            Door::Deployments => {
                let (deployment, version) = (segment(model), segment(&self.api_version));
                format!("/openai/deployments/{deployment}/{end}?api-version={version}")
            }
        }
    }
}

impl Wire for OpenAi {
    fn request(&self, model: &str, ask: &Ask, mode: Mode) -> Outgoing {
        Outgoing {
            path: self.path(model, "chat/completions"),
            headers: request::headers(ask.idempotency_key.as_deref(), mode),
            body: request::body(self.variant, model, ask, mode),
        }
    }

    fn refuses(&self, ask: &Ask) -> Option<Failure> {
        let tools_matter = !ask.tools.is_empty() && ask.tool_choice != Some(ToolChoice::None);
        let lacks = tools_matter && !self.variant.has(Feature::Tools);
        lacks.then(|| Failure::new(Kind::Unsupported, "takes no tools"))
    }

    fn authorization(&self, key: &SecretString) -> Option<(HeaderName, HeaderValue)> {
        match self.variant.door {
            Door::Plain => Some((AUTHORIZATION, secret(format!("Bearer {}", key.expose_secret()))?)),
            Door::Deployments => Some((API_KEY, secret(key.expose_secret().to_owned())?)),
        }
    }

    fn answer(&self, body: &[u8]) -> Result<Answer, Failure> {
        response::answer(body, self.citations)
    }

    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
        refusal::of_answer(status, headers, body)
    }

    fn pieces(&self) -> Box<dyn Pieces> {
        Box::new(stream::Chunks::new(self.citations))
    }

    fn forward(&self, model: &str, document: &Document, mode: Mode) -> Option<Outgoing> {
        let end = match document.face {
            Face::OpenAiChat if self.variant.takes_openai_fields() => "chat/completions",
            Face::OpenAiEmbeddings
                if self.variant.takes_openai_fields() && self.variant.has(Feature::Embeddings) =>
            {
                "embeddings"
            }
            Face::OpenAiChat | Face::OpenAiEmbeddings | Face::AnthropicMessages => return None,
        };
        let with_usage = document.face == Face::OpenAiChat
            && mode == Mode::Stream
            && self.variant.has(Feature::StreamOptions);
        let mut headers = request::headers(None, mode);
        headers.extend(document.headers.clone());
        Some(Outgoing {
            path: self.path(model, end),
            headers,
            body: document.asking(model, with_usage, self.variant.max_tokens).into(),
        })
    }

    fn finish(&self, body: &[u8]) -> Result<Finish, Failure> {
        glance::finish(body)
    }

    fn wrote(&self, body: &[u8]) -> usize {
        glance::wrote(body)
    }

    fn embed(&self, model: &str, ask: &EmbedAsk) -> Option<Outgoing> {
        self.variant.has(Feature::Embeddings).then(|| Outgoing {
            path: self.path(model, "embeddings"),
            headers: request::headers(None, Mode::Whole),
            body: embeddings::body(self.variant, model, ask),
        })
    }

    fn embedding(&self, body: &[u8]) -> Result<Embedding, Failure> {
        embeddings::embedding(body)
    }
}
