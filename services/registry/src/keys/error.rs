//! What can be wrong with keys, and what callers are told of it.

use std::io;

use bsm_runtime::{audit_log, status::Refusal};
use tonic::{Code, Status};

/// Why nothing came of a request about keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Fields that are not as the contract wants them: each with what it must be; never empty.
    #[error("the request is not usable: {}", .0.iter().map(|(field, must)| format!("{field} {must}")).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<(&'static str, String)>),
    /// There is no key of this id.
    #[error("there is no key {0:?}")]
    Unknown(String),
    /// The key that was presented opens nothing. The same whether it is unknown, wrong, expired or revoked.
    #[error("the key is not valid")]
    NotValid,
    /// The file of the keys.
    #[error("the keys cannot be read or written now")]
    Store(#[from] rusqlite::Error),
    /// The folder, the file of the sealing key, or random numbers.
    #[error("the keys cannot be read or written now")]
    Io(#[from] io::Error),
    /// The audit log, without whose line nothing is changed.
    #[error("the audit log cannot be written, so no key was changed")]
    Audit(#[from] audit_log::Error),
    /// The process ends.
    #[error("the registry is being closed")]
    CutOff,
}

impl From<Error> for Status {
    fn from(error: Error) -> Status {
        let sentence = error.to_string();
        let (code, reason) = match &error {
            Error::Invalid(_) => (Code::InvalidArgument, "INVALID_INPUT"),
            Error::Unknown(_) => (Code::NotFound, "KEY_NOT_FOUND"),
            Error::NotValid => (Code::Unauthenticated, "UNAUTHORIZED"),
            Error::Store(_) | Error::Io(_) | Error::Audit(_) | Error::CutOff => {
                (Code::Unavailable, "KEYS_UNAVAILABLE")
            }
        };
        let refusal = Refusal::new(code, reason, sentence);
        match error {
            Error::Invalid(fields) => {
                fields.into_iter().fold(refusal, |refusal, (field, must)| refusal.field(field, must))
            }
            _ => refusal,
        }
        .into()
    }
}
