//! The words of this wire for what goes wrong: it has a sentence alone.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::wire::refusal::{self, Said, Words};

const WORDS: Words = Words {
    codes: &[],
    phrases: &[
        ("too many tokens", Kind::ContextTooLong),
        ("api calls / month", Kind::Quota),      // a trial key's, with a 429
        ("invalid api token", Kind::Credential), // with a 498
        ("is blocked", Kind::ContentPolicy),     // "content or account is blocked", with a 498
        ("client closed request", Kind::Transient), // with a 499
    ],
};

/// An answer whose status is no success.
pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let said = serde_json::from_slice::<Value>(body).ok().map(|document| said(&document));
    refusal::of_answer(&WORDS, (status, headers), said.as_ref())
}

/// An error where an answer should be: it has a sentence and nothing else.
pub(super) fn in_success(message: &str) -> Failure {
    refusal::in_success(&WORDS, &Said { words: Vec::new(), message: message.to_owned() })
}

fn said(document: &Value) -> Said {
    Said::of(document, &[])
}
