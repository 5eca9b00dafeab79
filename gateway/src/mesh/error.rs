//! What the mesh is asked for in vain, and the one table of what that is on the wire.

use bsm_runtime::{flags::UnknownFlag, ops, shown::shown, status::Refusal};
use tonic::{Code, Status};

use super::caches::CLEARABLE;

/// Why a question or a change of the whole mesh comes to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Nobody has such a breaker, and everybody answered.
    #[error("no process has a breaker \"{}\"; /api/health/circuit-breakers lists those there are", shown(.0))]
    UnknownBreaker(String),
    /// Nobody who answered has such a breaker.
    #[error("no process that answered has a breaker \"{}\"; not asked: {}", shown(name), unreached.join(", "))]
    NotReached {
        /// The name given.
        name: String,
        /// The roles that did not answer.
        unreached: Vec<String>,
    },
    /// No cache that can be cleared has that name.
    #[error("\"{}\" is not a cache; use one of {names}, all", shown(.0), names = CLEARABLE.join(", "))]
    UnknownCache(String),
    /// No flag has that name.
    #[error(transparent)]
    UnknownFlag(#[from] UnknownFlag),
    /// The gateway's own part of it failed.
    #[error(transparent)]
    Own(#[from] ops::Error),
}

impl From<Error> for Status {
    fn from(err: Error) -> Status {
        let message = err.to_string();
        match err {
            Error::UnknownBreaker(_) => Refusal::new(Code::NotFound, "BREAKER_NOT_FOUND", message).into(),
            Error::NotReached { .. } => {
                Refusal::new(Code::Unavailable, "BREAKER_NOT_REACHED", message).into()
            }
            Error::UnknownCache(_) => Refusal::new(Code::InvalidArgument, "INVALID_CACHE", message)
                .metadata("valid", [CLEARABLE.join(","), "all".to_owned()].join(","))
                .into(),
            Error::UnknownFlag(err) => ops::Error::from(err).into(),
            Error::Own(err) => err.into(),
        }
    }
}
