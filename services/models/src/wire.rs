//! How a provider is spoken to: bytes out, bytes in, and no I/O here.
//!
//! Providers that speak the same wire share one implementation and differ by their entry in the models file.
//! Failures are worded without a subject ("answered 500"); the caller puts the provider's name before it.

use std::fmt;
use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::SecretString;

use crate::answer::{Answer, Embedding, Finish, Piece};
use crate::ask::{Ask, EmbedAsk};
use crate::face::{Document, Setting};
use crate::failure::{Failure, Kind};

pub mod anthropic;
mod call_id;
pub mod cohere;
pub mod excerpt;
pub mod gemini;
pub mod openai;
mod path;
pub mod reason;
mod refusal;
pub mod retry_after;
mod sources;
pub mod sse;
#[cfg(test)]
mod tests;

use anthropic::Anthropic;
use cohere::Cohere;
use gemini::Gemini;
use openai::OpenAi;
use openai::variant::VARIANTS;

/// A request before it has an address and a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// What follows the base URL, with its leading slash.
    pub path: String,
    /// Headers beside the key's.
    pub headers: HeaderMap,
    /// The JSON document.
    pub body: Vec<u8>,
}

/// Whether an answer comes whole or in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In one document.
    Whole,
    /// As server-sent events.
    Stream,
}

/// What an operator says about how a provider speaks its wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The version of the API that is asked for; `None`: the one that the wire was written for.
    pub api_version: Option<Arc<str>>,
    /// Whether answers name their sources, where the wire has them.
    pub citations: bool,
}

/// A provider's language.
pub trait Wire: fmt::Debug + Send + Sync {
    /// The request for a question to a model.
    fn request(&self, model: &str, ask: &Ask, mode: Mode) -> Outgoing;

    /// What this wire cannot carry of a question; `None` if it can be asked.
    fn refuses(&self, ask: &Ask) -> Option<Failure> {
        let _ = ask;
        None
    }

    /// What it has no word for, and is not asked for.
    fn lacks(&self) -> &'static [Setting] {
        &[]
    }

    /// The header that carries the key. `None` if the key cannot stand in a header.
    fn authorization(&self, key: &SecretString) -> Option<(HeaderName, HeaderValue)>;

    /// Reads a whole answer from the body of a success.
    ///
    /// # Errors
    /// The failure that the body tells of, or [`Kind::Malformed`].
    fn answer(&self, body: &[u8]) -> Result<Answer, Failure>;

    /// What an answer other than a success means.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure;

    /// A reader for one streamed answer.
    fn pieces(&self) -> Box<dyn Pieces>;

    /// The request that passes a question on as it came; `None` if the wire is another than the question's.
    fn forward(&self, model: &str, document: &Document, mode: Mode) -> Option<Outgoing> {
        let _ = (model, document, mode);
        None
    }

    /// How a success ended, whose body is passed on as it is.
    ///
    /// # Errors
    /// The failure that the body tells of, or [`Kind::Malformed`].
    fn finish(&self, body: &[u8]) -> Result<Finish, Failure> {
        self.answer(body).map(|answer| answer.finish)
    }

    /// How many bytes of a success the model wrote, whose body is passed on as it is and does not say what it took.
    fn wrote(&self, body: &[u8]) -> usize {
        self.answer(body).map_or(0, |answer| answer.wrote())
    }

    /// Tokens of an answer that requests ask for where the question does not say how many; `None`: none.
    fn unsaid_max_tokens(&self) -> Option<u32> {
        None
    }

    /// The request for the vectors of texts; `None` if the wire has none.
    fn embed(&self, model: &str, ask: &EmbedAsk) -> Option<Outgoing> {
        let _ = (model, ask);
        None
    }

    /// Reads the vectors from the body of a success.
    ///
    /// # Errors
    /// The failure that the body tells of, or [`Kind::Malformed`].
    fn embedding(&self, body: &[u8]) -> Result<Embedding, Failure> {
        let _ = body;
        Err(no_embeddings())
    }
}

/// Reads one streamed answer, however its bytes are cut.
pub trait Pieces: Send {
    /// The pieces that are complete with these bytes. After [`Piece::Done`] nothing more comes.
    ///
    /// # Errors
    /// The failure that the stream tells of, or [`Kind::Malformed`].
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, Failure>;

    /// What the end of the bytes means: the last piece, or a stream that was cut short.
    ///
    /// # Errors
    /// [`Kind::Transient`] if the answer was not complete.
    fn end(&mut self) -> Result<Piece, Failure>;
}

/// Makes a wire.
type Make = fn(&Dialect) -> Arc<dyn Wire>;

/// The wires beside OpenAI's, whose names are those of its variants.
const WIRES: [(&str, Make); 3] = [
    ("anthropic", |dialect| Arc::new(Anthropic::new(dialect))),
    ("gemini", |dialect| Arc::new(Gemini::new(dialect))),
    ("cohere", |dialect| Arc::new(Cohere::new(dialect))),
];

/// The wire of this name, which may be that of a variant of one; `None` if there is none. [`names`] lists them.
#[must_use]
pub fn named(name: &str, dialect: &Dialect) -> Option<Arc<dyn Wire>> {
    if let Some(variant) = VARIANTS.iter().find(|variant| variant.name == name) {
        return Some(Arc::new(OpenAi::new(variant, dialect)));
    }
    WIRES.iter().find(|(known, _)| *known == name).map(|(_, wire)| wire(dialect))
}

/// The names of all wires.
pub fn names() -> impl Iterator<Item = &'static str> {
    VARIANTS.iter().map(|variant| variant.name).chain(WIRES.iter().map(|(name, _)| *name))
}

// === impl Dialect ===

impl Default for Dialect {
    fn default() -> Self {
        Self { api_version: None, citations: true }
    }
}

/// The headers of a JSON document, and of what is to come back.
fn json_headers(mode: Mode) -> HeaderMap {
    let accepted = match mode {
        Mode::Whole => "application/json",
        Mode::Stream => "text/event-stream",
    };
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static(accepted));
    headers
}

/// A header's value that the HTTP library keeps out of its own traces; `None` if it cannot stand in a header.
fn secret(value: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The events that end within these bytes.
fn events(decoder: &mut sse::Decoder, bytes: &[u8]) -> Result<Vec<String>, Failure> {
    decoder.push(bytes).map_err(|problem| Failure::new(Kind::Malformed, problem.to_string()))
}

/// The failure of a stream that ends before its answer.
fn broken_off() -> Failure {
    Failure::new(Kind::Transient, "broke the stream off before its end")
}

/// The failure of a question for vectors where there are none.
pub(crate) fn no_embeddings() -> Failure {
    Failure::new(Kind::Unsupported, "has no embeddings")
}

/// The failure of a success that is no JSON document: says what it looks like instead.
fn not_json(body: &[u8], problem: &serde_json::Error) -> Failure {
    let text = body.trim_ascii_start();
    let what = if text.is_empty() {
        "an empty body instead of JSON"
    } else if text.starts_with(b"<") {
        "an HTML page instead of JSON"
    } else if problem.is_eof() {
        "JSON that is cut short"
    } else if problem.is_data() {
        "JSON of another shape than an answer's"
    } else {
        "something that is not JSON"
    };
    Failure::new(Kind::Malformed, format!("answered with {what}"))
}
