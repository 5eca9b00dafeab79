//! Which status each refusal is.

use bsm_runtime::status::Refusal;
use tonic::{Code, Status};

use crate::error::Error;

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        let message = error.to_string();
        match error {
            Error::UnknownDocument(id) => {
                Refusal::new(Code::NotFound, "DOCUMENT_NOT_FOUND", message).metadata("document", id)
            }
            Error::MalformedId => Refusal::new(Code::NotFound, "DOCUMENT_NOT_FOUND", message),
            // Not RESOURCE_EXHAUSTED: the same request will not fit later either.
            Error::ListingTooLarge { .. } => Refusal::new(Code::OutOfRange, "LISTING_TOO_LARGE", message)
                .field("audience", "must name fewer"),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use bsm_runtime::status::reason;

    use super::*;

    #[test]
    fn every_refusal_has_its_code_and_reason() {
        for (error, code, why) in [
            (Error::UnknownDocument("a".to_owned()), Code::NotFound, "DOCUMENT_NOT_FOUND"),
            (Error::MalformedId, Code::NotFound, "DOCUMENT_NOT_FOUND"),
            (Error::ListingTooLarge { bytes: 2, limit: 1 }, Code::OutOfRange, "LISTING_TOO_LARGE"),
        ] {
            let status = Status::from(error);
            assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(why)), "{status:?}");
            assert!(!status.message().contains('/'), "no path: {}", status.message());
        }
    }
}
