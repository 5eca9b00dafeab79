//! The shapes in which providers speak: one file for each.
//!
//! A wire turns what the model [says](Said) into the provider's JSON, whole or as events. What happens to the bytes
//! after that (slow, cut, garbled, never ending) is the [reply's](crate::Reply) affair and the same for all wires.

use bytes::Bytes;
use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::Value;

use crate::{provider::Asked, reply::Said};

pub mod anthropic;
pub mod cohere;
pub mod embeddings;
pub mod gemini;
pub mod openai;

/// One provider's shapes. Paths are matched by their ends, so that any base URL serves.
pub trait Wire: Send + Sync + 'static {
    /// Whether this wire answers calls to the path.
    fn serves(&self, path: &str) -> bool;

    /// The key that the call was made with.
    fn key(&self, headers: &HeaderMap) -> Option<String> {
        bearer(headers)
    }

    /// Whether the call asks for a stream.
    fn streams(&self, path: &str, body: &Value) -> bool {
        let _ = path;
        body["stream"] == true
    }

    /// The whole answer.
    fn whole(&self, said: &Said, asked: &Asked) -> Value;

    /// The answer as a stream, in the order of its events.
    fn events(&self, said: &Said, asked: &Asked) -> Vec<Event>;

    /// An error answer. `code` is the wire's own word, or empty for the usual one of that status.
    fn error(&self, status: u16, code: &str) -> Value;
}

/// All wires that a [`Provider`](crate::Provider) speaks unless told otherwise.
#[must_use]
pub fn all() -> Vec<Box<dyn Wire>> {
    vec![
        Box::new(openai::Chat),
        Box::new(embeddings::Embeddings),
        Box::new(anthropic::Messages),
        Box::new(gemini::Gemini),
        Box::new(gemini::Embeddings),
        Box::new(cohere::Chat),
        Box::new(cohere::Embeddings),
    ]
}

/// A server-sent event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The `event` field, on wires that use it.
    pub name: Option<&'static str>,
    /// The `data` field: one line.
    pub data: String,
}

// === impl Event ===

impl Event {
    /// An event of data alone.
    pub fn data(data: impl ToString) -> Event {
        Event { name: None, data: data.to_string() }
    }

    /// An event named like the `type` within its data.
    pub fn named(name: &'static str, data: &Value) -> Event {
        Event { name: Some(name), data: data.to_string() }
    }

    /// As it is sent.
    #[must_use]
    pub fn bytes(&self) -> Bytes {
        let name = self.name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        Bytes::from(format!("{name}data: {}\n\n", self.data))
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    text(headers, AUTHORIZATION.as_str())?.strip_prefix("Bearer ").map(str::to_owned)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests;
