//! What an operator may ask for in vain, and the one table of what that is on the wire.

use tonic::{Code, Status};

use crate::{
    audit_log,
    flags::{self, UnknownFlag},
    shown::shown,
    status::Refusal,
};

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No breaker has that name.
    #[error("there is no breaker \"{}\" here; there are: {}", shown(name), known.join(", "))]
    UnknownBreaker {
        /// The name given.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// No mode has that name.
    #[error("\"{}\" is not a mode; use one of normal, forced_open, disabled, metrics_only", shown(.0))]
    UnknownMode(String),
    /// A reset closes what failures opened, not what an operator holds open.
    #[error(
        "\"{}\" is held open by its mode, which a reset does not change; set its mode to normal instead",
        shown(.0)
    )]
    ForcedOpen(String),
    /// No flag has that name.
    #[error(transparent)]
    UnknownFlag(#[from] UnknownFlag),
    /// No percentage, or one above 100.
    #[error("a share is a whole number from 0 to 100")]
    BadPercent,
    /// A flag cannot be written to disk.
    #[error("the flag could not be kept on disk, so it was not changed; the log has the cause")]
    NotKept(#[source] flags::Error),
    /// The audit log cannot be written.
    #[error("the audit log could not be written, so nothing was changed; the log has the cause")]
    NotAudited(#[from] audit_log::Error),
    /// The change ended without a word.
    #[error("the change ended early; ask for the present state before trying again")]
    Lost,
}

impl From<Error> for Status {
    fn from(err: Error) -> Status {
        let (code, reason) = match &err {
            Error::UnknownBreaker { .. } => (Code::NotFound, "BREAKER_NOT_FOUND"),
            Error::UnknownMode(_) => (Code::InvalidArgument, "INVALID_MODE"),
            Error::ForcedOpen(_) => (Code::FailedPrecondition, "BREAKER_FORCED_OPEN"),
            Error::UnknownFlag(_) => (Code::NotFound, "FLAG_NOT_FOUND"),
            Error::BadPercent => (Code::InvalidArgument, "INVALID_PERCENT"),
            Error::NotKept(_) => (Code::Unavailable, "FLAG_NOT_KEPT"),
            Error::NotAudited(_) => (Code::Unavailable, "NOT_AUDITED"),
            Error::Lost => (Code::Internal, "INTERNAL"),
        };
        if let Error::NotKept(_) | Error::NotAudited(_) = &err {
            let cause = std::error::Error::source(&err).map(ToString::to_string);
            tracing::error!(cause, reason, "an operator's change was not made");
        }
        let refusal = Refusal::new(code, reason, err.to_string());
        match &err {
            Error::UnknownMode(_) => {
                refusal.field("mode", "must be normal, forced_open, disabled or metrics_only")
            }
            Error::BadPercent => refusal.field("percent", "must be a whole number from 0 to 100"),
            _ => refusal,
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::reason;

    #[test]
    fn each_error_has_its_code_and_reason_and_no_path() {
        let source = std::io::Error::other("disk full");
        let kept = flags::Error::Io { doing: "write", path: "/var/lib/bsm/flags.json".into(), source };
        let unknown = Error::UnknownBreaker { name: "x".into(), known: vec!["a".into(), "b".into()] };
        for (err, code, name) in [
            (unknown, Code::NotFound, "BREAKER_NOT_FOUND"),
            (Error::UnknownMode("x".into()), Code::InvalidArgument, "INVALID_MODE"),
            (Error::ForcedOpen("x".into()), Code::FailedPrecondition, "BREAKER_FORCED_OPEN"),
            (UnknownFlag("x".into()).into(), Code::NotFound, "FLAG_NOT_FOUND"),
            (Error::BadPercent, Code::InvalidArgument, "INVALID_PERCENT"),
            (Error::NotKept(kept), Code::Unavailable, "FLAG_NOT_KEPT"),
            (Error::Lost, Code::Internal, "INTERNAL"),
        ] {
            let status = Status::from(err);
            assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(name)));
            assert!(!status.message().contains("/var"), "{}", status.message());
        }
    }
}
