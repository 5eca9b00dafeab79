//! What a model says, before a wire gives it a shape.

/// A model's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The text.
    pub text: String,
    /// The tools it calls.
    pub calls: Vec<ToolCall>,
    /// Why it ended, in the wire's words; `None` is the usual reason.
    pub finish: Option<String>,
    /// What it cost; `None` is a provider that does not say.
    pub usage: Option<Usage>,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// The id that the answer to it names.
    pub id: String,
    /// The function.
    pub name: String,
    /// Its arguments, as the text of a JSON object (or of what a bad model takes for one).
    pub arguments: String,
}

/// Tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt.
    pub input: u32,
    /// Of the answer.
    pub output: u32,
}

/// Tokens of every prompt, whatever it is.
const PROMPT: u32 = 11;

/// Characters in a piece of a tool's arguments: fewer than any JSON worth reading.
const PIECE: usize = 5;

// === impl Said ===

impl Said {
    /// A text or calls with the usual end and usage: one token a word.
    pub(crate) fn new(text: String, calls: Vec<ToolCall>) -> Said {
        let words = text.split_whitespace().count() + calls.len();
        let usage = Usage { input: PROMPT, output: u32::try_from(words).unwrap_or(u32::MAX) };
        Said { text, calls, finish: None, usage: Some(usage) }
    }

    /// The text in the pieces in which it is streamed: words with the space behind them.
    #[must_use]
    pub fn pieces(&self) -> Vec<&str> {
        self.text.split_inclusive(' ').collect()
    }

    /// Why it ended: as scripted, else the usual word of the wire.
    #[must_use]
    pub fn finish_or<'a>(&'a self, text: &'a str, tools: &'a str) -> &'a str {
        let usual = if self.calls.is_empty() { text } else { tools };
        self.finish.as_deref().unwrap_or(usual)
    }
}

// === impl ToolCall ===

impl ToolCall {
    /// A call; `arguments` is JSON text.
    #[must_use]
    pub fn new(id: &str, name: &str, arguments: &str) -> ToolCall {
        ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
    }

    /// The arguments in pieces of a few characters.
    #[must_use]
    pub fn pieces(&self) -> Vec<String> {
        let characters: Vec<char> = self.arguments.chars().collect();
        characters.chunks(PIECE).map(|piece| piece.iter().collect()).collect()
    }
}
