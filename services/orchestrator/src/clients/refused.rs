//! What another service refused or failed to do, as the engine judges it.

use std::time::Duration;

use bsm_runtime::status;
use tonic::Status;

/// A call to another service that did not work out.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", .0.message())]
pub struct Refused(Box<Status>);

/// What is used up for longer than an agent's attempts may take: the provider's quota, or a budget of ours.
const USED_UP: [&str; 2] = ["QUOTA_EXHAUSTED", "BUDGET_EXHAUSTED"];

impl Refused {
    /// The reason code, e.g. `CIRCUIT_OPEN`; the gRPC code's name where the service gave no reason.
    #[must_use]
    pub fn reason(&self) -> String {
        status::reason(&self.0).unwrap_or_else(|| status::code_name(self.0.code()).to_owned())
    }

    /// Whether the same call may succeed later. What the service understood and refused stays refused.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        status::may_pass(self.0.code()) && !USED_UP.contains(&self.reason().as_str())
    }

    /// How long the service asked to be spared.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        status::retry_after(&self.0)
    }

    /// The status itself, for a caller that is to see it as it came.
    #[must_use]
    pub fn into_status(self) -> Status {
        *self.0
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self(Box::new(status))
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::status::Refusal;
    use tonic::Code;

    use super::*;

    fn refused(code: Code, reason: &str) -> Refused {
        Status::from(Refusal::new(code, reason, "a sentence")).into()
    }

    #[test]
    fn what_may_pass_is_worth_another_attempt_and_a_refusal_is_not() {
        assert!(refused(Code::Unavailable, "CIRCUIT_OPEN").is_transient());
        assert!(refused(Code::DeadlineExceeded, "UPSTREAM_TIMEOUT").is_transient());
        assert!(refused(Code::ResourceExhausted, "UPSTREAM_THROTTLED").is_transient());
        assert!(refused(Code::ResourceExhausted, "BUDGET_RATE_LIMITED").is_transient());
        assert!(!refused(Code::ResourceExhausted, "QUOTA_EXHAUSTED").is_transient());
        assert!(!refused(Code::ResourceExhausted, "BUDGET_EXHAUSTED").is_transient());
        assert!(!refused(Code::PermissionDenied, "CONTEXT_FORBIDDEN").is_transient());
        assert!(!refused(Code::FailedPrecondition, "MISSING_API_KEY").is_transient());
    }

    #[test]
    fn a_status_without_a_reason_is_named_by_its_code() {
        assert_eq!(Refused::from(Status::unavailable("x")).reason(), "UNAVAILABLE");
        assert_eq!(refused(Code::Unavailable, "CIRCUIT_OPEN").reason(), "CIRCUIT_OPEN");
    }
}
