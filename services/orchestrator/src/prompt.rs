//! What an agent is told: its definition's templates, filled with the event, the change and what is known.
//!
//! ```text
//! system:  instructions · systemPrompt · what untrusted data is · the answer's schema
//! user:    userPrompt · the change, unless it is there · the input, unless it is there
//! ```
//! Whatever comes from outside reaches the model between marks that it cannot write itself; see [`untrusted`].

mod compose;
mod template;
#[cfg(test)]
mod tests;
pub mod untrusted;

use bsm_proto::registry::v1::Agent;
use serde_json::Value;

use crate::change::Change;

pub use untrusted::Nonce;

/// The longest prompt, system and user together, in bytes.
pub const MAX_PROMPT: usize = 512 * 1024;
/// The longest text of knowledge and of past reviews that is taken into a prompt, in characters.
const MAX_KNOWLEDGE: usize = 96_000;
const MAX_REVIEWS: usize = 16_000;

/// What a prompt is made of, beside the agent.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// The event's name.
    pub event: &'a str,
    /// The event's payload; its `diff` is replaced by the bounded one of `change`.
    pub payload: &'a Value,
    /// The change, if the event is about one.
    pub change: Option<&'a Change>,
    /// Documents or passages of the knowledge base, as text; may be empty.
    pub knowledge: &'a str,
    /// Past reviews of similar changes, as text; may be empty.
    pub reviews: &'a str,
    /// What a caller wrote; may be empty.
    pub input: &'a str,
    /// Marks where untrusted text begins and ends.
    pub nonce: &'a Nonce,
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The system message.
    pub system: String,
    /// The user message.
    pub user: String,
    /// What was left out to keep the prompt within its limit, each a sentence; never a part of the change.
    pub notes: Vec<String>,
}

/// Why there is no prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A template of the definition is at fault.
    #[error("the {field} of agent {agent} cannot be rendered{place}: {problem}", place = at(.line))]
    Template {
        /// The agent.
        agent: String,
        /// `systemPrompt` or `userPrompt`.
        field: &'static str,
        /// The line of the template, from 1, if known.
        line: Option<usize>,
        /// What is wrong with it.
        problem: String,
    },
    /// Even without knowledge and past reviews it is too long.
    #[error(
        "the prompt of agent {agent} has {bytes} bytes and may have {limit}; shorten its templates or the payload"
    )]
    TooLong {
        /// The agent.
        agent: String,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
}

/// Builds the prompt. Pure: the same material gives the same prompt.
///
/// A prompt that is too long loses the past reviews first and the knowledge next, but never a part of the change:
/// an agent that is shown less than the facts say it saw would be believed too much.
///
/// # Errors
/// [`Error`] when a template cannot be rendered, or the prompt stays too long.
pub fn render(agent: &Agent, material: &Material<'_>) -> Result<Prompt, Error> {
    let cut = |text, longest, what| cut(agent, text, longest, what);
    let (knowledge, knowledge_note) = cut(material.knowledge, MAX_KNOWLEDGE, "knowledge");
    let (reviews, reviews_note) = cut(material.reviews, MAX_REVIEWS, "past reviews");
    let full = Material { knowledge: &knowledge, reviews: &reviews, ..*material };
    let mut notes: Vec<String> = [knowledge_note, reviews_note].into_iter().flatten().collect();
    let mut bytes = 0;
    for (attempt, what) in
        [(full, ""), (Material { reviews: "", ..full }, "past reviews"), (bare(&full), "knowledge")]
    {
        if !what.is_empty() {
            notes.push(format!(
                "The {what} were left out for {}, whose prompt is too long with them.",
                agent.id
            ));
        }
        let (system, user) = compose::compose(agent, &attempt)?;
        bytes = system.len() + user.len();
        if bytes <= MAX_PROMPT {
            return Ok(Prompt { system, user, notes });
        }
    }
    Err(Error::TooLong { agent: agent.id.clone(), bytes, limit: MAX_PROMPT })
}

fn bare<'a>(full: &Material<'a>) -> Material<'a> {
    Material { reviews: "", knowledge: "", ..*full }
}

/// At most `longest` characters, and a note when that is less than the whole.
fn cut(agent: &Agent, text: &str, longest: usize, what: &str) -> (String, Option<String>) {
    match text.char_indices().nth(longest) {
        None => (text.to_owned(), None),
        Some((end, _)) => {
            let note =
                format!("Of the {what} only the first {longest} characters were given to {}.", agent.id);
            (format!("{}\n[cut here]", &text[..end]), Some(note))
        }
    }
}

fn at(line: &Option<usize>) -> String {
    line.map(|line| format!(", line {line}")).unwrap_or_default()
}
