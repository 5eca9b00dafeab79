//! What a model answers, whole or piece by piece.

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its text; may be empty, because some models have nothing to say.
    pub output: String,
    /// The tools that the model asks to be called, in its order.
    pub calls: Vec<ToolCall>,
    /// The sources that the provider names, in its order.
    pub citations: Vec<Citation>,
    /// How it ended.
    pub finish: Finish,
}

/// A call of a tool that a model asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Names the call; the turn with the tool's result repeats it.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments: JSON text as the model wrote it, checked by nobody.
    pub arguments: String,
}

/// A source of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// Where it stands.
    pub url: String,
    /// What it is called, where the provider says so.
    pub title: Option<String>,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// The model that the provider says answered; empty from wires where it does not say.
    pub model: String,
    /// `stop`, `length`, `content_filter` or `tool_calls`; the provider's own word where it means none of these.
    pub reason: String,
    /// What it took.
    pub usage: Usage,
}

/// Tokens read and written, as the provider counts them; zeros where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// Those of the prompt that the provider had in its cache; part of `input_tokens`.
    pub cached_tokens: u32,
    /// Those of the answer that went into thinking; part of `output_tokens`.
    pub reasoning_tokens: u32,
}

/// One piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next piece of text, never empty.
    Delta(String),
    /// The next piece of a tool call.
    Call(CallDelta),
    /// Sources, never none; each is told once.
    Citations(Vec<Citation>),
    /// The end; nothing follows.
    Done(Finish),
}

/// A piece of a tool call. Pieces of one call come in order; those of several calls may alternate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallDelta {
    /// Which call of the answer, from 0.
    pub index: usize,
    /// The call's id; in its first piece.
    pub id: Option<String>,
    /// The tool; in the call's first piece.
    pub name: Option<String>,
    /// The next piece of the arguments' JSON text, cut anywhere; may be empty.
    pub arguments: String,
}

/// The vectors of texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// One for each text, in the order of the texts.
    pub vectors: Vec<Vec<f32>>,
    /// The model that the provider says made them; empty from wires where it does not say.
    pub model: String,
    /// What it took.
    pub usage: Usage,
}

// === impl Embedding ===

impl Embedding {
    /// The same; where the provider does not say which model made them, it is the one that was asked.
    #[must_use]
    pub fn or_model(self, asked: &str) -> Self {
        if self.model.is_empty() { Self { model: asked.to_owned(), ..self } } else { self }
    }
}

// === impl Finish ===

impl Finish {
    /// The same; where the provider does not say which model answered, it is the one that was asked.
    #[must_use]
    pub fn or_model(self, asked: &str) -> Self {
        if self.model.is_empty() { Self { model: asked.to_owned(), ..self } } else { self }
    }
}

// === impl Answer ===

impl Answer {
    /// Bytes of it that the model wrote: its text, and the tools that it asks for.
    #[must_use]
    pub fn wrote(&self) -> usize {
        let calls = self.calls.iter().map(|call| call.name.len() + call.arguments.len());
        self.output.len() + calls.sum::<usize>()
    }

    /// The pieces in which a stream would have brought it.
    pub fn into_pieces(self) -> impl Iterator<Item = Piece> {
        let Answer { output, calls, citations, finish } = self;
        let text = (!output.is_empty()).then_some(Piece::Delta(output));
        let calls = calls.into_iter().enumerate().map(|(index, call)| {
            let ToolCall { id, name, arguments } = call;
            Piece::Call(CallDelta { index, id: Some(id), name: Some(name), arguments })
        });
        let citations = (!citations.is_empty()).then_some(Piece::Citations(citations));
        text.into_iter().chain(calls).chain(citations).chain([Piece::Done(finish)])
    }
}
