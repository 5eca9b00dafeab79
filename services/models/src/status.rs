//! The table from [`Error`] to a gRPC status: code, reason and what machines may want to know.

use bsm_runtime::status::Refusal;
use tonic::{Code, Status};

use crate::budget::Exhausted;
use crate::error::{Attempts, Error};
use crate::failure::Kind;
use crate::replay::Refused;

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let sentence = error.to_string();
        // No `_` arm: a new variant does not compile until someone picks its code.
        let refusal = match error {
            Error::Invalid(violations) => {
                let refusal = Refusal::new(Code::InvalidArgument, "INVALID_INPUT", sentence);
                violations.into_iter().fold(refusal, |refusal, v| refusal.field(v.field, v.problem))
            }
            Error::Json { .. } => Refusal::new(Code::InvalidArgument, "INVALID_JSON", sentence),
            Error::Chat(refused) => Refusal::new(Code::InvalidArgument, refused.reason(), sentence)
                .field(refused.field(), refused.problem()),
            Error::UnknownModel { .. } => Refusal::new(Code::NotFound, "MODEL_NOT_FOUND", sentence),
            Error::NoEmbeddings { .. } => Refusal::new(Code::InvalidArgument, "NOT_SUPPORTED", sentence),
            Error::MissingKey { provider, .. } => {
                Refusal::new(Code::FailedPrecondition, "MISSING_API_KEY", sentence)
                    .metadata("provider", &*provider)
            }
            Error::NotConfigured { provider, .. } => {
                Refusal::new(Code::FailedPrecondition, "PROVIDER_NOT_CONFIGURED", sentence)
                    .metadata("provider", &*provider)
            }
            Error::NotListed { provider } => {
                Refusal::new(Code::FailedPrecondition, "EGRESS_REFUSED", sentence)
                    .metadata("provider", &*provider)
            }
            Error::SafeMode { provider } => {
                Refusal::new(Code::FailedPrecondition, "SAFE_MODE", sentence).metadata("provider", &*provider)
            }
            Error::Budget(exhausted) => budget(&exhausted, sentence),
            Error::Unpriced { model, budget } => {
                Refusal::new(Code::FailedPrecondition, "PRICE_UNKNOWN", sentence)
                    .metadata("model", model)
                    .metadata("budget", budget.to_string())
            }
            Error::OthersUsage { .. } => Refusal::new(Code::PermissionDenied, "SCOPE_MISSING", sentence),
            Error::Usage(_) => Refusal::new(Code::Unavailable, "USAGE_UNREADABLE", sentence),
            Error::Replay(refused) => Refusal::new(replay_code(refused), refused.reason(), sentence),
            Error::Failed(attempts) => failed(&attempts, sentence),
        };
        refusal.into()
    }
}

fn budget(exhausted: &Exhausted, sentence: String) -> Refusal {
    let (left, limit) = (exhausted.measure.show(exhausted.left), exhausted.measure.show(exhausted.limit));
    let reason = if exhausted.is_rate() { "BUDGET_RATE_LIMITED" } else { "BUDGET_EXHAUSTED" };
    let refusal = Refusal::new(Code::ResourceExhausted, reason, sentence)
        .metadata("budget", exhausted.budget())
        .metadata("limit", limit)
        .metadata("left", left);
    match exhausted.turns_in {
        Some(wait) => refusal.retry_after(wait),
        None => refusal,
    }
}

fn failed(attempts: &Attempts, sentence: String) -> Refusal {
    let last = attempts.last();
    let refusal = Refusal::new(code(attempts.kind()), last.failure.reason(), sentence)
        .metadata("provider", &*last.provider)
        .metadata("attempts", attempts.iter().count().to_string());
    let refusal = attempts.iter().enumerate().fold(refusal, |refusal, (at, attempt)| {
        let told = format!(
            "{}/{} {}: {}",
            attempt.provider,
            attempt.model,
            attempt.failure.reason(),
            attempt.failure
        );
        refusal.metadata(format!("attempt.{}", at + 1), told)
    });
    match attempts.retry_after() {
        Some(wait) => refusal.retry_after(wait),
        None => refusal,
    }
}

/// The code of a call that cannot be repeated or resumed.
const fn replay_code(refused: Refused) -> Code {
    match refused {
        Refused::OtherQuestion => Code::AlreadyExists,
        Refused::TooLarge | Refused::Gone | Refused::NotKept => Code::FailedPrecondition,
        Refused::Beyond => Code::OutOfRange,
        Refused::Lost => Code::Internal,
    }
}

/// The code of a failed call, by the kind of its last failure.
const fn code(kind: Kind) -> Code {
    match kind {
        Kind::Transient | Kind::Malformed | Kind::Credential => Code::Unavailable,
        Kind::CircuitOpen | Kind::BulkheadFull => Code::Unavailable,
        Kind::Throttled | Kind::Quota | Kind::RateLimited => Code::ResourceExhausted,
        Kind::Timeout | Kind::CallerDeadline => Code::DeadlineExceeded,
        Kind::ModelGone => Code::NotFound,
        Kind::Egress => Code::FailedPrecondition,
        Kind::ContentPolicy | Kind::ContextTooLong | Kind::Rejected | Kind::Unsupported => {
            Code::InvalidArgument
        }
        Kind::Internal => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bsm_runtime::status;

    use super::*;
    use crate::ask::Violation;
    use crate::budget::{self, Measure, Window};
    use crate::error::Attempt;
    use crate::failure::{Failure, TABLE};

    fn failed(kind: Kind) -> Error {
        let failure = Failure::new(kind, "openai failed").retry_after(Some(Duration::from_secs(3)));
        let attempt = Attempt { provider: "openai".into(), model: "gpt-4o".to_owned(), failure };
        Error::Failed(Attempts::new(Vec::new(), attempt))
    }

    #[test]
    fn every_error_has_its_code_and_reason() {
        let name = "x".to_owned();
        let cases = [
            (Error::Invalid(vec![Violation::new("a", "b")]), Code::InvalidArgument, "INVALID_INPUT"),
            (
                Error::Json { problem: "EOF".to_owned(), line: 1, column: 2 },
                Code::InvalidArgument,
                "INVALID_JSON",
            ),
            (Error::UnknownModel { name, known: "auto".to_owned() }, Code::NotFound, "MODEL_NOT_FOUND"),
            (Error::NoEmbeddings { name: "p".to_owned() }, Code::InvalidArgument, "NOT_SUPPORTED"),
            (
                Error::MissingKey { provider: "p".into(), variable: "V".into() },
                Code::FailedPrecondition,
                "MISSING_API_KEY",
            ),
            (Error::SafeMode { provider: "p".into() }, Code::FailedPrecondition, "SAFE_MODE"),
            (
                Error::Unpriced { model: "p/m".to_owned(), budget: "key k 5 usd/day".parse().unwrap() },
                Code::FailedPrecondition,
                "PRICE_UNKNOWN",
            ),
            (Error::OthersUsage { asked: "k".to_owned() }, Code::PermissionDenied, "SCOPE_MISSING"),
            (Error::NotListed { provider: "p".into() }, Code::FailedPrecondition, "EGRESS_REFUSED"),
            (failed(Kind::Transient), Code::Unavailable, "UPSTREAM_ERROR"),
            (failed(Kind::Malformed), Code::Unavailable, "UPSTREAM_MALFORMED"),
            (failed(Kind::Credential), Code::Unavailable, "CREDENTIAL_REFUSED"),
            (failed(Kind::CircuitOpen), Code::Unavailable, "CIRCUIT_OPEN"),
            (failed(Kind::BulkheadFull), Code::Unavailable, "BULKHEAD_FULL"),
            (failed(Kind::RateLimited), Code::ResourceExhausted, "PROVIDER_LIMIT_REACHED"),
            (failed(Kind::Throttled), Code::ResourceExhausted, "UPSTREAM_THROTTLED"),
            (failed(Kind::Quota), Code::ResourceExhausted, "QUOTA_EXHAUSTED"),
            (failed(Kind::Timeout), Code::DeadlineExceeded, "UPSTREAM_TIMEOUT"),
            (failed(Kind::CallerDeadline), Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            (failed(Kind::Egress), Code::FailedPrecondition, "EGRESS_REFUSED"),
            (failed(Kind::ModelGone), Code::NotFound, "MODEL_NOT_FOUND"),
            (failed(Kind::ContextTooLong), Code::InvalidArgument, "CONTEXT_TOO_LONG"),
            (failed(Kind::ContentPolicy), Code::InvalidArgument, "CONTENT_POLICY"),
            (failed(Kind::Rejected), Code::InvalidArgument, "UPSTREAM_REJECTED"),
            (failed(Kind::Unsupported), Code::InvalidArgument, "NOT_SUPPORTED"),
            (failed(Kind::Internal), Code::Internal, "INTERNAL"),
        ];
        assert_eq!(cases.len(), 9 + TABLE.len(), "every kind of failure is here");
        for (error, code, reason) in cases {
            let status = Status::from(error);
            assert_eq!(status.code(), code, "{reason}");
            assert_eq!(status::reason(&status).as_deref(), Some(reason));
        }
    }

    #[test]
    fn a_budget_of_calls_or_tokens_a_minute_is_a_rate_and_all_others_are_quotas() {
        let minute = Some(Duration::from_secs(9));
        for (measure, window, turns_in, reason) in [
            (Measure::Requests, Window::Minute, minute, "BUDGET_RATE_LIMITED"),
            (Measure::Tokens, Window::Minute, minute, "BUDGET_RATE_LIMITED"),
            (Measure::Tokens, Window::Minute, None, "BUDGET_EXHAUSTED"), // it never fits
            (Measure::Money, Window::Minute, minute, "BUDGET_EXHAUSTED"),
            (Measure::Requests, Window::Day, minute, "BUDGET_EXHAUSTED"),
            (Measure::Tokens, Window::Day, minute, "BUDGET_EXHAUSTED"),
        ] {
            let (kind, name) = (budget::Kind::Key, "k".to_owned());
            let exhausted = Exhausted { kind, name, measure, window, limit: 9, left: 0, wanted: 1, turns_in };
            let status = Status::from(Error::Budget(Box::new(exhausted)));
            assert_eq!(status::reason(&status).as_deref(), Some(reason), "{measure:?} {window:?}");
            assert_eq!(status::retry_after(&status), turns_in);
            assert_eq!(status.code(), Code::ResourceExhausted);
        }
    }

    #[test]
    fn the_details_name_fields_attempts_and_the_time_to_wait() {
        let invalid =
            Status::from(Error::Invalid(vec![Violation::new("prompt.temperature", "must be from 0 to 2")]));
        let expected = [("prompt.temperature".to_owned(), "must be from 0 to 2".to_owned())];
        assert_eq!(status::field_violations(&invalid), expected);
        let failed = Status::from(failed(Kind::Throttled));
        assert_eq!(status::retry_after(&failed), Some(Duration::from_secs(3)));
        let facts = status::metadata(&failed);
        assert_eq!((facts["provider"].as_str(), facts["attempts"].as_str()), ("openai", "1"));
        assert_eq!(facts["attempt.1"], "openai/gpt-4o UPSTREAM_THROTTLED: openai failed");
    }
}
