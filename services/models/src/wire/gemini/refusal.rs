//! The words of this wire for what goes wrong: Google's status, and its details about quotas.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::failure::{Failure, Kind};
use crate::wire::refusal::{self, Said, Words};

const WORDS: Words = Words {
    codes: &[
        ("API_KEY_INVALID", Kind::Credential), // with the status of an invalid argument
        ("API_KEY_EXPIRED", Kind::Credential),
        (PER_DAY, Kind::Quota),
        ("UNAUTHENTICATED", Kind::Credential),
        ("PERMISSION_DENIED", Kind::Credential),
        ("NOT_FOUND", Kind::ModelGone),
        ("RESOURCE_EXHAUSTED", Kind::Throttled),
        ("INVALID_ARGUMENT", Kind::Rejected),
        ("FAILED_PRECONDITION", Kind::Rejected),
        ("OUT_OF_RANGE", Kind::Rejected),
        ("INTERNAL", Kind::Transient),
        ("UNAVAILABLE", Kind::Transient),
        ("DEADLINE_EXCEEDED", Kind::Transient),
        ("CANCELLED", Kind::Transient),
    ],
    phrases: &[
        ("exceeds the maximum number of tokens", Kind::ContextTooLong),
        ("api key not valid", Kind::Credential),
        ("api key expired", Kind::Credential),
    ],
};
/// A quota that no short wait gives back, as the quota's own name puts it.
const PER_DAY: &str = "PerDay";

/// An answer whose status is no success. Streams that never began wrap the error in a list.
pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let document = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let document = match &document {
        Value::Array(list) => list.first().unwrap_or(&Value::Null),
        document => document,
    };
    let error = &document["error"];
    let failure =
        refusal::of_answer(&WORDS, (status, headers), error.is_object().then(|| said(error)).as_ref());
    match failure.retry_after {
        Some(_) => failure,
        None => failure.retry_after(retry_delay(error)),
    }
}

/// An error where an answer should be: within a 200, or in the middle of a stream.
pub(super) fn in_success(error: &Value) -> Failure {
    refusal::in_success(&WORDS, &said(error)).retry_after(retry_delay(error))
}

/// The details say more than the status: why a key is none, and which quota is used up.
fn said(error: &Value) -> Said {
    let mut said = Said::of(error, &["status", "code"]);
    let violations = details(error).filter_map(|detail| detail["violations"].as_array()).flatten();
    let quotas = violations.filter_map(|violation| violation["quotaId"].as_str());
    let per_day = quotas.filter(|quota| quota.contains(PER_DAY)).map(|_| PER_DAY);
    let reasons = details(error).filter_map(|detail| detail["reason"].as_str());
    let telling: Vec<String> = reasons.chain(per_day).map(str::to_owned).collect();
    said.words.splice(0..0, telling);
    said
}

/// When the next call may come: `34.07s`.
fn retry_delay(error: &Value) -> Option<Duration> {
    let delay = details(error).find_map(|detail| detail["retryDelay"].as_str())?;
    Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
}

fn details(error: &Value) -> impl Iterator<Item = &Value> {
    error["details"].as_array().into_iter().flatten()
}
