//! A question as it came.

use bsm_proto::models::v1;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Face, splice};
use crate::failure::{Failure, Kind};

/// Headers of a caller's that go on to a provider of the same form.
const FORWARDED: [&str; 4] = ["idempotency-key", "anthropic-version", "anthropic-beta", "openai-beta"];

/// A question as it came, for providers that speak the same form.
#[derive(Clone, Debug)]
pub struct Document {
    /// The form.
    pub face: Face,
    /// The caller's bytes: a JSON object.
    pub bytes: Bytes,
    /// The caller's headers that go on to the provider.
    pub headers: HeaderMap,
    /// Whether the caller wants to be told the usage at the end of a stream. If not, and the provider tells it for our
    /// sake, it is left out.
    pub tells_usage: bool,
    /// How many answers are asked for; from 1.
    pub choices: u64,
    /// Tokens of each answer at most, where the caller left that open and somebody has to bound it.
    pub max_tokens: Option<u32>,
    /// What only a provider of this form can do: the rest of a sentence that begins with the provider's name.
    pub beyond: Option<String>,
}

// === impl Document ===

impl Document {
    pub(super) fn new(face: Face, bytes: Bytes, headers: &[v1::RelayHeader]) -> Self {
        let forwarded = headers.iter().filter(|header| FORWARDED.contains(&header.name.as_str()));
        let headers = forwarded.filter_map(|header| {
            let name = HeaderName::from_bytes(header.name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(&header.value).ok()?))
        });
        Self {
            face,
            bytes,
            headers: headers.collect(),
            tells_usage: true,
            choices: 1,
            max_tokens: None,
            beyond: None,
        }
    }

    /// The document for a provider of its own form: the caller's, with the provider's name of the model, with the option
    /// to tell the usage of a stream if that is wanted, and with the bound of its answers, if it has one, under the name
    /// that the provider gives it.
    #[must_use]
    pub fn asking(&self, model: &str, with_usage: bool, bound: &'static str) -> Bytes {
        let max_tokens = self.max_tokens.map(|tokens| (bound, tokens));
        splice::splice(&self.bytes, splice::Changes { model, with_usage, max_tokens })
    }

    /// The document needs nothing that other wires do not have.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] if it does.
    pub fn translatable(&self) -> Result<(), Failure> {
        match &self.beyond {
            None => Ok(()),
            Some(what) => Err(Failure::new(Kind::Unsupported, format!("cannot be asked for {what}"))),
        }
    }
}
