//! A call: what was asked, and how it ended.

use std::time::Instant;

use http::HeaderMap;
use serde_json::Value;

/// A call that arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How many calls came before it.
    pub number: u64,
    /// When its body had been read.
    pub at: Instant,
    /// The path.
    pub path: String,
    /// The query, without the question mark.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as sent; null where it is no JSON.
    pub body: Value,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The key, from wherever the wire carries it.
    pub key: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
}

/// A call with its end.
#[derive(Clone, Debug)]
pub struct Call {
    /// What was asked.
    pub asked: Asked,
    /// When the headers of the answer were made.
    pub headers_at: Option<Instant>,
    /// Bytes of the answer's body that were handed to the connection.
    pub sent: u64,
    /// Chunks of it.
    pub chunks: u64,
    /// How it ended, if it has.
    pub end: End,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Not yet.
    Open,
    /// The last byte was handed to the connection.
    Answered(Instant),
    /// The client went away before that: it cancelled, or its patience ended.
    Left(Instant),
    /// The provider broke it off, as scripted.
    Broken(Instant),
}

// === impl End ===

impl End {
    /// When the client left, if it did.
    #[must_use]
    pub fn left(self) -> Option<Instant> {
        match self {
            End::Left(at) => Some(at),
            _ => None,
        }
    }
}
