//! gRPC → HTTP: the one table that says which HTTP code and which words a client gets for a status.

use http::StatusCode;
use tonic::{Code, Status};

use bsm_runtime::status as details;

use crate::fault::Fault;

/// Reasons whose HTTP code says more than that of their gRPC code.
const REASONS: [(&str, StatusCode); 17] = [
    // The provider answered, and badly: we are the gateway in front of it.
    ("UPSTREAM_ERROR", StatusCode::BAD_GATEWAY),
    ("UPSTREAM_MALFORMED", StatusCode::BAD_GATEWAY),
    ("CREDENTIAL_REFUSED", StatusCode::BAD_GATEWAY), // our key, not the client's
    ("UPSTREAM_TIMEOUT", StatusCode::GATEWAY_TIMEOUT),
    ("DEADLINE_EXCEEDED", StatusCode::GATEWAY_TIMEOUT),
    // Not 429: the client did nothing too often, and its own limit must not be blamed. It may come back.
    ("UPSTREAM_THROTTLED", StatusCode::SERVICE_UNAVAILABLE),
    ("PROVIDER_LIMIT_REACHED", StatusCode::SERVICE_UNAVAILABLE),
    ("QUOTA_EXHAUSTED", StatusCode::SERVICE_UNAVAILABLE),
    ("BULKHEAD_FULL", StatusCode::SERVICE_UNAVAILABLE),
    ("OVERLOADED", StatusCode::SERVICE_UNAVAILABLE),
    ("CIRCUIT_OPEN", StatusCode::SERVICE_UNAVAILABLE),
    ("MISSING_API_KEY", StatusCode::SERVICE_UNAVAILABLE), // an operator has to act, not the client
    ("PROVIDER_NOT_CONFIGURED", StatusCode::SERVICE_UNAVAILABLE), // the same
    ("EGRESS_REFUSED", StatusCode::SERVICE_UNAVAILABLE),  // the same
    ("PRICE_UNKNOWN", StatusCode::FORBIDDEN),             // the client's budget lets it ask for other models
    ("IDEMPOTENCY_CONFLICT", StatusCode::CONFLICT),
    ("NOT_CACHED", StatusCode::GATEWAY_TIMEOUT), // RFC 9111, 5.2.1.7: only-if-cached
];

/// The code and words for `status`.
///
/// A sentence is shown when one of our services wrote it for callers (it carries a reason) or when it is about
/// the request. Everything else (transport errors, panics, bugs) may name addresses and is told as our own fault.
pub(crate) fn fault(status: &Status) -> Fault {
    told(status, camel_case)
}

/// The same where the document was the client's own, in which fields have their names already.
pub(crate) fn fault_in_a_document(status: &Status) -> Fault {
    told(status, str::to_owned)
}

fn told(status: &Status, field_name: fn(&str) -> String) -> Fault {
    let reason = details::reason(status);
    let http = http_code(status.code(), reason.as_deref());
    let (name, sentence) = words(status.code());
    let ours = matches!(status.code(), Code::Unknown | Code::Internal | Code::DataLoss);
    let show = !ours && (reason.is_some() || http.is_client_error()) && !status.message().is_empty();
    let message = if show { status.message() } else { sentence };
    let mut fault = match reason {
        Some(reason) if !ours => Fault::new(http, reason, message),
        _ => Fault::new(http, name, message),
    };
    for (field, description) in details::field_violations(status) {
        fault = fault.violation(field_name(&field), description);
    }
    // Fields of the contract beside the usual ones: the names that would have been taken.
    if let Some(valid) = details::metadata(status).get("valid") {
        fault = fault.extra("valid", valid.split(',').collect());
    }
    if let Some(budget) = details::metadata(status).get("budget") {
        fault = fault.extra("budget", budget.as_str().into());
    }
    match details::retry_after(status) {
        Some(wait) => fault.retry_after(wait),
        None => fault,
    }
}

/// The HTTP code of a gRPC code, unless the reason says more.
fn http_code(code: Code, reason: Option<&str>) -> StatusCode {
    let by_reason = REASONS.iter().find(|(name, _)| Some(*name) == reason);
    by_reason.map_or_else(|| by_code(code), |(_, http)| *http)
}

fn by_code(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::Cancelled => client_closed_request(),
        Code::InvalidArgument | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::NotFound => StatusCode::NOT_FOUND,
        // A well-formed request that does not fit the state of things.
        Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => StatusCode::CONFLICT,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// nginx's code for a client that left; it is read in logs, hardly ever by a client.
fn client_closed_request() -> StatusCode {
    StatusCode::from_u16(499).expect("499 is within the range of codes")
}

/// The code's name where there is no reason, and a sentence where the status's own is not for clients.
fn words(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::Ok => ("OK", "fine"),
        Code::Cancelled => ("CANCELLED", "The call was given up before it was answered."),
        Code::InvalidArgument => ("INVALID_ARGUMENT", "The request is not valid."),
        Code::DeadlineExceeded => ("DEADLINE_EXCEEDED", "The answer did not come in time."),
        Code::NotFound => ("NOT_FOUND", "There is no such thing."),
        Code::AlreadyExists => ("ALREADY_EXISTS", "It exists already."),
        Code::PermissionDenied => ("PERMISSION_DENIED", "This is not allowed."),
        Code::ResourceExhausted => ("RESOURCE_EXHAUSTED", "A limit is reached; try again later."),
        Code::FailedPrecondition => ("FAILED_PRECONDITION", "This cannot be done in the present state."),
        Code::Aborted => ("ABORTED", "Another change came first; read again and retry."),
        Code::OutOfRange => ("OUT_OF_RANGE", "A value is out of its range."),
        Code::Unimplemented => ("UNIMPLEMENTED", "This is not served here."),
        Code::Unavailable => ("UNAVAILABLE", "A service that this needs cannot be reached now; try again."),
        Code::Unauthenticated => ("UNAUTHENTICATED", "Who asks must be proved."),
        Code::Unknown | Code::Internal | Code::DataLoss => {
            ("INTERNAL", "Something went wrong inside; the log has it under this correlation id.")
        }
    }
}

/// A proto field path as clients write it: `top_k` → `topK`.
fn camel_case(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut upper = false;
    for c in field.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.extend(c.to_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bsm_runtime::status::Refusal;

    use super::*;

    fn refused(code: Code, reason: &str) -> Status {
        Refusal::new(code, reason, "a sentence for callers").into()
    }

    #[test]
    fn every_reason_of_the_contract_has_its_http_code() {
        for (code, reason, http) in [
            (Code::InvalidArgument, "INVALID_INPUT", 400),
            (Code::NotFound, "AGENT_NOT_FOUND", 404),
            (Code::PermissionDenied, "APPROVAL_REQUIRED", 403),
            (Code::FailedPrecondition, "REPORT_NOT_READY", 409),
            (Code::FailedPrecondition, "MISSING_API_KEY", 503),
            (Code::FailedPrecondition, "EGRESS_REFUSED", 503),
            (Code::AlreadyExists, "IDEMPOTENCY_CONFLICT", 409),
            (Code::Unavailable, "CIRCUIT_OPEN", 503),
            (Code::ResourceExhausted, "BULKHEAD_FULL", 503),
            (Code::Unavailable, "OVERLOADED", 503),
            (Code::Unavailable, "UPSTREAM_ERROR", 502),
            (Code::Unavailable, "UPSTREAM_MALFORMED", 502),
            (Code::Unavailable, "CREDENTIAL_REFUSED", 502),
            (Code::DeadlineExceeded, "UPSTREAM_TIMEOUT", 504),
            (Code::ResourceExhausted, "UPSTREAM_THROTTLED", 503),
            (Code::ResourceExhausted, "PROVIDER_LIMIT_REACHED", 503),
            (Code::FailedPrecondition, "PROVIDER_NOT_CONFIGURED", 503),
            (Code::ResourceExhausted, "RATE_LIMITED", 429),
            (Code::Cancelled, "CANCELLED", 499),
        ] {
            let fault = fault(&refused(code, reason));
            assert_eq!((fault.status.as_u16(), &*fault.code), (http, reason));
            assert_eq!(fault.message, "a sentence for callers");
        }
    }

    #[test]
    fn inner_failures_are_not_shown() {
        let secret = "tcp connect error to 10.0.0.7:50051 /var/lib/bsm";
        for code in [Code::Unknown, Code::Internal, Code::DataLoss, Code::Unavailable, Code::DeadlineExceeded]
        {
            let fault = fault(&Status::new(code, secret));
            assert!(!fault.message.contains("10.0.0.7"), "{code:?}: {}", fault.message);
            assert!(fault.status.is_server_error());
        }
        assert!(
            !fault(&refused(Code::Internal, "ODD")).message.contains("callers"),
            "INTERNAL is never shown"
        );
    }

    #[test]
    fn violations_name_the_fields_as_clients_write_them() {
        let status = Refusal::new(Code::InvalidArgument, "INVALID_ARGUMENT", "top_k is out of range")
            .field("filter.top_k", "must be 1 to 1,000")
            .retry_after(Duration::from_millis(1500));
        let response = fault(&status.into());
        let body = response.body("c");
        assert_eq!(body["details"][0]["field"], "filter.topK");
        assert_eq!(response.answer("c").headers()["retry-after"], "2");
    }
}
