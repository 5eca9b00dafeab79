//! What the knowledge service refuses or fails to do.

use std::{fmt, io, path::PathBuf};

use bsm_runtime::diagnostic::Diagnostic;

/// Why the documents cannot be served at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The folder is missing or unreadable.
    #[error(
        "cannot read the folder of documents {}: {source}; create it, or name another one with BSM_KNOWLEDGE_DIR",
        .folder.display()
    )]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Some documents are not usable: every mistake, in the order of the files.
    #[error("{}", Listed(.0))]
    Invalid(Vec<Diagnostic>),
    /// The reading was cut off, because the process ends or the reader panicked.
    #[error("reading the documents was cut off")]
    CutOff(#[from] tokio::task::JoinError),
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The id is well formed, and there is no such document.
    #[error("there is no document {0}")]
    UnknownDocument(String),
    /// The id cannot be that of a document. It is not repeated, because it may be long or hold anything.
    #[error("there is no such document; an id is 1 to 63 characters of a-z, 0-9 and '-'")]
    MalformedId,
    /// The documents asked for do not fit in one answer.
    #[error(
        "the documents asked for are {bytes} bytes, and an answer holds {limit}; \
         name an audience, or get the documents one by one"
    )]
    ListingTooLarge {
        /// The size of the answer.
        bytes: usize,
        /// The largest one sent.
        limit: usize,
    },
}

/// Mistakes as a person reads them: how many, then each.
struct Listed<'a>(&'a [Diagnostic]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, these) = (self.0.len(), if self.0.len() == 1 { "mistake" } else { "mistakes" });
        write!(f, "the documents have {count} {these}; nothing is served until all are mended")?;
        self.0.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}
