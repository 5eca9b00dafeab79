//! What an answer says about the one that gave it: two tables, as data.
//!
//! A breaker asks "is it broken?", not "did I get what I wanted?": NOT_FOUND is the answer of a healthy service.

use std::error::Error;
use std::iter;

use http::response::Parts;
use http::{HeaderMap, HeaderName};
use tower::BoxError;

use crate::breaker::CircuitOpen;
use crate::bulkhead::Rejected;
use crate::deadline::DeadlineExceeded;

mod http_api;
#[cfg(test)]
mod tests;

pub use http_api::{HTTP, HttpClassifier, HttpRow, http_status};

/// What one call says about the dependency that was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It works, whether or not the caller likes the answer.
    Healthy,
    /// It is broken.
    Failure,
    /// It works and asks for fewer calls; never counts towards a trip.
    Throttled,
    /// The key that was used is bad; says nothing about the dependency.
    Credential,
    /// Says nothing: the caller went away, or we refused the call ourselves.
    Neutral,
}

/// The gRPC status of an answer. Parsed once, because every answer is asked for it more than once.
pub(crate) static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// A gRPC status code and what it says.
#[derive(Clone, Copy, Debug)]
pub struct GrpcRow {
    /// The number on the wire.
    pub code: u8,
    /// Its name in the specification.
    pub name: &'static str,
    /// What it counts as.
    pub outcome: Outcome,
}

const fn row(code: u8, name: &'static str, outcome: Outcome) -> GrpcRow {
    GrpcRow { code, name, outcome }
}

/// Every gRPC code in the order of its number.
pub const GRPC: [GrpcRow; 17] = [
    row(0, "OK", Outcome::Healthy),
    row(1, "CANCELLED", Outcome::Neutral), // the caller went away
    row(2, "UNKNOWN", Outcome::Failure),
    row(3, "INVALID_ARGUMENT", Outcome::Healthy),
    row(4, "DEADLINE_EXCEEDED", Outcome::Neutral), // the caller's own deadline; an attempt timeout is an error of ours
    row(5, "NOT_FOUND", Outcome::Healthy),
    row(6, "ALREADY_EXISTS", Outcome::Healthy),
    row(7, "PERMISSION_DENIED", Outcome::Healthy),
    row(8, "RESOURCE_EXHAUSTED", Outcome::Throttled),
    row(9, "FAILED_PRECONDITION", Outcome::Healthy),
    row(10, "ABORTED", Outcome::Healthy), // a conflict, like HTTP 409
    row(11, "OUT_OF_RANGE", Outcome::Healthy),
    row(12, "UNIMPLEMENTED", Outcome::Healthy), // an older version answers; it is not broken
    row(13, "INTERNAL", Outcome::Failure),
    row(14, "UNAVAILABLE", Outcome::Failure),
    row(15, "DATA_LOSS", Outcome::Failure),
    row(16, "UNAUTHENTICATED", Outcome::Healthy), // like HTTP 401 between our own services: it answers
];

/// What a gRPC status code says. A number outside the specification is UNKNOWN.
#[must_use]
pub fn grpc(code: u8) -> Outcome {
    GRPC.get(usize::from(code)).map_or(Outcome::Failure, |row| row.outcome)
}

/// Reads an outcome from whichever part of a response tells it first.
pub trait Classify {
    /// The verdict if the head alone gives one; `None` to wait for the end of the body.
    fn head(&self, head: &Parts) -> Option<Outcome>;
    /// The verdict at the end of the body.
    fn trailers(&self, trailers: Option<&HeaderMap>) -> Outcome;
    /// The verdict on an error of the service or of the body.
    fn error(&self, error: &(dyn Error + 'static)) -> Outcome;
}

/// Classifies gRPC responses, where success is a `grpc-status` and not the absence of an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcClassifier;

// === impl GrpcClassifier ===

impl Classify for GrpcClassifier {
    fn head(&self, head: &Parts) -> Option<Outcome> {
        if let Some(outcome) = grpc_status(&head.headers) {
            return Some(outcome); // trailers-only: an answer without a body
        }
        if head.status != http::StatusCode::OK {
            return Some(http_instead_of_grpc(head.status.as_u16()));
        }
        not_grpc(&head.headers).then_some(Outcome::Failure)
    }

    fn trailers(&self, trailers: Option<&HeaderMap>) -> Outcome {
        // A stream that ends without a status was cut short.
        trailers.and_then(grpc_status).unwrap_or(Outcome::Failure)
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Outcome {
        if is_own_refusal(error) { Outcome::Neutral } else { Outcome::Failure }
    }
}

/// The request was about to go out, and this process decided not to send it: a policy forbids it, say, or what it must
/// carry is not there. For those who connect, to mark such an error.
#[derive(Debug, thiserror::Error)]
#[error("the request was withheld")]
pub struct Withheld(#[source] pub BoxError);

/// Whether an error, or one of its causes, is a call that *we* did not make or did not wait for: an open circuit, a
/// full bulkhead, the caller's deadline, a request withheld. Such a call says nothing about the dependency.
#[must_use]
pub fn is_own_refusal(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source()).any(|error| {
        error.is::<CircuitOpen>()
            || error.is::<Rejected>()
            || error.is::<DeadlineExceeded>()
            || error.is::<Withheld>()
    })
}

fn grpc_status(headers: &HeaderMap) -> Option<Outcome> {
    let status = headers.get(&GRPC_STATUS)?;
    let code = status.to_str().ok().and_then(|text| text.parse().ok());
    Some(code.map_or(Outcome::Failure, grpc)) // a status that is no number is UNKNOWN
}

/// An HTTP status where a gRPC one should be: somebody in between answered. As in the gRPC specification, 401 and
/// 403 become UNAUTHENTICATED and PERMISSION_DENIED, 404 UNIMPLEMENTED, 429 UNAVAILABLE; the rest is broken.
const fn http_instead_of_grpc(status: u16) -> Outcome {
    match status {
        401 | 403 | 404 => Outcome::Healthy,
        _ => Outcome::Failure,
    }
}

/// A 200 that says it carries something else, such as a proxy's HTML page.
fn not_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(http::header::CONTENT_TYPE);
    content_type.is_some_and(|value| !value.as_bytes().starts_with(b"application/grpc"))
}
