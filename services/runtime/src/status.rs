//! How a refusal is told on the wire: `google.rpc.Status` with a reason, field violations and a time to wait.
//!
//! Only the tables that turn an error into a [`Status`] use this; handlers use `?`.

use std::{collections::HashMap, time::Duration};

use bsm_stack::classify;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every reason, as `google.rpc.ErrorInfo` wants one.
pub const DOMAIN: &str = "bsm";

/// A refusal in the making.
#[derive(Clone, Debug)]
pub struct Refusal {
    code: Code,
    message: String,
    details: ErrorDetails,
    reason: String,
    metadata: HashMap<String, String>,
}

impl Refusal {
    /// A refusal with its gRPC code, its reason in UPPER_SNAKE and a sentence for the caller.
    pub fn new(code: Code, reason: impl Into<String>, message: impl Into<String>) -> Refusal {
        Refusal {
            code,
            message: clipped(message.into()),
            details: ErrorDetails::new(),
            reason: reason.into(),
            metadata: HashMap::new(),
        }
    }

    /// Names a field of the request that is wrong, and what it must be.
    pub fn field(mut self, field: impl Into<String>, description: impl Into<String>) -> Refusal {
        self.details.add_bad_request_violation(clipped(field.into()), clipped(description.into()));
        self
    }

    /// Says that the same call may succeed after `wait`.
    pub fn retry_after(mut self, wait: Duration) -> Refusal {
        self.details.set_retry_info(Some(wait));
        self
    }

    /// Adds a fact for machines, such as which breaker is open.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Refusal {
        self.metadata.insert(key.into(), clipped(value.into()));
        self
    }
}

/// Bytes of a text in a refusal at most. A status travels in trailers, which clients bound at 16 KiB: one that
/// repeats what a caller sent, whole, would break the stream and look like a failure of the service.
const LONGEST: usize = 512;

fn clipped(mut text: String) -> String {
    if text.len() > LONGEST {
        let mut end = LONGEST - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1; // the beginning of the text is one
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

impl From<Refusal> for Status {
    fn from(mut refusal: Refusal) -> Status {
        refusal.details.set_error_info(refusal.reason, DOMAIN, refusal.metadata);
        Status::with_error_details(refusal.code, refusal.message, refusal.details)
    }
}

/// The last word of a stream whose process drains. Whoever follows it calls again, with what it saw last.
pub fn draining() -> Status {
    Refusal::new(Code::Unavailable, "DRAINING", "the process is draining").into()
}

/// A code as the specification writes it, e.g. `NOT_FOUND`.
pub fn code_name(code: Code) -> &'static str {
    classify::GRPC[code as usize].name // a row for each number there is, in their order
}

/// The reason a status carries, if it is one of ours.
pub fn reason(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// The facts that a status carries beside its reason.
pub fn metadata(status: &Status) -> HashMap<String, String> {
    status.get_details_error_info().map(|info| info.metadata).unwrap_or_default()
}

/// Whether the same call may come to another end later. What a service understood and refused stays refused.
pub fn may_pass(code: Code) -> bool {
    match code {
        Code::Unavailable
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Cancelled
        | Code::Internal
        | Code::Unknown
        | Code::DataLoss => true,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => false,
    }
}

/// The wrong fields that a status names, with what each must be.
pub fn field_violations(status: &Status) -> Vec<(String, String)> {
    let bad = status.get_details_bad_request();
    bad.into_iter().flat_map(|bad| bad.field_violations).map(|v| (v.field, v.description)).collect()
}

/// How long to wait before the same call may succeed.
pub fn retry_after(status: &Status) -> Option<Duration> {
    status.get_details_retry_info().and_then(|info| info.retry_delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_called_what_the_specification_calls_it() {
        for number in 0..=16 {
            let said = format!("{:?}", Code::from_i32(number)).to_lowercase(); // as NotFound
            assert_eq!(code_name(Code::from_i32(number)).replace('_', "").to_lowercase(), said);
        }
    }

    #[test]
    fn what_a_refusal_says_reads_back() {
        let status = Status::from(
            Refusal::new(Code::Unavailable, "CIRCUIT_OPEN", "the circuit to models is open")
                .metadata("breaker", "gateway->models")
                .field("agent_id", "must not be empty")
                .retry_after(Duration::from_secs(7)),
        );
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(reason(&status).as_deref(), Some("CIRCUIT_OPEN"));
        assert_eq!(metadata(&status)["breaker"], "gateway->models");
        assert_eq!(field_violations(&status), [("agent_id".to_owned(), "must not be empty".to_owned())]);
        assert_eq!(retry_after(&status), Some(Duration::from_secs(7)));
    }

    #[test]
    fn what_a_caller_sent_is_repeated_in_part_only() {
        let long = "\u{1F600}".repeat(3_000);
        let refusal =
            Refusal::new(Code::NotFound, "X", long.clone()).field("f", long.clone()).metadata("m", long);
        let mut trailers = http::HeaderMap::new();
        Status::from(refusal).add_header(&mut trailers).unwrap();
        let size: usize = trailers.values().map(|value| value.len()).sum();
        assert!(size < 8 * 1024, "{size} bytes");
    }

    #[test]
    fn a_foreign_status_has_no_reason() {
        assert_eq!(reason(&Status::internal("x")), None);
    }
}
