//! What is known of a call before it is made: four bytes are a token, and an answer is as long as the caller says.

use crate::ask::Ask;
use crate::price::Tokens;

/// Tokens that an answer is thought to have had when its end was not seen and the caller did not bound it.
pub const DEFAULT_OUTPUT: u64 = 1024;

/// A call before it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Tokens of the prompt, about.
    pub input: u64,
    /// Tokens of one answer at most, as the caller says; `None` if he leaves it open. 0 for vectors.
    pub output: Option<u64>,
    /// How many answers are asked for; from 1.
    pub choices: u64,
}

/// The least that a question is: a token, and an answer that is left open.
pub(super) const SHORTEST: Expected = Expected { input: 1, output: None, choices: 1 };

/// Of a question.
#[must_use]
pub fn of_ask(ask: &Ask) -> Expected {
    let turns = ask.turns.iter().map(|turn| turn.content.len());
    let calls = ask.turns.iter().flat_map(|turn| &turn.calls).map(|call| call.arguments.len());
    let tools = ask.tools.iter().map(|tool| {
        let described = tool.description.as_ref().map_or(0, String::len);
        tool.name.len() + described + serde_json::to_string(&tool.parameters).map_or(0, |json| json.len())
    });
    let bytes: usize = turns.chain(calls).chain(tools).sum();
    Expected { input: of_bytes(bytes as u64), output: ask.max_tokens.map(u64::from), choices: 1 }
}

/// Of texts whose vectors are asked for.
#[must_use]
pub fn of_texts(texts: &[String]) -> Expected {
    let bytes: usize = texts.iter().map(String::len).sum();
    Expected { input: of_bytes(bytes as u64), output: Some(0), choices: 1 }
}

/// Tokens of so many bytes of text.
#[must_use]
pub const fn of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}

// === impl Expected ===

impl Expected {
    /// The tokens of this call, if each of its answers has so many.
    #[must_use]
    pub const fn with_output(&self, each: u64) -> Tokens {
        Tokens { input: self.input, output: each.saturating_mul(self.choices), cached: 0, reasoning: 0 }
    }

    /// The tokens that it is thought to have taken, if answers have at most `longest` and none was seen.
    #[must_use]
    pub fn guess(&self, longest: u64) -> Tokens {
        self.with_output(self.output.unwrap_or(DEFAULT_OUTPUT).min(longest))
    }
}
