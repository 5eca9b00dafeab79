//! What an answer says about an HTTP server outside of the mesh, such as a model provider.

use std::error::Error;
use std::ops::RangeInclusive;

use http::HeaderMap;
use http::response::Parts;

use super::{Classify, Outcome, is_own_refusal};

/// Some HTTP statuses and what they say.
#[derive(Clone, Debug)]
pub struct HttpRow {
    /// The statuses, both ends included.
    pub statuses: RangeInclusive<u16>,
    /// What they mean.
    pub name: &'static str,
    /// What they count as; `None` if that is known at the end of the body, and best by who reads it.
    pub outcome: Option<Outcome>,
}

const fn row(first: u16, last: u16, name: &'static str, outcome: Option<Outcome>) -> HttpRow {
    HttpRow { statuses: first..=last, name, outcome }
}

/// The statuses; the first row that has one counts.
pub const HTTP: [HttpRow; 8] = [
    row(200, 299, "success", None), // HTML, half a document and an empty page are successes too
    row(401, 401, "unauthorized", Some(Outcome::Credential)),
    row(403, 403, "forbidden", Some(Outcome::Credential)),
    row(429, 429, "too many requests", Some(Outcome::Throttled)),
    row(400, 499, "the caller's fault", Some(Outcome::Healthy)),
    row(529, 529, "overloaded", Some(Outcome::Failure)),
    row(500, 599, "the server's fault", Some(Outcome::Failure)),
    row(0, u16::MAX, "no answer", Some(Outcome::Failure)), // redirects, which are not followed, and oddities
];

/// What an HTTP status says; `None` if the end of the body tells.
#[must_use]
pub fn http_status(status: u16) -> Option<Outcome> {
    let row = HTTP.iter().find(|row| row.statuses.contains(&status));
    row.expect("the last row has every status").outcome
}

/// Classifies the answers of HTTP servers. A body that comes whole is healthy, as far as this can tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpClassifier;

// === impl HttpClassifier ===

impl Classify for HttpClassifier {
    fn head(&self, head: &Parts) -> Option<Outcome> {
        http_status(head.status.as_u16())
    }

    fn trailers(&self, _trailers: Option<&HeaderMap>) -> Outcome {
        Outcome::Healthy
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Outcome {
        if is_own_refusal(error) { Outcome::Neutral } else { Outcome::Failure }
    }
}
