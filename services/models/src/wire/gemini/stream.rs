//! The streamed answer: events in the shape of whole answers, each with what is new.

use super::parts::{Document, reason};
use super::response::{Said, parts, said};
use crate::answer::{CallDelta, Finish, Piece, ToolCall, Usage};
use crate::failure::{Failure, Kind};
use crate::wire::sources::Sources;
use crate::wire::{Pieces, broken_off, events, sse};

/// Reads the events of one answer.
pub(super) struct Contents {
    events: sse::Decoder,
    seen: Seen,
}

/// What the events so far said about the whole.
#[derive(Default)]
struct Seen {
    begun: bool,
    id: String,
    model: String,
    finish_reason: Option<String>,
    usage: Usage,
    calls: usize,
    sources: Sources,
    /// Whether sources are wanted.
    citations: bool,
}

// === impl Contents ===

impl Contents {
    /// A reader that tells the sources if `citations`.
    pub(super) fn new(citations: bool) -> Self {
        Self { events: sse::Decoder::default(), seen: Seen { citations, ..Seen::default() } }
    }
}

impl Pieces for Contents {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, Failure> {
        let mut pieces = Vec::new();
        for event in events(&mut self.events, bytes)? {
            pieces.extend(self.seen.document(Document::read(event.as_bytes())?)?);
        }
        Ok(pieces)
    }

    /// Only the end of the bytes ends the answer: what it took may be told after its reason.
    fn end(&mut self) -> Result<Piece, Failure> {
        let seen = &mut self.seen;
        match (seen.finish_reason.take(), seen.begun) {
            (Some(said), _) => {
                let (model, reason) = (std::mem::take(&mut seen.model), reason(Some(&said), seen.calls > 0)?);
                Ok(Piece::Done(Finish { model, reason, usage: seen.usage }))
            }
            (None, true) => Err(broken_off()),
            (None, false) => Err(Failure::new(Kind::Malformed, "ended the stream without an answer")),
        }
    }
}

// === impl Seen ===

impl Seen {
    fn document(&mut self, document: Document) -> Result<Vec<Piece>, Failure> {
        self.begun = true;
        self.usage = document.usage_metadata.map_or(self.usage, Usage::from);
        self.model = document.model_version.unwrap_or_else(|| std::mem::take(&mut self.model));
        self.id = document.response_id.unwrap_or_else(|| std::mem::take(&mut self.id));
        let Some(mut candidate) = document.candidates.into_iter().next() else { return Ok(Vec::new()) };
        if self.citations {
            candidate.note(&mut self.sources);
        }
        let mut pieces: Vec<Piece> = parts(&mut candidate)
            .into_iter()
            .filter_map(|part| self.piece(said(part, &self.id, self.calls)?))
            .collect();
        if let Some(said) = candidate.finish_reason {
            reason(Some(&said), self.calls > 0)?; // an end that leaves no answer is told at once
            self.finish_reason = Some(said);
        }
        if self.finish_reason.is_some() {
            pieces.extend(self.sources.news());
        }
        Ok(pieces)
    }

    fn piece(&mut self, said: Said) -> Option<Piece> {
        match said {
            Said::Text(text) => Some(Piece::Delta(text)),
            Said::Call(ToolCall { id, name, arguments }) => {
                let index = self.calls;
                self.calls += 1;
                Some(Piece::Call(CallDelta { index, id: Some(id), name: Some(name), arguments }))
            }
        }
    }
}
