//! What calls to models took, kept on disk: tokens and cost for each minute, caller, agent, job and model.
//!
//! ```text
//! calls ──► pending: added up in memory ──► writer thread: one transaction for all that waits ──► fsync
//! lists ──► wait for what is pending ──► a read-only connection
//! ```
//! A call never waits for the disk: its numbers are added to those of its minute in memory and written within moments.
//! A process that is killed loses what was not written yet, at most the last commit's time; one that ends writes it.
//! While the disk fails, numbers are kept in memory and tried again. Rows are sums, so their number follows from who
//! asks whom, not from how often.

mod pending;
mod query;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;

use crate::price::Tokens;

pub use query::{By, Filter, Line, Listed, Query};
pub use store::{Store, Used};

/// What one call took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it began, in ms since 1970.
    pub at: i64,
    /// Who, and of whom.
    pub key: Key,
    /// How much.
    pub sums: Sums,
}

/// What numbers are kept apart by, beside the minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Key {
    /// Who calls.
    pub caller: String,
    /// The agent that asked; empty for none.
    pub agent: String,
    /// The job that it belongs to; empty for none.
    pub job: String,
    /// Who was asked.
    pub provider: String,
    /// The model that the provider says answered, else that it was asked for.
    pub model: String,
}

/// Numbers that add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Calls.
    pub requests: u64,
    /// Those that brought no answer, or not all of it.
    pub failed: u64,
    /// Those whose tokens are an estimate, because their end was not seen or the provider did not say.
    pub estimated: u64,
    /// Those that took tokens of a model whose price is not known: they add nothing to the cost.
    pub unpriced: u64,
    /// Tokens.
    pub tokens: Tokens,
    /// Cost, in billionths of a US dollar.
    pub nanos: u64,
}

/// Why the usage cannot be opened. For the operator: it names files.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is in use or cannot be written.
    #[error(transparent)]
    Folder(#[from] bsm_runtime::folder::Error),
    /// The file was written by a newer release.
    #[error(
        "the usage {} has schema {found}, and this release knows only up to {known}; start the newer release, or give \
         this one another data folder", .path.display()
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
    #[error("{} is a database, but not the usage of this product; move it away", .0.display())]
    Foreign(PathBuf),
    /// The file cannot be made, opened or read.
    #[error(
        "cannot open the usage {}: {source}; its folder must be writable and have space, and a damaged file be moved away",
        .path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The thread that writes cannot be started.
    #[error("cannot start the thread that writes the usage: {0}")]
    Thread(std::io::Error),
    /// Opening was cut off, because the process ends or the opener panicked.
    #[error("opening the usage was cut off")]
    CutOff,
}

/// Why usage could not be read. For the caller: no paths, no SQL.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ReadError {
    /// The database refused.
    #[error("the usage could not be read")]
    Database(#[from] Arc<rusqlite::Error>),
    /// The process ends.
    #[error("the usage is being closed")]
    Closed,
}

impl PartialEq for ReadError {
    fn eq(&self, other: &ReadError) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for ReadError {}

// === impl Sums ===

impl Sums {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Sums) -> Sums {
        Sums {
            requests: self.requests.saturating_add(other.requests),
            failed: self.failed.saturating_add(other.failed),
            estimated: self.estimated.saturating_add(other.estimated),
            unpriced: self.unpriced.saturating_add(other.unpriced),
            tokens: self.tokens.plus(other.tokens),
            nanos: self.nanos.saturating_add(other.nanos),
        }
    }
}
