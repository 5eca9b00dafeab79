//! A fault in the shape of an error of OpenAI's or Anthropic's: which code, which type, which words.

use http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use super::Tongue;
use crate::fault::Fault;

/// By this OpenAI's and Anthropic's clients are told whether to ask again by themselves.
pub(super) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// What of a reason is known to clients of these APIs by another name.
struct Row {
    reason: &'static str,
    /// The HTTP code, where it is another than in the REST contract.
    http: Option<u16>,
    /// OpenAI's `error.code`.
    code: &'static str,
    /// Whether asking again is of use.
    retry: bool,
}

const fn row(reason: &'static str, http: Option<u16>, code: &'static str, retry: bool) -> Row {
    Row { reason, http, code, retry }
}

/// Reasons that are not here have their own name in lower case as the code, and are worth a retry.
const TABLE: [Row; 17] = [
    row("UNAUTHORIZED", None, "invalid_api_key", false),
    row("MODEL_NOT_FOUND", None, "model_not_found", false),
    row("CONTEXT_TOO_LONG", None, "context_length_exceeded", false),
    row("CONTENT_POLICY", None, "content_policy_violation", false),
    row("RATE_LIMITED", None, "rate_limit_exceeded", true),
    // Clients of a model's API know how to wait for its limits, whoever's they are.
    row("UPSTREAM_THROTTLED", Some(429), "rate_limit_exceeded", true),
    row("PROVIDER_LIMIT_REACHED", Some(429), "rate_limit_exceeded", true),
    row("QUOTA_EXHAUSTED", Some(429), "insufficient_quota", false),
    row("BUDGET_EXHAUSTED", None, "insufficient_quota", false), // of a day, or money: somebody has to know
    row("BUDGET_RATE_LIMITED", None, "rate_limit_exceeded", true), // of a minute, and then there is a new one
    row("PRICE_UNKNOWN", None, "price_unknown", false),         // an operator has to act
    row("MISSING_API_KEY", None, "missing_api_key", false),     // an operator has to act
    row("PROVIDER_NOT_CONFIGURED", None, "provider_not_configured", false), // the same
    row("CREDENTIAL_REFUSED", None, "credential_refused", false),
    row("SAFE_MODE", Some(403), "safe_mode", false),
    row("IDEMPOTENCY_CONFLICT", None, "idempotency_conflict", false),
    row("NOT_CACHED", None, "not_cached", false), // until somebody else has asked
];

/// The HTTP code.
pub(super) fn code(fault: &Fault) -> StatusCode {
    let other = known(fault).and_then(|row| row.http).and_then(|code| StatusCode::from_u16(code).ok());
    other.unwrap_or(fault.status)
}

/// Whether the same request may come to another end before long.
pub(super) fn is_worth_a_retry(fault: &Fault) -> bool {
    known(fault).map_or(fault.status.is_server_error(), |row| row.retry)
}

/// The body.
pub(super) fn body(tongue: Tongue, fault: &Fault, correlation_id: &str) -> Value {
    let status = code(fault).as_u16();
    match tongue {
        Tongue::OpenAi => {
            let param = fault.field().map_or(Value::Null, Value::from);
            let code =
                known(fault).map_or_else(|| fault.code.to_ascii_lowercase(), |row| row.code.to_owned());
            json!({"error": {"message": fault.in_full(), "type": openai_type(status, &code), "param": param, "code": code}})
        }
        Tongue::Anthropic => {
            let error = json!({"type": anthropic_type(status), "message": fault.in_full()});
            json!({"type": "error", "error": error, "request_id": correlation_id})
        }
    }
}

/// An error amid a stream, as the event that ends it.
pub(super) fn event(tongue: Tongue, fault: &Fault, correlation_id: &str) -> String {
    let body = body(tongue, fault, correlation_id);
    match tongue {
        Tongue::OpenAi => format!("data: {body}\n\n"),
        Tongue::Anthropic => format!("event: error\ndata: {body}\n\n"),
    }
}

fn known(fault: &Fault) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.reason == fault.code)
}

fn openai_type(status: u16, code: &str) -> &'static str {
    match (status, code) {
        (429, "insufficient_quota") => "insufficient_quota",
        (429, _) => "rate_limit_error",
        (401, _) => "authentication_error",
        (403, _) => "permission_error",
        (400..=499, _) => "invalid_request_error",
        _ => "server_error",
    }
}

fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        503 => "overloaded_error",
        504 => "timeout_error",
        _ => "api_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(status: u16, code: &'static str) -> Fault {
        Fault::new(StatusCode::from_u16(status).unwrap(), code, "a sentence")
    }

    #[test]
    fn every_reason_is_told_in_both_tongues() {
        for (given, http, kind, name, anthropic) in [
            (
                fault(400, "INVALID_INPUT"),
                400,
                "invalid_request_error",
                "invalid_input",
                "invalid_request_error",
            ),
            (
                fault(401, "UNAUTHORIZED"),
                401,
                "authentication_error",
                "invalid_api_key",
                "authentication_error",
            ),
            (
                fault(403, "LAN_ONLY_VIOLATION"),
                403,
                "permission_error",
                "lan_only_violation",
                "permission_error",
            ),
            (
                fault(404, "MODEL_NOT_FOUND"),
                404,
                "invalid_request_error",
                "model_not_found",
                "not_found_error",
            ),
            (
                fault(413, "PAYLOAD_TOO_LARGE"),
                413,
                "invalid_request_error",
                "payload_too_large",
                "request_too_large",
            ),
            (fault(429, "RATE_LIMITED"), 429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error"),
            (
                fault(503, "UPSTREAM_THROTTLED"),
                429,
                "rate_limit_error",
                "rate_limit_exceeded",
                "rate_limit_error",
            ),
            (
                fault(503, "QUOTA_EXHAUSTED"),
                429,
                "insufficient_quota",
                "insufficient_quota",
                "rate_limit_error",
            ),
            (
                fault(429, "BUDGET_EXHAUSTED"),
                429,
                "insufficient_quota",
                "insufficient_quota",
                "rate_limit_error",
            ),
            (
                fault(429, "BUDGET_RATE_LIMITED"),
                429,
                "rate_limit_error",
                "rate_limit_exceeded",
                "rate_limit_error",
            ),
            (fault(403, "PRICE_UNKNOWN"), 403, "permission_error", "price_unknown", "permission_error"),
            (fault(500, "INTERNAL"), 500, "server_error", "internal", "api_error"),
            (fault(503, "CIRCUIT_OPEN"), 503, "server_error", "circuit_open", "overloaded_error"),
            (fault(504, "UPSTREAM_TIMEOUT"), 504, "server_error", "upstream_timeout", "timeout_error"),
        ] {
            assert_eq!(code(&given).as_u16(), http, "{given:?}");
            let openai = body(Tongue::OpenAi, &given, "c-1");
            let error = json!({"message": "a sentence", "type": kind, "param": null, "code": name});
            assert_eq!(openai, json!({"error": error}), "{given:?}");
            let told = json!({"type": "error", "error": {"type": anthropic, "message": "a sentence"}, "request_id": "c-1"});
            assert_eq!(body(Tongue::Anthropic, &given, "c-1"), told, "{given:?}");
        }
    }

    /// What a status with this reason is under `/v1`, in both APIs.
    fn http(grpc: &str, reason: &str) -> String {
        let code = bsm_stack::classify::GRPC.iter().position(|row| row.name == grpc).expect("a gRPC code");
        let refusal = bsm_runtime::status::Refusal::new(tonic::Code::from(code as i32), reason, "a sentence");
        code_of(&crate::status::fault_in_a_document(&refusal.into()))
    }

    fn code_of(fault: &Fault) -> String {
        code(fault).as_u16().to_string()
    }

    #[test]
    fn the_document_of_bad_providers_says_what_is_seen_under_v1() {
        const DOCUMENT: &str = include_str!("../../../docs/bad-providers.md");
        let table = DOCUMENT.lines().skip_while(|line| !line.starts_with("| The provider…")).skip(2);
        let rows: Vec<Vec<&str>> = table
            .take_while(|line| line.starts_with('|'))
            .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
            .collect();
        assert!(rows.len() > 40, "{}", rows.len());
        for row in rows {
            let gets = row[2].strip_prefix("what came, then ");
            let seen = match gets.unwrap_or(row[2]).split_once(' ') {
                Some((grpc, reason)) if grpc != "the" => http(grpc, reason.trim_matches('`')),
                _ => "200".to_owned(),
            };
            let seen = if gets.is_some() { format!("200, then an error of {seen}") } else { seen };
            assert_eq!(row[3], seen, "{}", row[0]);
        }
    }

    #[test]
    fn the_wrong_field_is_the_param() {
        let told = body(Tongue::OpenAi, &Fault::invalid_argument("temperature", "must be from 0 to 2"), "c");
        assert_eq!(told["error"]["param"], "temperature");
    }

    #[test]
    fn clients_ask_again_only_where_it_is_of_use() {
        for (given, retry) in [
            (fault(503, "CIRCUIT_OPEN"), true),
            (fault(503, "UPSTREAM_THROTTLED"), true),
            (fault(503, "MISSING_API_KEY"), false),
            (fault(503, "QUOTA_EXHAUSTED"), false),
            (fault(429, "BUDGET_RATE_LIMITED"), true),
            (fault(429, "BUDGET_EXHAUSTED"), false),
            (fault(403, "PRICE_UNKNOWN"), false),
            (fault(400, "INVALID_INPUT"), false),
        ] {
            assert_eq!(is_worth_a_retry(&given), retry, "{given:?}");
        }
    }
}
