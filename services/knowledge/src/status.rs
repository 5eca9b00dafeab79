//! Which status each refusal is.

use bsm_runtime::status::Refusal;
use tonic::{Code, Status};

use crate::error::{Error, clause};

/// How many mistakes of a document are told at once.
const MOST_TOLD: usize = 10;

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        let message = error.to_string();
        let refusal = |code, reason| Refusal::new(code, reason, message.clone());
        match error {
            Error::Invalid(fields) => fields
                .into_iter()
                .fold(refusal(Code::InvalidArgument, "INVALID_INPUT"), |refusal, (field, must)| {
                    refusal.field(field, must)
                }),
            Error::Unusable(found) => {
                let told = found.iter().take(MOST_TOLD);
                let refusal = refusal(Code::InvalidArgument, "DOCUMENT_UNUSABLE");
                told.fold(refusal, |refusal, finding| refusal.field("content", clause(finding)))
            }
            Error::UnknownDocument(id) => {
                refusal(Code::NotFound, "DOCUMENT_NOT_FOUND").metadata("document", id)
            }
            Error::MalformedId => refusal(Code::NotFound, "DOCUMENT_NOT_FOUND"),
            Error::Exists(id) => refusal(Code::AlreadyExists, "DOCUMENT_EXISTS").metadata("document", id),
            Error::InFolder(id) => {
                refusal(Code::FailedPrecondition, "DOCUMENT_IN_FOLDER").metadata("document", id)
            }
            // Read it again, then decide.
            Error::Changed { id, hash } => {
                refusal(Code::Aborted, "DOCUMENT_CHANGED").metadata("document", id).metadata("hash", hash)
            }
            // Not RESOURCE_EXHAUSTED: waiting does not help.
            Error::Full => refusal(Code::FailedPrecondition, "KNOWLEDGE_FULL"),
            // The same: the same request will not fit later either.
            Error::ListingTooLarge { .. } => {
                refusal(Code::OutOfRange, "LISTING_TOO_LARGE").field("audience", "must name fewer")
            }
            Error::AnswerTooLarge { .. } => {
                refusal(Code::OutOfRange, "ANSWER_TOO_LARGE").field("limit", "must be lower")
            }
            Error::Unsearchable => refusal(Code::Unavailable, "SEARCH_UNAVAILABLE"),
            Error::Unwritten => refusal(Code::Unavailable, "KNOWLEDGE_UNAVAILABLE"),
            Error::Closed => refusal(Code::Unavailable, "DRAINING"),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::{
        diagnostic::{At, Findings, Strictness},
        status::{field_violations, reason},
    };

    use super::*;

    #[test]
    fn every_refusal_has_its_code_and_reason() {
        let place = At { line: 3, column: 1 };
        let mut findings = Findings::new("the document", "", Strictness::Strict);
        findings.error(place, "", "this is not YAML", "mend it");
        for (error, code, why) in [
            (
                Error::Invalid(vec![("format", "must be known".into())]),
                Code::InvalidArgument,
                "INVALID_INPUT",
            ),
            (Error::Unusable(findings.into_vec()), Code::InvalidArgument, "DOCUMENT_UNUSABLE"),
            (Error::Exists("a".to_owned()), Code::AlreadyExists, "DOCUMENT_EXISTS"),
            (Error::InFolder("a".to_owned()), Code::FailedPrecondition, "DOCUMENT_IN_FOLDER"),
            (Error::Changed { id: "a".into(), hash: "b".into() }, Code::Aborted, "DOCUMENT_CHANGED"),
            (Error::Full, Code::FailedPrecondition, "KNOWLEDGE_FULL"),
            (Error::Unwritten, Code::Unavailable, "KNOWLEDGE_UNAVAILABLE"),
            (Error::AnswerTooLarge { bytes: 2, limit: 1 }, Code::OutOfRange, "ANSWER_TOO_LARGE"),
            (Error::Unsearchable, Code::Unavailable, "SEARCH_UNAVAILABLE"),
            (Error::Closed, Code::Unavailable, "DRAINING"),
            (Error::UnknownDocument("a".to_owned()), Code::NotFound, "DOCUMENT_NOT_FOUND"),
            (Error::MalformedId, Code::NotFound, "DOCUMENT_NOT_FOUND"),
            (Error::ListingTooLarge { bytes: 2, limit: 1 }, Code::OutOfRange, "LISTING_TOO_LARGE"),
        ] {
            let status = Status::from(error);
            assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(why)), "{status:?}");
            assert!(!status.message().contains('/'), "no path: {}", status.message());
        }
    }

    #[test]
    fn mistakes_in_a_document_are_told_with_their_places() {
        let mut findings = Findings::new("the document", "", Strictness::Strict);
        for line in 1..30 {
            findings.error(At { line, column: 2 }, "a", "this is given twice", "keep one");
        }
        let status = Status::from(Error::Unusable(findings.into_vec()));
        assert_eq!(status.message(), "line 1, column 2: a: this is given twice; keep one (28 more mistakes)");
        let told = field_violations(&status);
        assert_eq!((told.len(), told[0].0.as_str()), (10, "content"));
    }
}
