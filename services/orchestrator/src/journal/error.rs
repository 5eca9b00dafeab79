//! What the journal refuses or fails to do.

use std::{path::PathBuf, sync::Arc};

use rusqlite::ErrorCode;
use tokio::task::JoinError;

use crate::job::JobId;

/// Why an operation on the journal did not happen. Nothing of a failed operation is kept.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The file was written by a newer release.
    #[error(
        "the journal {} has schema {found}, and this release knows only up to {known}; \
         start the newer release, or give this one another data folder", .path.display()
    )]
    Newer {
        /// The journal's file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The file is a database of something else.
    #[error("{} is a database, but not a journal of the orchestrator; move it away", .0.display())]
    Foreign(PathBuf),
    /// The file cannot be made or opened.
    #[error(
        "cannot open the journal {}: {source}; the folder must exist, be writable and have space", .path.display()
    )]
    Unusable {
        /// The journal's file.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// The file is damaged, or no SQLite file.
    #[error(
        "the journal is damaged or not a SQLite file ({doing}); restore it from a copy, or move it away to begin anew"
    )]
    Corrupt {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// There is no space left for the journal.
    #[error(
        "the disk is full, so the journal accepts nothing; what it holds is safe, and it goes on when there is space"
    )]
    Full,
    /// The file or its folder became unwritable.
    #[error("the journal cannot be written ({doing}); check that its folder is writable")]
    ReadOnly {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// The database is busy or its disk fails for a moment.
    #[error("the journal failed at {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// What is written cannot be read, or what is to be written breaks a rule of the schema: a fault of this program
    /// or of whoever edited the file.
    #[error("the journal holds or was given something that it cannot use ({doing})")]
    Unfit {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// A fault of this program ended what was being done.
    #[error("a fault of this program stopped {doing}; the log has the cause")]
    Panicked {
        /// What was being done.
        doing: &'static str,
    },
    /// The writer's thread could not be started, or has ended.
    #[error("the journal is closed")]
    Closed,
    /// An idempotency key came again with another event.
    #[error("the idempotency key {key:?} was used before for another event; use a new key for a new event")]
    Conflict {
        /// The key.
        key: String,
    },
    /// No such job.
    #[error("there is no job {0}")]
    UnknownJob(JobId),
    /// The job or step is not where the operation needs it.
    #[error("{what} cannot {wanted}: it is {found}")]
    Misplaced {
        /// "job <id>" or "step <agent> of job <id>".
        what: String,
        /// What was to happen, e.g. "begin".
        wanted: &'static str,
        /// The state found.
        found: String,
    },
}

impl Error {
    /// Sorts a database error by what a person can do about it.
    pub(super) fn of(doing: &'static str, source: rusqlite::Error) -> Self {
        let source = Arc::new(source);
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { doing, source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                Self::ReadOnly { doing, source }
            }
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationAborted
                | ErrorCode::OperationInterrupted
                | ErrorCode::SchemaChanged,
            ) => Self::Database { doing, source },
            _ => Self::Unfit { doing, source },
        }
    }

    /// Why a task beside the runtime's own threads gave no answer.
    pub(crate) fn of_task(doing: &'static str, err: &JoinError) -> Self {
        // What did not panic was cut off, which only the end of the runtime does.
        if err.is_panic() { Self::Panicked { doing } } else { Self::Closed }
    }

    /// Whether the same operation may succeed later without anything changing but the disk.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Full | Self::ReadOnly { .. } | Self::Database { .. } => true,
            Self::Newer { .. }
            | Self::Foreign(_)
            | Self::Unusable { .. }
            | Self::Corrupt { .. }
            | Self::Unfit { .. }
            | Self::Panicked { .. }
            | Self::Closed
            | Self::Conflict { .. }
            | Self::UnknownJob(_)
            | Self::Misplaced { .. } => false,
        }
    }
}

/// Names what was being done when a statement failed.
pub(super) trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::of(what, source))
    }
}
