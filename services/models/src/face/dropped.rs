//! What of a question in one form another wire has no word for: it is left out, and the caller is told.
//!
//! What would change the meaning of the answer is not left out but passed over: see [`Document::beyond`]. The table for
//! callers is `docs/translation.md`, which a test holds to what is sent.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::{Document, Face, Question, Texts};
use crate::ask::Ask;

/// A setting that not every wire has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The same answer to the same question.
    Seed,
    /// One call of a tool at a time.
    OneCallAtATime,
}

/// The fields of each form that every wire knows, by whatever name, or that are passed over. Others are its own provider's.
const KNOWN: [(Face, &[&str]); 3] = [
    (
        Face::OpenAiChat,
        &[
            "model",
            "messages",
            "stream",
            "stream_options",
            "temperature",
            "top_p",
            "max_tokens",
            "max_completion_tokens",
            "stop",
            "seed",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "response_format",
            "n",
            "logprobs",
            "audio",
            "functions",
        ],
    ),
    (Face::OpenAiEmbeddings, &["model", "input", "dimensions", "encoding_format"]),
    (
        Face::AnthropicMessages,
        &[
            "model",
            "messages",
            "system",
            "max_tokens",
            "stream",
            "temperature",
            "top_p",
            "stop_sequences",
            "tools",
            "tool_choice",
            "container",
            "mcp_servers",
        ],
    ),
];

/// Names told at most, and the longest of them: they stand in a header.
const MOST: usize = 32;
const LONGEST: usize = 64;

// === impl Setting ===

impl Setting {
    fn is_wanted(self, ask: &Ask) -> bool {
        match self {
            Setting::Seed => ask.seed.is_some(),
            Setting::OneCallAtATime => ask.parallel_tool_calls == Some(false) && !ask.tools.is_empty(),
        }
    }

    /// What the form calls it.
    fn name(self, face: Face) -> &'static str {
        match (self, face) {
            (Setting::Seed, _) => "seed",
            (Setting::OneCallAtATime, Face::AnthropicMessages) => "tool_choice.disable_parallel_tool_use",
            (Setting::OneCallAtATime, _) => "parallel_tool_calls",
        }
    }
}

// === impl Question ===

impl Question {
    /// The fields that a wire which lacks these settings was not asked for, where its form is another than the question's.
    #[must_use]
    pub fn dropped(&self, lacks: &[Setting]) -> Vec<String> {
        let face = self.document.face;
        let wanted = lacks.iter().filter(|setting| setting.is_wanted(&self.ask));
        let mut dropped = self.document.unknown();
        dropped.extend(wanted.map(|setting| setting.name(face).to_owned()));
        dropped
    }
}

impl Texts {
    /// The fields that a wire of another form than the question's was not asked for.
    #[must_use]
    pub fn dropped(&self) -> Vec<String> {
        self.document.unknown()
    }
}

impl Document {
    /// The names of the fields that only a provider of its form may know, in order; those that are null are not there.
    fn unknown(&self) -> Vec<String> {
        let known = KNOWN.iter().find(|(face, _)| *face == self.face).map_or(&[][..], |(_, fields)| *fields);
        let fields: BTreeMap<String, Option<IgnoredAny>> =
            serde_json::from_slice(&self.bytes).unwrap_or_default(); // it was read before, so it can be
        let given = fields.into_iter().filter(|(name, value)| value.is_some() && can_be_told(name));
        given.map(|(name, _)| name).filter(|name| !known.contains(&name.as_str())).take(MOST).collect()
    }
}

/// A list in a header has no room for other names, and no API has such.
fn can_be_told(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(letter)
}
