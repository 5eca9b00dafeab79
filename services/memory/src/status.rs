//! Which status each failure is.

use std::{sync::Arc, time::Duration};

use bsm_runtime::status::Refusal;
use tonic::{Code, Status};

use crate::error::Error;

/// Long enough for the write that overtook a search to be over.
const SOON: Duration = Duration::from_millis(100);

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        let refusal = |code, reason| Refusal::new(code, reason, error.to_string());
        let refusal = match &error {
            Error::Invalid(violations) => {
                violations.iter().fold(refusal(Code::InvalidArgument, "INVALID_INPUT"), |r, v| {
                    r.field(v.field, &v.description)
                })
            }
            // Not RESOURCE_EXHAUSTED: the same request will not fit later either.
            Error::ResultsTooLarge { fitting, .. } => refusal(Code::OutOfRange, "RESULTS_TOO_LARGE")
                .field("top_k", format!("must be at most {fitting}")),
            Error::Overtaken => refusal(Code::Unavailable, "OVERTAKEN").retry_after(SOON),
            Error::Full => refusal(Code::Unavailable, "STORAGE_FULL"),
            Error::Failed(_) | Error::Database { .. } => refusal(Code::Unavailable, "STORAGE_FAILED"),
            Error::Damaged { .. } => refusal(Code::DataLoss, "STORAGE_DAMAGED"),
            Error::Closed => refusal(Code::Unavailable, "CLOSED"),
        };
        let mut status = Status::from(refusal);
        status.set_source(Arc::new(error)); // for the log: the caller gets the sentence only
        status
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::status::{field_violations, reason};

    use super::*;
    use crate::check::Violation;

    #[test]
    fn every_failure_has_its_code_and_reason_and_shows_no_internals() {
        let path = "/srv/data/memory/memory.db";
        let source = || Arc::new(rusqlite::Error::InvalidPath(path.into()));
        let field = Violation { field: "top_k", description: "must be 1 to 1000, not 0".to_owned() };
        for (error, code, why) in [
            (Error::Invalid(vec![field]), Code::InvalidArgument, "INVALID_INPUT"),
            (Error::ResultsTooLarge { found: 9, fitting: 3 }, Code::OutOfRange, "RESULTS_TOO_LARGE"),
            (Error::Overtaken, Code::Unavailable, "OVERTAKEN"),
            (Error::Full, Code::Unavailable, "STORAGE_FULL"),
            (Error::Failed(source()), Code::Unavailable, "STORAGE_FAILED"),
            (Error::Database { doing: "keeping", source: source() }, Code::Unavailable, "STORAGE_FAILED"),
            (Error::Damaged { doing: "keeping", source: source() }, Code::DataLoss, "STORAGE_DAMAGED"),
            (Error::Closed, Code::Unavailable, "CLOSED"),
        ] {
            let status = Status::from(error);
            assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(why)), "{status:?}");
            assert!(!status.message().contains(path), "{}", status.message());
        }
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = |field, description: &str| Violation { field, description: description.to_owned() };
        let both = vec![wrong("code", "must not be empty"), wrong("review", "must be at most 64 KiB")];
        let status = Status::from(Error::Invalid(both));
        assert_eq!(status.message(), "code must not be empty; review must be at most 64 KiB");
        let fields: Vec<_> = field_violations(&status).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["code", "review"]);
    }
}
