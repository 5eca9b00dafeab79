//! The one table from what the registry refuses to what a caller is told.

use bsm_runtime::status::Refusal;
use tonic::{Code, Status};

use crate::{
    error::{Error, contexts},
    rules::Forbidden,
};

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let (code, reason) = classify(&error);
        let refusal = Refusal::new(code, reason, error.to_string());
        match error {
            Error::UnknownContext { field, .. } => {
                refusal.field(field, format!("must be one of {}", contexts()))
            }
            Error::UnknownAgent { agent, .. } | Error::Forbidden { agent, .. } => {
                refusal.metadata("agent", agent)
            }
        }
        .into()
    }
}

/// No `_` arm: a new variant does not compile until someone picks its code.
fn classify(error: &Error) -> (Code, &'static str) {
    match error {
        Error::UnknownContext { .. } => (Code::InvalidArgument, "INVALID_MODE"),
        Error::UnknownAgent { .. } => (Code::NotFound, "AGENT_NOT_FOUND"),
        Error::Forbidden { rule, .. } => {
            let reason = match rule {
                Forbidden::Ungoverned => "AGENT_UNGOVERNED",
                Forbidden::Profile(_) => "PROFILE_FORBIDDEN",
                Forbidden::Context(_) => "CONTEXT_FORBIDDEN",
                Forbidden::SafeMode => "SAFE_MODE_FORBIDDEN",
                Forbidden::MobileMode => "MOBILE_MODE_RESTRICTION",
                Forbidden::Approval => "APPROVAL_REQUIRED",
            };
            (Code::PermissionDenied, reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::{
        settings::Profile,
        status::{field_violations, reason},
    };

    use super::*;
    use crate::vocabulary::Context;

    fn forbidden(rule: Forbidden) -> Error {
        Error::Forbidden { agent: "a".to_owned(), rule }
    }

    #[test]
    fn every_refusal_has_its_code_and_reason() {
        let context = Error::UnknownContext { field: "mode", given: "x".to_owned() };
        for (error, code, expected) in [
            (context, Code::InvalidArgument, "INVALID_MODE"),
            (Error::UnknownAgent { agent: "a".to_owned(), closest: None }, Code::NotFound, "AGENT_NOT_FOUND"),
            (forbidden(Forbidden::Ungoverned), Code::PermissionDenied, "AGENT_UNGOVERNED"),
            (forbidden(Forbidden::Profile(Profile::Staging)), Code::PermissionDenied, "PROFILE_FORBIDDEN"),
            (forbidden(Forbidden::Context(Context::Ci)), Code::PermissionDenied, "CONTEXT_FORBIDDEN"),
            (forbidden(Forbidden::SafeMode), Code::PermissionDenied, "SAFE_MODE_FORBIDDEN"),
            (forbidden(Forbidden::MobileMode), Code::PermissionDenied, "MOBILE_MODE_RESTRICTION"),
            (forbidden(Forbidden::Approval), Code::PermissionDenied, "APPROVAL_REQUIRED"),
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
        let status = Status::from(Error::UnknownContext { field: "mode", given: "x".to_owned() });
        let must = "must be one of chat, api, github, ci, system, security, mobile".to_owned();
        assert_eq!(field_violations(&status), [("mode".to_owned(), must)]);
    }
}
