//! The words of this wire for what goes wrong.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::wire::refusal::{self, Said, Words};

const WORDS: Words = Words {
    codes: &[
        ("authentication_error", Kind::Credential),
        ("permission_error", Kind::Credential),
        ("billing_error", Kind::Quota),
        ("not_found_error", Kind::ModelGone),
        ("request_too_large", Kind::ContextTooLong),
        ("rate_limit_error", Kind::Throttled),
        ("api_error", Kind::Transient),
        ("timeout_error", Kind::Transient),
        ("overloaded_error", Kind::Transient), // all of the provider's callers, not this key
        ("invalid_request_error", Kind::Rejected),
    ],
    // All of these come as an invalid request.
    phrases: &[
        ("prompt is too long", Kind::ContextTooLong),
        ("exceed context limit", Kind::ContextTooLong),
        ("credit balance is too low", Kind::Quota),
        ("usage limits", Kind::Quota),
        ("content filtering policy", Kind::ContentPolicy),
    ],
};

/// An answer whose status is no success.
pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let document = serde_json::from_slice::<Value>(body).ok();
    let said = document.map(|document| Said::of(&document["error"], &["type"]));
    refusal::of_answer(&WORDS, (status, headers), said.as_ref())
}

/// An error where an answer should be: within a 200, or in the middle of a stream.
pub(super) fn in_success(error: &Value) -> Failure {
    refusal::in_success(&WORDS, &Said::of(error, &["type"]))
}
