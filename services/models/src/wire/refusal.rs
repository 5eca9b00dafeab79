//! What an error means: by the provider's own word where it has one, else by the status, else by how it is put.
//!
//! Each wire has its words in a [`Words`] of its own; what a status means is the same for all.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::excerpt::excerpt;
use super::retry_after::retry_after;
use crate::failure::{Failure, Kind};

/// The words of a wire that say more than a status does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// Codes and types of errors.
    pub(super) codes: &'static [(&'static str, Kind)],
    /// Parts of sentences, in small letters, for what has no code of its own: looked for where a request is rejected or
    /// throttled.
    pub(super) phrases: &'static [(&'static str, Kind)],
}

/// What an error document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Its codes and types, the more telling one first.
    pub(super) words: Vec<String>,
    /// Its sentence; empty if it has none.
    pub(super) message: String,
}

/// An answer whose status is no success.
pub(super) fn of_answer(
    words: &Words,
    (status, headers): (StatusCode, &HeaderMap),
    said: Option<&Said>,
) -> Failure {
    let kind = words.kind(said, || by_status(status.as_u16()));
    // Less of it would do, later would not, whatever the code says.
    let kind = if status == StatusCode::PAYLOAD_TOO_LARGE { Kind::ContextTooLong } else { kind };
    told(kind, format!("answered {}", status.as_u16()), said).retry_after(retry_after(headers))
}

/// An error where an answer should be: within a 200, or in the middle of a stream.
pub(super) fn in_success(words: &Words, said: &Said) -> Failure {
    let number = said.words.iter().find_map(|word| word.parse().ok().filter(|number| *number >= 400));
    let kind = words.kind(Some(said), || number.map_or(Kind::Transient, by_status));
    told(kind, "answered with an error".to_owned(), Some(said))
}

fn by_status(status: u16) -> Kind {
    match status {
        401 | 403 => Kind::Credential,
        402 => Kind::Quota,
        404 => Kind::ModelGone,
        408 => Kind::Transient, // the provider's own timeout
        413 => Kind::ContextTooLong,
        429 => Kind::Throttled,
        400..=499 => Kind::Rejected,
        300..=399 => Kind::Malformed, // redirects are not followed: the key is for this origin only
        _ => Kind::Transient,
    }
}

/// The provider's own words are shown where they help to mend the request; about keys and accounts they tell too much.
fn told(kind: Kind, sentence: String, said: Option<&Said>) -> Failure {
    let helps = matches!(kind, Kind::Rejected | Kind::ModelGone | Kind::ContextTooLong | Kind::ContentPolicy);
    let words = said.filter(|_| helps).map(|said| excerpt(&said.message)).filter(|said| !said.is_empty());
    match words {
        Some(words) => Failure::new(kind, format!("{sentence}: {words}")),
        None => Failure::new(kind, sentence),
    }
}

// === impl Words ===

impl Words {
    fn kind(&self, said: Option<&Said>, otherwise: impl FnOnce() -> Kind) -> Kind {
        let Some(said) = said else { return otherwise() };
        let by_code = said.words.iter().find_map(|word| find(self.codes, |code| code == word));
        let kind = by_code.unwrap_or_else(otherwise);
        if !matches!(kind, Kind::Rejected | Kind::Throttled) {
            return kind;
        }
        let message = said.message.to_lowercase();
        find(self.phrases, |phrase| message.contains(phrase)).unwrap_or(kind)
    }
}

fn find(table: &[(&str, Kind)], fits: impl Fn(&str) -> bool) -> Option<Kind> {
    table.iter().find(|(word, _)| fits(word)).map(|(_, kind)| *kind)
}

// === impl Said ===

impl Said {
    /// What an object says under `message` and these keys, whose values are words or numbers.
    pub(super) fn of(error: &Value, keys: &[&str]) -> Self {
        let word = |key: &&str| match &error[*key] {
            Value::String(word) if !word.is_empty() => Some(word.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        Self { words: keys.iter().filter_map(word).collect(), message }
    }
}
