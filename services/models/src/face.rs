//! The forms of others' APIs: a question in such a form becomes an [`Ask`], and an answer is told in it.
//!
//! ```text
//! document (bytes) ─ parse ─┬─ ask        what is meant, for every wire
//!                           └─ document   as it came, for providers that speak the same form
//! answer ─┬─ same form: bytes as they come
//!         └─ another wire: rendered, whole or piece by piece
//! ```
//!
//! A document is read once and never rebuilt: what goes to a provider of its own form is the caller's bytes with the
//! model's name put in (`splice`). What it asks for that no other wire can carry (pictures, several choices) is
//! remembered as [`Document::beyond`], and such wires are passed over.

use bsm_proto::models::v1;
use bytes::Bytes;

use crate::answer::{Answer, Piece};
use crate::ask::{Ask, EmbedAsk, Violation};
use crate::error::Error;
use crate::wire::Mode;

mod anthropic;
mod document;
mod dropped;
pub mod events;
mod openai;
mod read;
pub mod splice;

pub use document::Document;
pub use dropped::Setting;

/// Whose API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Face {
    /// OpenAI's chat completions.
    OpenAiChat,
    /// OpenAI's embeddings.
    OpenAiEmbeddings,
    /// Anthropic's messages.
    AnthropicMessages,
}

/// A question for an answer in words, in the form of another API.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is meant.
    pub ask: Ask,
    /// How the answer is wanted.
    pub mode: Mode,
    /// The question as it came.
    pub document: Document,
}

/// A question for vectors, in the form of another API.
#[derive(Clone, Debug)]
pub struct Texts {
    /// What is meant.
    pub ask: EmbedAsk,
    /// How the numbers are wanted.
    pub encoding: Encoding,
    /// The question as it came.
    pub document: Document,
}

/// How the numbers of a vector are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// As a list.
    #[default]
    Float,
    /// As the base64 of 32-bit floats, the lowest byte first.
    Base64,
}

/// A question in any form.
#[derive(Clone, Debug)]
pub enum Asked {
    /// For words.
    Words(Box<Question>),
    /// For vectors.
    Vectors(Box<Texts>),
}

/// What an answer is told with beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Names the answer.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// The model that was asked for, where the provider does not say which one answered.
    pub model: String,
}

/// Tells the pieces of one answer as the events of its form.
pub trait Teller: Send {
    /// The bytes that tell a piece; empty where the form has nothing to say.
    fn tell(&mut self, piece: Piece) -> Vec<u8>;
}

// === impl Face ===

impl TryFrom<v1::Face> for Face {
    type Error = Error;

    fn try_from(face: v1::Face) -> Result<Self, Error> {
        match face {
            v1::Face::OpenaiChat => Ok(Face::OpenAiChat),
            v1::Face::OpenaiEmbeddings => Ok(Face::OpenAiEmbeddings),
            v1::Face::AnthropicMessages => Ok(Face::AnthropicMessages),
            v1::Face::Unspecified => Err(Error::Invalid(vec![Violation::new("face", "must be set")])),
        }
    }
}

impl Face {
    /// Reads a question.
    ///
    /// # Errors
    /// [`Error::Json`] if it is no JSON, [`Error::Invalid`] with each field that is not as the API has it.
    pub fn read(self, body: Bytes, headers: &[v1::RelayHeader]) -> Result<Asked, Error> {
        match self {
            Face::OpenAiChat => openai::chat(body, headers).map(Box::new).map(Asked::Words),
            Face::OpenAiEmbeddings => openai::texts(body, headers).map(Box::new).map(Asked::Vectors),
            Face::AnthropicMessages => anthropic::messages(body, headers).map(Box::new).map(Asked::Words),
        }
    }
}

// === impl Question ===

impl Question {
    /// The same question, for answers of so many tokens at most. Its caller must have left that open.
    #[must_use]
    pub fn bounded(&self, max_tokens: u32) -> Question {
        let document = Document { max_tokens: Some(max_tokens), ..self.document.clone() };
        Question { ask: self.ask.bounded(max_tokens), mode: self.mode, document }
    }

    /// A whole answer in the form of the question.
    #[must_use]
    pub fn whole(&self, answer: Answer, label: &Label) -> Bytes {
        match self.document.face {
            Face::AnthropicMessages => anthropic::whole(answer, label),
            Face::OpenAiChat | Face::OpenAiEmbeddings => openai::whole(answer, label),
        }
    }

    /// Tells a streamed answer in the form of the question.
    #[must_use]
    pub fn teller(&self, label: Label) -> Box<dyn Teller> {
        match self.document.face {
            Face::AnthropicMessages => Box::new(anthropic::Events::new(label)),
            Face::OpenAiChat | Face::OpenAiEmbeddings => {
                Box::new(openai::Chunks::new(label, self.document.tells_usage))
            }
        }
    }
}

pub use openai::vectors;
