//! What a model answers, whole or piece by piece.

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its text; may be empty, because some models have nothing to say.
    pub output: String,
    /// How it ended.
    pub finish: Finish,
}

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// The model that the provider says answered.
    pub model: String,
    /// `stop`, `length`, `content_filter` or `tool_calls`, as the wire has them.
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
}

/// One piece of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// The next piece of text, never empty.
    Delta(String),
    /// The end; nothing follows.
    Done(Finish),
}
