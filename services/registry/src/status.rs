//! The one table from what the registry refuses to what a caller is told.

use bsm_runtime::status::Refusal;
use tonic::{Code, Status};

use crate::{error::Error, lifecycle::Misfit, rules::Forbidden};

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let refusal = Refusal::new(code(&error), reason(&error), error.to_string());
        match error {
            Error::UnknownWords(words) => words.into_iter().fold(refusal, |refusal, word| {
                refusal.field(word.field, format!("must be one of {}", word.words.join(", ")))
            }),
            Error::UnknownAgent { agent, .. }
            | Error::Forbidden { agent, .. }
            | Error::Misfit { agent, .. } => refusal.metadata("agent", agent),
            Error::Store(_) | Error::Folder(_) | Error::Audit(_) | Error::CutOff => refusal,
        }
        .into()
    }
}

/// No `_` arm: a new variant does not compile until someone picks its code.
fn code(error: &Error) -> Code {
    match error {
        Error::UnknownWords(_) => Code::InvalidArgument,
        Error::UnknownAgent { .. } => Code::NotFound,
        Error::Forbidden { .. } => Code::PermissionDenied,
        Error::Misfit { .. } => Code::FailedPrecondition,
        Error::Store(_) | Error::Folder(_) | Error::Audit(_) | Error::CutOff => Code::Unavailable,
    }
}

/// The reason for machines.
pub(crate) fn reason(error: &Error) -> &'static str {
    match error {
        Error::UnknownWords(words) if words.iter().any(|word| word.kind == "context") => "INVALID_MODE",
        Error::UnknownWords(_) => "INVALID_FILTER",
        Error::UnknownAgent { .. } => "AGENT_NOT_FOUND",
        Error::Forbidden { rule, .. } => rule_name(*rule),
        Error::Misfit { misfit: Misfit::AlreadyRunning, .. } => "AGENT_ALREADY_RUNNING",
        Error::Misfit { misfit: Misfit::NotRunning, .. } => "AGENT_NOT_RUNNING",
        Error::Store(_) | Error::Folder(_) | Error::Audit(_) | Error::CutOff => "LIFECYCLE_UNAVAILABLE",
    }
}

/// The reason that stands for a rule.
pub(crate) fn rule_name(rule: Forbidden) -> &'static str {
    match rule {
        Forbidden::Ungoverned => "AGENT_UNGOVERNED",
        Forbidden::Internal => "AGENT_INTERNAL",
        Forbidden::Profile(_) => "PROFILE_FORBIDDEN",
        Forbidden::Context(_) => "CONTEXT_FORBIDDEN",
        Forbidden::SafeMode => "SAFE_MODE_FORBIDDEN",
        Forbidden::MobileMode => "MOBILE_MODE_RESTRICTION",
        Forbidden::Approval => "APPROVAL_REQUIRED",
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::{
        settings::Profile,
        status::{field_violations, reason},
    };

    use super::*;
    use crate::{
        error::UnknownWord,
        vocabulary::{Context, Level},
    };

    fn forbidden(rule: Forbidden) -> Error {
        Error::Forbidden { agent: "a".to_owned(), rule }
    }

    fn misfit(misfit: Misfit) -> Error {
        Error::Misfit { agent: "a".to_owned(), misfit }
    }

    #[test]
    fn every_refusal_has_its_code_and_reason() {
        let disk = || rusqlite::Error::InvalidPath("/var/lib/bsm".into());
        let folder = || std::io::Error::other("/var/lib/bsm");
        let risk = || Error::UnknownWords(vec![UnknownWord::of("risk", "risk level", "x", Level::WORDS)]);
        for (error, code, expected) in [
            (Error::unknown_context("mode", "x"), Code::InvalidArgument, "INVALID_MODE"),
            (risk(), Code::InvalidArgument, "INVALID_FILTER"),
            (Error::UnknownAgent { agent: "a".to_owned(), closest: None }, Code::NotFound, "AGENT_NOT_FOUND"),
            (forbidden(Forbidden::Ungoverned), Code::PermissionDenied, "AGENT_UNGOVERNED"),
            (forbidden(Forbidden::Internal), Code::PermissionDenied, "AGENT_INTERNAL"),
            (forbidden(Forbidden::Profile(Profile::Staging)), Code::PermissionDenied, "PROFILE_FORBIDDEN"),
            (forbidden(Forbidden::Context(Context::Ci)), Code::PermissionDenied, "CONTEXT_FORBIDDEN"),
            (forbidden(Forbidden::SafeMode), Code::PermissionDenied, "SAFE_MODE_FORBIDDEN"),
            (forbidden(Forbidden::MobileMode), Code::PermissionDenied, "MOBILE_MODE_RESTRICTION"),
            (forbidden(Forbidden::Approval), Code::PermissionDenied, "APPROVAL_REQUIRED"),
            (misfit(Misfit::AlreadyRunning), Code::FailedPrecondition, "AGENT_ALREADY_RUNNING"),
            (misfit(Misfit::NotRunning), Code::FailedPrecondition, "AGENT_NOT_RUNNING"),
            (Error::Store(disk()), Code::Unavailable, "LIFECYCLE_UNAVAILABLE"),
            (Error::Folder(folder()), Code::Unavailable, "LIFECYCLE_UNAVAILABLE"),
            (Error::CutOff, Code::Unavailable, "LIFECYCLE_UNAVAILABLE"),
        ] {
            let sentence = error.to_string();
            let status = Status::from(error);
            assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(expected)));
            assert_eq!(status.message(), sentence);
            assert!(!sentence.contains('/'), "no path in {sentence:?}");
        }
    }

    #[test]
    fn a_wrong_context_names_the_field_and_the_right_ones() {
        let status = Status::from(Error::unknown_context("mode", "x"));
        let must = "must be one of chat, api, github, ci, system, security, mobile".to_owned();
        assert_eq!(field_violations(&status), [("mode".to_owned(), must)]);
    }
}
