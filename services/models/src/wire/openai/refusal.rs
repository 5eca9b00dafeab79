//! What an error answer means: by its code where it has one, else by its status.

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::wire::excerpt::excerpt;
use crate::wire::retry_after::retry_after;

/// The codes (and types) that say more than the status does.
const CODES: [(&str, Kind); 9] = [
    ("invalid_api_key", Kind::Credential),
    ("insufficient_quota", Kind::Quota),
    ("billing_hard_limit_reached", Kind::Quota),
    ("rate_limit_exceeded", Kind::Throttled),
    ("model_not_found", Kind::ModelGone),
    ("context_length_exceeded", Kind::ContextTooLong),
    ("content_policy_violation", Kind::ContentPolicy),
    ("content_filter", Kind::ContentPolicy),
    ("server_error", Kind::Transient),
];

#[derive(Deserialize)]
struct Document {
    error: ErrorBody,
}

/// The error object; some servers send a bare sentence instead, and some a number as the code.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum ErrorBody {
    Object {
        #[serde(default)]
        message: Option<String>,
        #[serde(default)]
        code: Value,
        #[serde(default, rename = "type")]
        kind: Value,
    },
    Sentence(String),
}

/// An answer whose status is no success.
pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let error = serde_json::from_slice::<Document>(body).ok().map(|document| document.error);
    let kind = error.as_ref().and_then(ErrorBody::kind).unwrap_or_else(|| by_status(status));
    let sentence = format!("answered {}", status.as_u16());
    told(kind, sentence, error.as_ref()).retry_after(retry_after(headers))
}

/// An error object where an answer should be: within a 200, or in the middle of a stream.
pub(super) fn in_success(error: &ErrorBody) -> Failure {
    let kind = error.kind().unwrap_or(Kind::Transient);
    told(kind, "answered with an error".to_owned(), Some(error))
}

fn by_status(status: StatusCode) -> Kind {
    match status.as_u16() {
        401 | 403 => Kind::Credential,
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
fn told(kind: Kind, sentence: String, error: Option<&ErrorBody>) -> Failure {
    let helps = matches!(kind, Kind::Rejected | Kind::ModelGone | Kind::ContextTooLong | Kind::ContentPolicy);
    let said = error.filter(|_| helps).map(|error| excerpt(error.message())).filter(|said| !said.is_empty());
    match said {
        Some(said) => Failure::new(kind, format!("{sentence}: {said}")),
        None => Failure::new(kind, sentence),
    }
}

// === impl ErrorBody ===

impl ErrorBody {
    fn message(&self) -> &str {
        match self {
            ErrorBody::Object { message, .. } => message.as_deref().unwrap_or_default(),
            ErrorBody::Sentence(message) => message,
        }
    }

    fn kind(&self) -> Option<Kind> {
        let ErrorBody::Object { code, kind, .. } = self else { return None };
        let known = |word: &Value| {
            let word = word.as_str()?;
            CODES.iter().find(|(code, _)| *code == word).map(|(_, kind)| *kind)
        };
        known(code).or_else(|| known(kind))
    }
}
