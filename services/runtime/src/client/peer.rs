//! What an answer says about the service that gave it, when that service speaks for others.
//!
//! The models service answers UNAVAILABLE when a provider is down. It has answered, so it is well: a breaker that
//! opened here would turn one provider's outage into an outage of the whole edge, and hide the reason.

use std::error::Error;

use bsm_stack::classify::{Classify, GrpcClassifier, Outcome};
use http::{HeaderMap, response::Parts};
use tonic::Status;

use super::transport_error;
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

/// [`GrpcClassifier`], but for failures that the peer only passes on, and for calls that it turned away because it
/// ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum PeerClassifier {
    /// Of the only endpoint: that it refuses connections is an outage.
    Alone,
    /// Of one of several: that one refuses connections is a restart, and calls are made elsewhere. The balancer leaves
    /// it alone for a moment; an open circuit would keep calls away when it is back and the next one restarts.
    OneOfSeveral,
}

impl Classify for PeerClassifier {
    fn head(&self, head: &Parts) -> Option<Outcome> {
        GrpcClassifier.head(head).map(|outcome| self.refine(outcome, Some(&head.headers)))
    }

    fn trailers(&self, trailers: Option<&HeaderMap>) -> Outcome {
        self.refine(GrpcClassifier.trailers(trailers), trailers)
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Outcome {
        match self {
            _ if transport_error::is_orderly(error) => Outcome::Neutral,
            PeerClassifier::OneOfSeveral if transport_error::is_refused(error) => Outcome::Neutral,
            PeerClassifier::Alone | PeerClassifier::OneOfSeveral => GrpcClassifier.error(error),
        }
    }
}

impl PeerClassifier {
    fn refine(self, outcome: Outcome, told_in: Option<&HeaderMap>) -> Outcome {
        if outcome != Outcome::Failure {
            return outcome;
        }
        let told = told_in.and_then(Status::from_header_map).and_then(|status| reason(&status));
        match (told.as_deref(), self) {
            (Some("BULKHEAD_FULL" | "OVERLOADED"), _) => Outcome::Throttled, // it works, and has more than it can take
            (Some("DRAINING"), PeerClassifier::OneOfSeveral) => Outcome::Neutral,
            (Some(reason), _) if PASSED_ON.contains(&reason) => Outcome::Healthy,
            _ => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use bsm_stack::retry::NotSent;
    use tonic::Code;

    use super::*;
    use crate::status::Refusal;

    fn told(refusal: Refusal) -> Outcome {
        let mut trailers = HeaderMap::new();
        Status::from(refusal).add_header(&mut trailers).unwrap();
        PeerClassifier::Alone.trailers(Some(&trailers))
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
        let mut trailers = HeaderMap::new();
        Status::from(Refusal::new(Code::Unavailable, "DRAINING", "x")).add_header(&mut trailers).unwrap();
        let of_several = PeerClassifier::OneOfSeveral.trailers(Some(&trailers));
        assert_eq!(of_several, Outcome::Neutral, "the others serve");
        assert_eq!(told(Refusal::new(Code::Internal, "INTERNAL", "x")), Outcome::Failure);
        let mut bare = HeaderMap::new();
        Status::unavailable("x").add_header(&mut bare).unwrap();
        assert_eq!(PeerClassifier::Alone.trailers(Some(&bare)), Outcome::Failure);
    }

    #[test]
    fn a_refused_connection_is_an_outage_only_where_there_is_no_other() {
        let refused = NotSent(Box::new(io::Error::from(io::ErrorKind::ConnectionRefused)));
        assert_eq!(PeerClassifier::Alone.error(&refused), Outcome::Failure);
        assert_eq!(PeerClassifier::OneOfSeveral.error(&refused), Outcome::Neutral);
        let timed_out = NotSent(Box::new(io::Error::from(io::ErrorKind::TimedOut)));
        assert_eq!(PeerClassifier::OneOfSeveral.error(&timed_out), Outcome::Failure, "which costs time");
    }
}
