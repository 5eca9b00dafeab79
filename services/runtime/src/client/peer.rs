//! What an answer says about the service that gave it, when that service speaks for others.
//!
//! The models service answers UNAVAILABLE when a provider is down. It has answered, so it is well: a breaker that
//! opened here would turn one provider's outage into an outage of the whole edge, and hide the reason.

use std::error::Error;

use bsm_stack::classify::{Classify, GrpcClassifier, Outcome};
use http::{HeaderMap, response::Parts};
use tonic::Status;

use crate::status::reason;

/// Reasons that tell of somebody behind the service that answers, or of a disk that is full: reads go on then.
const PASSED_ON: &[&str] = &[
    "CIRCUIT_OPEN",
    "CREDENTIAL_REFUSED",
    "JOURNAL_FULL",
    "MISSING_API_KEY",
    "QUOTA_EXHAUSTED",
    "STORAGE_FULL",
    "UNREACHABLE",
    "UPSTREAM_ERROR",
    "UPSTREAM_MALFORMED",
    "UPSTREAM_THROTTLED",
    "UPSTREAM_TIMEOUT",
];

/// [`GrpcClassifier`], but for failures that the peer only passes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerClassifier;

impl Classify for PeerClassifier {
    fn head(&self, head: &Parts) -> Option<Outcome> {
        GrpcClassifier.head(head).map(|outcome| refine(outcome, Some(&head.headers)))
    }

    fn trailers(&self, trailers: Option<&HeaderMap>) -> Outcome {
        refine(GrpcClassifier.trailers(trailers), trailers)
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Outcome {
        GrpcClassifier.error(error)
    }
}

fn refine(outcome: Outcome, told_in: Option<&HeaderMap>) -> Outcome {
    if outcome != Outcome::Failure {
        return outcome;
    }
    let told = told_in.and_then(Status::from_header_map).and_then(|status| reason(&status));
    match told.as_deref() {
        Some("BULKHEAD_FULL" | "OVERLOADED") => Outcome::Throttled, // it works, and has more of it than it can take
        Some(reason) if PASSED_ON.contains(&reason) => Outcome::Healthy,
        _ => outcome,
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::status::Refusal;

    fn told(refusal: Refusal) -> Outcome {
        let mut trailers = HeaderMap::new();
        Status::from(refusal).add_header(&mut trailers).unwrap();
        PeerClassifier.trailers(Some(&trailers))
    }

    #[test]
    fn a_service_that_tells_of_somebody_elses_failure_is_well() {
        for reason in PASSED_ON {
            assert_eq!(told(Refusal::new(Code::Unavailable, *reason, "x")), Outcome::Healthy, "{reason}");
        }
    }

    #[test]
    fn a_full_service_is_busy_and_not_broken() {
        for reason in ["BULKHEAD_FULL", "OVERLOADED"] {
            assert_eq!(told(Refusal::new(Code::Unavailable, reason, "x")), Outcome::Throttled, "{reason}");
        }
    }

    #[test]
    fn a_service_that_fails_by_itself_is_not() {
        assert_eq!(told(Refusal::new(Code::Unavailable, "DRAINING", "x")), Outcome::Failure);
        assert_eq!(told(Refusal::new(Code::Internal, "INTERNAL", "x")), Outcome::Failure);
        let mut bare = HeaderMap::new();
        Status::unavailable("x").add_header(&mut bare).unwrap();
        assert_eq!(PeerClassifier.trailers(Some(&bare)), Outcome::Failure);
    }
}
