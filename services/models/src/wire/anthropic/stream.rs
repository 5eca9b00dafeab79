//! The streamed answer: named events, each of which carries its name in its data too.

use serde::Deserialize;
use serde_json::Value;

use super::refusal;
use super::response::{Block, Message, Source, Tokens, reason};
use crate::answer::{CallDelta, Finish, Piece};
use crate::failure::{Failure, Kind};
use crate::wire::sources::Sources;
use crate::wire::{Pieces, broken_off, events, not_json, sse};

/// Reads the events of one answer.
pub(super) struct Events {
    events: sse::Decoder,
    seen: Seen,
}

/// What the events so far said about the whole.
#[derive(Default)]
struct Seen {
    begun: bool,
    model: String,
    stop_reason: Option<String>,
    tokens: Tokens,
    /// Calls so far.
    calls: usize,
    /// The block of a call that is being written: its number among all blocks, and whether anything of it has come.
    writing: Option<(u64, bool)>,
    sources: Sources,
    /// Whether sources are wanted.
    citations: bool,
}

/// Pings, and what may be added to the wire, are no events.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Message,
    },
    ContentBlockStart {
        index: u64,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u64,
        delta: Delta,
    },
    ContentBlockStop {
        index: u64,
    },
    MessageDelta {
        delta: End,
        #[serde(default)]
        usage: Option<Tokens>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "input_json_delta")]
    Input { partial_json: String },
    #[serde(rename = "citations_delta")]
    Citation { citation: Source },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    stop_reason: Option<String>,
}

// === impl Events ===

impl Events {
    /// A reader that tells the sources if `citations`.
    pub(super) fn new(citations: bool) -> Self {
        Self { events: sse::Decoder::default(), seen: Seen { citations, ..Seen::default() } }
    }
}

impl Pieces for Events {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, Failure> {
        let mut pieces = Vec::new();
        for event in events(&mut self.events, bytes)? {
            let read =
                serde_json::from_str(&event).map_err(|problem| not_json(event.as_bytes(), &problem))?;
            if matches!(read, Event::MessageStop) {
                pieces.extend(self.seen.sources.news());
                pieces.push(self.seen.done()?);
                break;
            }
            pieces.extend(self.seen.event(read)?);
        }
        Ok(pieces)
    }

    fn end(&mut self) -> Result<Piece, Failure> {
        match self.seen.stop_reason {
            Some(_) => self.seen.done(),
            None => Err(broken_off()),
        }
    }
}

// === impl Seen ===

impl Seen {
    fn event(&mut self, event: Event) -> Result<Option<Piece>, Failure> {
        match event {
            Event::MessageStart { message } => {
                self.begun = true;
                self.model = message.model.unwrap_or_default();
                self.tokens = message.usage.unwrap_or_default();
                Ok(None)
            }
            Event::ContentBlockStart { index, content_block } => Ok(self.begins(index, content_block)),
            Event::ContentBlockDelta { index, delta } => Ok(self.goes_on(index, delta)),
            Event::ContentBlockStop { index } => Ok(self.ends(index)),
            Event::MessageDelta { delta, usage } => {
                self.stop_reason = delta.stop_reason.or_else(|| self.stop_reason.take());
                self.tokens = usage.unwrap_or_default().over(self.tokens);
                Ok(self.sources.news())
            }
            Event::Error { error } => Err(refusal::in_success(&error)),
            Event::MessageStop | Event::Other => Ok(None),
        }
    }

    fn begins(&mut self, index: u64, block: Block) -> Option<Piece> {
        match block {
            Block::Text { text, .. } => (!text.is_empty()).then_some(Piece::Delta(text)),
            Block::ToolUse { id, name, input } => {
                let whole = input.as_object().is_some_and(|input| !input.is_empty());
                self.calls += 1;
                self.writing = Some((index, whole));
                let arguments = if whole { input.to_string() } else { String::new() };
                Some(Piece::Call(CallDelta { id: Some(id), name: Some(name), ..self.arguments(arguments) }))
            }
            Block::Other => None,
        }
    }

    fn goes_on(&mut self, index: u64, delta: Delta) -> Option<Piece> {
        match (delta, &mut self.writing) {
            (Delta::Text { text }, _) => (!text.is_empty()).then_some(Piece::Delta(text)),
            (Delta::Input { partial_json }, Some((block, written))) if *block == index => {
                *written |= !partial_json.is_empty();
                (!partial_json.is_empty()).then(|| Piece::Call(self.arguments(partial_json)))
            }
            (Delta::Citation { citation }, _) if self.citations => {
                citation.note(&mut self.sources);
                None
            }
            _ => None, // a thought, or the input of a tool that runs at the provider
        }
    }

    /// The input of a tool that takes none is never written, but it is an object all the same.
    fn ends(&mut self, index: u64) -> Option<Piece> {
        let (_, written) = self.writing.take_if(|(block, _)| *block == index)?;
        (!written).then(|| Piece::Call(self.arguments("{}".to_owned())))
    }

    /// A piece of the last call.
    fn arguments(&self, arguments: String) -> CallDelta {
        CallDelta { index: self.calls.saturating_sub(1), id: None, name: None, arguments }
    }

    fn done(&mut self) -> Result<Piece, Failure> {
        if !self.begun {
            return Err(Failure::new(Kind::Malformed, "ended the stream without an answer"));
        }
        let (model, reason) = (std::mem::take(&mut self.model), reason(self.stop_reason.as_deref()));
        Ok(Piece::Done(Finish { model, reason, usage: self.tokens.into() }))
    }
}
