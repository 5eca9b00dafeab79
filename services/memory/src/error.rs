//! What the memory refuses or fails to do.

use std::{io, path::PathBuf, sync::Arc};

use bsm_runtime::folder;
use rusqlite::ErrorCode;

use crate::check::Violation;

/// Why the memory cannot be opened. For the operator: it names files.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is in use or cannot be written.
    #[error(transparent)]
    Folder(#[from] folder::Error),
    /// The file was written by a newer release.
    #[error(
        "the memory {} has schema {found}, and this release knows only up to {known}; \
         start the newer release, or give this one another data folder", .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// The file is a database of something else.
    #[error("{} is a database, but not a memory of this product; move it away", .0.display())]
    Foreign(PathBuf),
    /// The file is damaged, or no SQLite file.
    #[error("the memory {} is damaged: {what}; restore it from a copy, or move it away to begin anew", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The file cannot be made, opened or read.
    #[error(
        "cannot open the memory {}: {source}; its folder must be writable and have space", .path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The thread that writes cannot be started.
    #[error("cannot start the thread that writes the memory: {0}")]
    Thread(io::Error),
    /// Opening was cut off, because the process ends or the opener panicked.
    #[error("opening the memory was cut off")]
    CutOff,
}

/// Why a request failed. For the caller: no paths, no SQL. Of a failed write nothing is kept, unless said otherwise.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Fields of the request break their rules.
    #[error("{}", sentence(.0))]
    Invalid(Vec<Violation>),
    /// The results do not fit in one answer.
    #[error("the {found} records found do not fit in one answer; ask for at most {fitting}")]
    ResultsTooLarge {
        /// How many were found.
        found: usize,
        /// How many of the best fit.
        fitting: usize,
    },
    /// Every time the records found were fetched, one of them had just been replaced.
    #[error("the records found were replaced faster than they could be read; try again")]
    Overtaken,
    /// There is no space left.
    #[error("the memory's disk is full, so nothing more is kept; what it holds is safe")]
    Full,
    /// The disk failed while keeping a write, whose fate is unknown until the file is opened again.
    #[error(
        "the disk failed while the memory was written, so it takes no more writes until it is restarted; \
         searching goes on"
    )]
    Failed(#[source] Arc<rusqlite::Error>),
    /// The file turned out to be damaged.
    #[error("the memory's file is damaged ({doing}); it has to be restored from a copy")]
    Damaged {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// Anything else that the database refuses.
    #[error("the memory failed at {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// The memory is being closed.
    #[error("the memory is closed")]
    Closed,
}

impl Error {
    /// Sorts a database error by what can be done about it.
    pub(crate) fn of(doing: &'static str, source: rusqlite::Error) -> Error {
        let source = Arc::new(source);
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::Full,
            _ if is_damage(&source) => Error::Damaged { doing, source },
            _ => Error::Database { doing, source },
        }
    }

    /// The same for an error of writing: after one of the disk itself nothing may be written any more.
    pub(crate) fn of_writing(self) -> Error {
        match self {
            Error::Database { source, .. }
                if source.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) =>
            {
                Error::Failed(source)
            }
            other => other,
        }
    }
}

/// Whether the file holds what this product never writes.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(error, E::FromSqlConversionFailure(..) | E::InvalidColumnType(..) | E::Utf8Error(..))
}

/// Names what was being done when a statement failed.
pub(crate) trait Doing<T> {
    fn doing(self, what: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::of(what, source))
    }
}

fn sentence(violations: &[Violation]) -> String {
    violations.iter().map(|v| format!("{} {}", v.field, v.description)).collect::<Vec<_>>().join("; ")
}
