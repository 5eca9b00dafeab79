//! What a call may take, told before it is made: four bytes are a token, and an answer is as long as it may be.

use crate::ask::Ask;
use crate::price::Tokens;

/// Tokens of an answer whose length the caller does not bound.
pub const DEFAULT_OUTPUT: u64 = 1024;

/// Of a question.
#[must_use]
pub fn of_ask(ask: &Ask) -> Tokens {
    let turns = ask.turns.iter().map(|turn| turn.content.len());
    let calls = ask.turns.iter().flat_map(|turn| &turn.calls).map(|call| call.arguments.len());
    let tools = ask.tools.iter().map(|tool| {
        let described = tool.description.as_ref().map_or(0, String::len);
        tool.name.len() + described + serde_json::to_string(&tool.parameters).map_or(0, |json| json.len())
    });
    let bytes: usize = turns.chain(calls).chain(tools).sum();
    let output = ask.max_tokens.map_or(DEFAULT_OUTPUT, u64::from);
    Tokens { input: of_bytes(bytes as u64), output, ..Tokens::default() }
}

/// Of texts whose vectors are asked for.
#[must_use]
pub fn of_texts(texts: &[String]) -> Tokens {
    let bytes: usize = texts.iter().map(String::len).sum();
    Tokens { input: of_bytes(bytes as u64), ..Tokens::default() }
}

/// Tokens of so many bytes of text.
#[must_use]
pub const fn of_bytes(bytes: u64) -> u64 {
    bytes.div_ceil(4)
}
