//! The streamed answer: steps, each of which names its kind in its data.

use serde::Deserialize;

use super::refusal;
use super::response::{Call, Part, Place, Tokens, reason};
use crate::answer::{CallDelta, Finish, Piece, Usage};
use crate::failure::{Failure, Kind};
use crate::wire::sources::Sources;
use crate::wire::{Pieces, broken_off, events, not_json, sse};

/// Some gateways before the provider say that as well.
const END: &str = "[DONE]";

/// Reads the steps of one answer.
pub(super) struct Steps {
    events: sse::Decoder,
    begun: bool,
    /// Calls so far: their numbers on the wire.
    calls: Vec<usize>,
    sources: Sources,
    /// Whether sources are wanted.
    citations: bool,
}

/// What may be added to the wire is no step.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Step {
    MessageStart,
    ContentStart {
        delta: Delta<Content>,
    },
    ContentDelta {
        delta: Delta<Content>,
    },
    ToolPlanDelta {
        delta: Delta<ToolPlan>,
    },
    ToolCallStart {
        #[serde(default)]
        index: usize,
        delta: Delta<ToolCalls>,
    },
    ToolCallDelta {
        #[serde(default)]
        index: usize,
        delta: Delta<ToolCalls>,
    },
    CitationStart {
        delta: Delta<Citations>,
    },
    MessageEnd {
        delta: End,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Delta<M> {
    message: M,
}

#[derive(Deserialize)]
struct Content {
    content: Part,
}

#[derive(Deserialize)]
struct ToolPlan {
    tool_plan: String,
}

#[derive(Deserialize)]
struct ToolCalls {
    tool_calls: Call,
}

#[derive(Deserialize)]
struct Citations {
    citations: Place,
}

#[derive(Deserialize)]
struct End {
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    usage: Option<Tokens>,
    #[serde(default)]
    error: Option<String>,
}

// === impl Steps ===

impl Steps {
    /// A reader that tells the sources if `citations`.
    pub(super) fn new(citations: bool) -> Self {
        let (events, sources) = (sse::Decoder::default(), Sources::default());
        Self { events, begun: false, calls: Vec::new(), sources, citations }
    }

    fn step(&mut self, step: Step) -> Option<Piece> {
        match step {
            Step::MessageStart => {
                self.begun = true;
                None
            }
            Step::ContentStart { delta } | Step::ContentDelta { delta } => {
                text(delta.message.content.text.unwrap_or_default())
            }
            Step::ToolPlanDelta { delta } => text(delta.message.tool_plan),
            Step::ToolCallStart { index, delta } => Some(self.begins(index, delta.message.tool_calls)),
            Step::ToolCallDelta { index, delta } => self.goes_on(index, delta.message.tool_calls),
            Step::CitationStart { delta } if self.citations => {
                delta.message.citations.note(&mut self.sources);
                None
            }
            Step::CitationStart { .. } | Step::MessageEnd { .. } | Step::Other => None,
        }
    }

    fn begins(&mut self, number: usize, call: Call) -> Piece {
        let index = self.calls.len();
        self.calls.push(number);
        let arguments = call.function.arguments.unwrap_or_default();
        let (id, name) = (call.id.unwrap_or_default(), call.function.name.unwrap_or_default());
        Piece::Call(CallDelta { index, id: Some(id), name: Some(name), arguments })
    }

    fn goes_on(&self, number: usize, call: Call) -> Option<Piece> {
        let index = self.calls.iter().rposition(|known| *known == number)?;
        let arguments = call.function.arguments.filter(|arguments| !arguments.is_empty())?;
        Some(Piece::Call(CallDelta { index, id: None, name: None, arguments }))
    }

    fn done(&self, end: End) -> Result<Piece, Failure> {
        if let Some(error) = end.error {
            return Err(refusal::in_success(&error));
        }
        if !self.begun {
            return Err(Failure::new(Kind::Malformed, "ended the stream without an answer"));
        }
        let reason = reason(end.finish_reason.as_deref())?;
        let usage = end.usage.map(Usage::from).unwrap_or_default();
        Ok(Piece::Done(Finish { model: String::new(), reason, usage }))
    }
}

impl Pieces for Steps {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Piece>, Failure> {
        let mut pieces = Vec::new();
        for event in events(&mut self.events, bytes)? {
            if event.trim() == END {
                continue;
            }
            let step =
                serde_json::from_str(&event).map_err(|problem| not_json(event.as_bytes(), &problem))?;
            if let Step::MessageEnd { delta } = step {
                let done = self.done(delta)?;
                pieces.extend(self.sources.news());
                pieces.push(done);
                break;
            }
            pieces.extend(self.step(step));
        }
        Ok(pieces)
    }

    fn end(&mut self) -> Result<Piece, Failure> {
        Err(broken_off())
    }
}

fn text(text: String) -> Option<Piece> {
    (!text.is_empty()).then_some(Piece::Delta(text))
}
