//! The one table from the orchestrator's errors to gRPC statuses.

use std::time::Duration;

use bsm_runtime::status::Refusal;
use tonic::{Code, Status};

use crate::{
    error::Error,
    journal::{self, Error as Journal},
};

/// When a draining process has been replaced, as a rule.
const AFTER_A_RESTART: Duration = Duration::from_secs(2);

/// When a full disk may well have space again.
const AFTER_CLEANING: Duration = Duration::from_secs(30);

impl From<Error> for Status {
    fn from(err: Error) -> Self {
        let sentence = err.to_string();
        let invalid = |reason: &str, field: &str| {
            Refusal::new(Code::InvalidArgument, reason, &*sentence).field(field, &*sentence)
        };
        let refusal = match &err {
            Error::InvalidEvent(_) => invalid("INVALID_EVENT", "event"),
            Error::InvalidPayload(payload) => {
                invalid("INVALID_PAYLOAD", &format!("payload.{}", payload.field))
            }
            Error::TooLarge { field, .. } => invalid("INVALID_PAYLOAD", field),
            Error::InvalidField { field, .. } => invalid("INVALID_ARGUMENT", field),
            Error::InvalidAgentId(_) => invalid("INVALID_AGENT_ID", "agent_id"),
            Error::NoInput => invalid("INVALID_INPUT", "input"),
            Error::InputTooLong { .. } => invalid("INPUT_TOO_LONG", "input"),
            Error::UnknownJob(_) => Refusal::new(Code::NotFound, "JOB_NOT_FOUND", sentence),
            Error::ReportNotReady(_) => Refusal::new(Code::FailedPrecondition, "REPORT_NOT_READY", sentence),
            Error::NotEnded(_) => Refusal::new(Code::FailedPrecondition, "JOB_NOT_ENDED", sentence),
            Error::Draining => draining(sentence),
            Error::Journal(journal) => of_journal(journal),
            Error::Panicked { .. } => Refusal::new(Code::Internal, "INTERNAL", sentence),
            Error::Refused(refused) => return refused.clone().into_status(),
            Error::Prompt(_) => Refusal::new(Code::FailedPrecondition, "PROMPT_FAILED", sentence),
            Error::Unparseable(_) => Refusal::new(Code::Unavailable, "UPSTREAM_MALFORMED", sentence),
        };
        refusal.into()
    }
}

fn of_journal(err: &journal::Error) -> Refusal {
    let sentence = err.to_string();
    match err {
        Journal::Conflict { .. } => Refusal::new(Code::AlreadyExists, "IDEMPOTENCY_CONFLICT", sentence)
            .field("idempotency_key", "must be new for a new event"),
        Journal::UnknownJob(_) => Refusal::new(Code::NotFound, "JOB_NOT_FOUND", sentence),
        Journal::Full => {
            Refusal::new(Code::Unavailable, "JOURNAL_FULL", sentence).retry_after(AFTER_CLEANING)
        }
        Journal::Misplaced { .. } => Refusal::new(Code::FailedPrecondition, "JOB_MOVED", sentence),
        Journal::Closed => draining(sentence),
        Journal::Unfit { .. } => Refusal::new(Code::Internal, "JOURNAL_UNFIT", sentence),
        Journal::Panicked { .. } => Refusal::new(Code::Internal, "INTERNAL", sentence),
        // Where the file is, and what SQLite said, stays in the log.
        Journal::Newer { .. }
        | Journal::Foreign(_)
        | Journal::Unusable { .. }
        | Journal::Corrupt { .. }
        | Journal::ReadOnly { .. }
        | Journal::Database { .. } => {
            Refusal::new(Code::Unavailable, "JOURNAL_UNAVAILABLE", "the journal cannot be used at the moment")
        }
    }
}

fn draining(sentence: String) -> Refusal {
    Refusal::new(Code::Unavailable, "DRAINING", sentence).retry_after(AFTER_A_RESTART)
}

/// The status of an answer that breaks the contract between two services.
pub(crate) fn malformed_answer(service: &str) -> Status {
    let sentence = format!("the {service} gave an answer without what was asked for");
    Refusal::new(Code::Internal, "MALFORMED_ANSWER", sentence).into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bsm_runtime::status::{field_violations, reason};

    use super::*;
    use crate::job::JobId;

    fn sqlite() -> Arc<rusqlite::Error> {
        Arc::new(rusqlite::Error::InvalidPath("/secret/place".into()))
    }

    #[test]
    fn every_error_has_its_code_and_reason() {
        let id = JobId::new();
        let field = Error::InvalidField { field: "wait", problem: "must be a number".into() };
        let table = [
            (Error::InvalidEvent("A B".into()), Code::InvalidArgument, "INVALID_EVENT"),
            (
                Error::TooLarge { field: "payload", size: 2, limit: 1 },
                Code::InvalidArgument,
                "INVALID_PAYLOAD",
            ),
            (field, Code::InvalidArgument, "INVALID_ARGUMENT"),
            (Error::InvalidAgentId("A".into()), Code::InvalidArgument, "INVALID_AGENT_ID"),
            (Error::NoInput, Code::InvalidArgument, "INVALID_INPUT"),
            (Error::InputTooLong { length: 2, limit: 1 }, Code::InvalidArgument, "INPUT_TOO_LONG"),
            (Error::UnknownJob("x".into()), Code::NotFound, "JOB_NOT_FOUND"),
            (Journal::UnknownJob(id).into(), Code::NotFound, "JOB_NOT_FOUND"),
            (Error::ReportNotReady(id), Code::FailedPrecondition, "REPORT_NOT_READY"),
            (Error::NotEnded(id), Code::FailedPrecondition, "JOB_NOT_ENDED"),
            (Error::Draining, Code::Unavailable, "DRAINING"),
            (Journal::Conflict { key: "k".into() }.into(), Code::AlreadyExists, "IDEMPOTENCY_CONFLICT"),
            (Journal::Full.into(), Code::Unavailable, "JOURNAL_FULL"),
            (Journal::Closed.into(), Code::Unavailable, "DRAINING"),
            (Journal::Unfit { doing: "x", source: sqlite() }.into(), Code::Internal, "JOURNAL_UNFIT"),
            (Journal::Panicked { doing: "x" }.into(), Code::Internal, "INTERNAL"),
            (Error::Panicked { doing: "x" }, Code::Internal, "INTERNAL"),
            (Error::Unparseable("no".into()), Code::Unavailable, "UPSTREAM_MALFORMED"),
            (
                Journal::Corrupt { doing: "x", source: sqlite() }.into(),
                Code::Unavailable,
                "JOURNAL_UNAVAILABLE",
            ),
        ];
        for (err, code, expected) in table {
            let sentence = err.to_string();
            let status = Status::from(err);
            assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(expected)), "{sentence}");
        }
    }

    #[test]
    fn sentences_name_fields_as_json_does_and_details_as_the_contract_does() {
        for (field, named) in
            [("wait", "wait"), ("page_token", "pageToken"), ("last_event_id", "lastEventId")]
        {
            let status = Status::from(Error::InvalidField { field, problem: "must be good".into() });
            assert_eq!(status.message(), format!("{named} must be good"));
            assert_eq!(field_violations(&status)[0].0, field);
        }
    }

    #[test]
    fn callers_are_shown_no_path_and_no_sql() {
        for err in [
            Journal::Unusable { path: "/secret/place".into(), source: sqlite() },
            Journal::Foreign("/secret/place".into()),
            Journal::Newer { path: "/secret/place".into(), found: 2, known: 1 },
            Journal::Database { doing: "x", source: sqlite() },
        ] {
            let status = Status::from(Error::from(err));
            assert!(!status.message().contains("secret"), "{}", status.message());
        }
    }

    #[test]
    fn the_status_of_another_service_is_handed_through() {
        let theirs = Status::from(Refusal::new(Code::PermissionDenied, "CONTEXT_FORBIDDEN", "not here"));
        let ours = Status::from(Error::Refused(theirs.into()));
        assert_eq!(ours.code(), Code::PermissionDenied);
        assert_eq!(reason(&ours).as_deref(), Some("CONTEXT_FORBIDDEN"));
    }
}
