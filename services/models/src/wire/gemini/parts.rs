//! What the provider sends: whole answers and the pieces of a stream have the same shape.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::refusal;
use crate::answer::Usage;
use crate::failure::{Failure, Kind};
use crate::wire::not_json;
use crate::wire::reason::{self, CONTENT_FILTER, LENGTH, STOP, TOOL_CALLS};
use crate::wire::sources::Sources;

/// How an answer ended, in the words of the contract.
const REASONS: &[(&str, &str)] = &[
    ("", STOP),
    ("FINISH_REASON_UNSPECIFIED", STOP),
    ("STOP", STOP),
    ("MAX_TOKENS", LENGTH),
    ("SAFETY", CONTENT_FILTER),
    ("RECITATION", CONTENT_FILTER),
    ("LANGUAGE", CONTENT_FILTER),
    ("BLOCKLIST", CONTENT_FILTER),
    ("PROHIBITED_CONTENT", CONTENT_FILTER),
    ("SPII", CONTENT_FILTER),
    ("IMAGE_SAFETY", CONTENT_FILTER),
];
/// Ends that leave no answer: the model wrote a call that is none.
const BROKEN: [&str; 4] =
    ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE"];

/// An answer, or a piece of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(default)]
    pub(super) candidates: Vec<Candidate>,
    #[serde(default)]
    prompt_feedback: Option<Feedback>,
    #[serde(default)]
    pub(super) usage_metadata: Option<Tokens>,
    #[serde(default)]
    pub(super) model_version: Option<String>,
    #[serde(default)]
    pub(super) response_id: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Candidate {
    #[serde(default)]
    pub(super) content: Option<Content>,
    #[serde(default)]
    pub(super) finish_reason: Option<String>,
    #[serde(default)]
    citation_metadata: Option<CitationMetadata>,
    #[serde(default)]
    grounding_metadata: Option<GroundingMetadata>,
}

#[derive(Deserialize)]
pub(super) struct Content {
    #[serde(default)]
    pub(super) parts: Vec<Part>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    #[serde(default)]
    pub(super) text: Option<String>,
    /// The text is what the model thought, not what it says.
    #[serde(default)]
    pub(super) thought: bool,
    #[serde(default)]
    pub(super) function_call: Option<FunctionCall>,
    #[serde(default)]
    pub(super) thought_signature: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct FunctionCall {
    #[serde(default)]
    pub(super) id: Option<String>,
    pub(super) name: String,
    #[serde(default)]
    pub(super) args: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default)]
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CitationMetadata {
    #[serde(default)]
    citation_sources: Vec<Page>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroundingMetadata {
    #[serde(default)]
    grounding_chunks: Vec<GroundingChunk>,
}

#[derive(Deserialize)]
struct GroundingChunk {
    #[serde(default)]
    web: Option<Page>,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    uri: Option<String>,
    #[serde(default)]
    title: Option<String>,
}

/// What `usageMetadata` says, of all that has come so far.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tokens {
    #[serde(default)]
    prompt_token_count: Option<u32>,
    #[serde(default)]
    tool_use_prompt_token_count: Option<u32>,
    #[serde(default)]
    cached_content_token_count: Option<u32>,
    #[serde(default)]
    candidates_token_count: Option<u32>,
    #[serde(default)]
    thoughts_token_count: Option<u32>,
}

// === impl Document ===

impl Document {
    /// Reads a document that may be an error, or the word that the prompt is not answered.
    pub(super) fn read(body: &[u8]) -> Result<Self, Failure> {
        let document: Self = serde_json::from_slice(body).map_err(|problem| not_json(body, &problem))?;
        if let Some(error) = &document.error {
            return Err(refusal::in_success(error));
        }
        let blocked = document.prompt_feedback.as_ref().and_then(|feedback| feedback.block_reason.as_deref());
        match blocked {
            Some(reason) if document.candidates.is_empty() => {
                let sentence = format!("blocked the prompt ({})", reason.to_lowercase());
                Err(Failure::new(Kind::ContentPolicy, sentence))
            }
            _ => Ok(document),
        }
    }
}

// === impl Candidate ===

impl Candidate {
    /// The pages that it names.
    pub(super) fn note(&mut self, sources: &mut Sources) {
        let cited = self.citation_metadata.take().map(|metadata| metadata.citation_sources);
        let found = self.grounding_metadata.take().map(|metadata| metadata.grounding_chunks);
        let found = found.into_iter().flatten().filter_map(|chunk| chunk.web);
        let pages = cited.into_iter().flatten().chain(found);
        pages.for_each(|Page { uri, title }| sources.note(uri, title));
    }
}

/// How an answer ended, in the words of the contract.
///
/// # Errors
/// [`Kind::Malformed`] if the end leaves no answer.
pub(super) fn reason(said: Option<&str>, calls: bool) -> Result<String, Failure> {
    let said = said.unwrap_or_default();
    if BROKEN.contains(&said) {
        return Err(Failure::new(Kind::Malformed, format!("ended its answer with {said}")));
    }
    match reason::of(said, REASONS) {
        STOP if calls => Ok(TOOL_CALLS.to_owned()), // the wire has no word for it
        reason if reason == said => Ok(said.to_lowercase()),
        reason => Ok(reason.to_owned()),
    }
}

/// The wire counts thoughts beside the answer, and what was cached within the prompt.
impl From<Tokens> for Usage {
    fn from(tokens: Tokens) -> Self {
        let thoughts = tokens.thoughts_token_count.unwrap_or(0);
        let prompt = tokens.prompt_token_count.unwrap_or(0);
        Usage {
            input_tokens: prompt.saturating_add(tokens.tool_use_prompt_token_count.unwrap_or(0)),
            output_tokens: tokens.candidates_token_count.unwrap_or(0).saturating_add(thoughts),
            cached_tokens: tokens.cached_content_token_count.unwrap_or(0),
            reasoning_tokens: thoughts,
        }
    }
}
