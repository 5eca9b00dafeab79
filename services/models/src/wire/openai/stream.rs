//! The streamed answer: chunks in server-sent events.

use serde::Deserialize;
use serde_json::Value;

use super::content::Content;
use super::refusal;
use super::response::{Tokens, reason};
use super::search::{self, Annotation, Found};
use super::tools::{Call, Calls};
use crate::answer::{Finish, Piece, Usage};
use crate::failure::{Failure, Kind};
use crate::wire::sources::Sources;
use crate::wire::{Pieces, broken_off, events, not_json, sse};

/// What the last event says instead of JSON.
const END: &str = "[DONE]";

/// Reads the chunks of one answer.
pub(super) struct Chunks {
    events: sse::Decoder,
    seen: Seen,
}

/// What the chunks so far said about the whole.
#[derive(Default)]
struct Seen {
    model: String,
    finish_reason: Option<String>,
    usage: Usage,
    text: bool,
    refused: bool,
    calls: Calls,
    sources: Sources,
    /// Whether sources are wanted.
    citations: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    /// In a chunk of its own, after the last choice.
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<Value>,
    /// Perplexity's sources, with titles.
    #[serde(default)]
    search_results: Option<Vec<Found>>,
    /// Perplexity's sources, as addresses alone.
    #[serde(default)]
    citations: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
    #[serde(default)]
    annotations: Option<Vec<Annotation>>,
}

// === impl Chunks ===

impl Chunks {
    /// A reader that tells the sources if `citations`.
    pub(super) fn new(citations: bool) -> Self {
        Self { events: sse::Decoder::default(), seen: Seen { citations, ..Seen::default() } }
    }
}

impl Pieces for Chunks {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, Failure> {
        let mut pieces = Vec::new();
        for event in events(&mut self.events, bytes)? {
            if event.trim() == END {
                let done = self.seen.done()?;
                pieces.extend(self.seen.sources.news());
                pieces.push(done);
                break;
            }
            pieces.extend(self.seen.chunk(&event)?);
        }
        Ok(pieces)
    }

    fn end(&mut self) -> Result<Piece, Failure> {
        // Some servers close without [DONE]; the reason to finish tells a whole answer from half of one.
        if self.seen.finish_reason.is_some() {
            return self.seen.done();
        }
        Err(broken_off())
    }
}

// === impl Seen ===

impl Seen {
    fn chunk(&mut self, event: &str) -> Result<Vec<Piece>, Failure> {
        let chunk: Chunk =
            serde_json::from_str(event).map_err(|problem| not_json(event.as_bytes(), &problem))?;
        if let Some(error) = &chunk.error {
            return Err(refusal::in_success(error));
        }
        if let Some(model) = chunk.model.filter(|model| !model.is_empty()) {
            self.model = model;
        }
        self.usage = chunk.usage.map_or(self.usage, Usage::from);
        if self.citations {
            search::titled(&mut self.sources, chunk.search_results);
            search::bare(&mut self.sources, chunk.citations);
        }
        let mut pieces =
            chunk.choices.into_iter().next().map(|choice| self.choice(choice)).unwrap_or_default();
        if self.finish_reason.is_some() {
            pieces.extend(self.sources.news()); // not before: titles may follow the addresses
        }
        Ok(pieces)
    }

    fn choice(&mut self, choice: Choice) -> Vec<Piece> {
        self.finish_reason = choice.finish_reason.or_else(|| self.finish_reason.take());
        let delta = choice.delta.unwrap_or_default();
        self.refused |= delta.refusal.is_some();
        if self.citations {
            search::annotated(&mut self.sources, delta.annotations);
        }
        let text = delta.content.map(Content::text).filter(|text| !text.is_empty()).or(delta.refusal);
        let text = text.filter(|text| !text.is_empty());
        self.text |= text.is_some();
        let calls = delta.tool_calls.unwrap_or_default().into_iter();
        let calls = calls.map(|call| Piece::Call(self.calls.piece(call)));
        text.map(Piece::Delta).into_iter().chain(calls).collect()
    }

    fn done(&mut self) -> Result<Piece, Failure> {
        if !self.text && !self.calls.any() && self.finish_reason.is_none() {
            return Err(Failure::new(Kind::Malformed, "ended the stream without an answer"));
        }
        let reason = reason(self.finish_reason.take(), self.refused, self.calls.any())?;
        Ok(Piece::Done(Finish { model: std::mem::take(&mut self.model), reason, usage: self.usage }))
    }
}
