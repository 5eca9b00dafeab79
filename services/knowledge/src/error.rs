//! What the knowledge service refuses or fails to do.

use std::{fmt, io, path::PathBuf};

use bsm_runtime::{diagnostic::Diagnostic, sqlite::Unfit};

use crate::{corpus::MOST_BYTES, files::MOST_FILES};

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
    /// The documents that were added over the API cannot be opened.
    #[error("cannot open the added documents {}: {source}; its folder must be writable, and the file one that this release wrote", .path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Unfit,
    },
    /// The folder for state cannot be made, or the thread that writes not be started.
    #[error("cannot keep added documents: {0}")]
    State(io::Error),
    /// There is no memory, or no thread, for an index.
    #[error("cannot index the documents: {0}")]
    Index(#[from] tantivy::TantivyError),
    /// The reading was cut off, because the process ends or the reader panicked.
    #[error("reading the documents was cut off")]
    CutOff(#[from] tokio::task::JoinError),
}

/// Why a request is refused, or failed. For the caller: no paths, no SQL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fields of the request break their rules: each with what it must be. Never empty.
    #[error("the request is not usable: {}", clauses(.0))]
    Invalid(Vec<(&'static str, String)>),
    /// The document cannot be read: every mistake in it. Never empty.
    #[error("{}", first(.0))]
    Unusable(Vec<Diagnostic>),
    /// The id is well formed, and there is no such document.
    #[error("there is no document {0}")]
    UnknownDocument(String),
    /// The id cannot be that of a document. It is not repeated, because it may be long or hold anything.
    #[error("there is no such document; an id is 1 to 63 characters of a-z, 0-9 and '-'")]
    MalformedId,
    /// There is a document of that id.
    #[error("there is a document {0} already; replace it, or choose another id")]
    Exists(String),
    /// The document is a file, and only files are changed by editing.
    #[error("the document {0} lies in the folder of documents; edit or remove its file")]
    InFolder(String),
    /// The document is not the one that the caller means.
    #[error("the document {id} was changed meanwhile; its hash is {hash}")]
    Changed {
        /// Which document.
        id: String,
        /// What it is now.
        hash: String,
    },
    /// There is no room for another document.
    #[error("there is no room for the document: at most {MOST_FILES} documents and {} MiB of text are kept; delete some", MOST_BYTES >> 20)]
    Full,
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
    /// The passages found do not fit in one answer.
    #[error(
        "the passages found are {bytes} bytes, and an answer holds {limit}; ask for fewer, or give a smaller token_budget"
    )]
    AnswerTooLarge {
        /// The size of the answer.
        bytes: usize,
        /// The largest one sent.
        limit: usize,
    },
    /// The index cannot be read. The log has the cause.
    #[error("the documents cannot be searched now; the log has the cause")]
    Unsearchable,
    /// The disk does not take documents, or the audit log no line. The log has the cause.
    #[error("documents cannot be written now, so nothing was changed; the log has the cause")]
    Unwritten,
    /// The process ends.
    #[error("the knowledge service is being closed")]
    Closed,
}

fn clauses(fields: &[(&'static str, String)]) -> String {
    fields.iter().map(|(field, must)| format!("{field} {must}")).collect::<Vec<_>>().join("; ")
}

/// The first mistake in one line, and how many more there are.
fn first(found: &[Diagnostic]) -> String {
    let more = match found.len() {
        0 | 1 => String::new(),
        several => format!(" ({} more mistakes)", several - 1),
    };
    found.first().map(|finding| clause(finding) + &more).unwrap_or_default()
}

/// A mistake in one line: where, what, and what to do.
pub(crate) fn clause(finding: &Diagnostic) -> String {
    let Diagnostic { line, column, field, message, fix, .. } = finding;
    let place = if *line == 0 { String::new() } else { format!("line {line}, column {column}: ") };
    let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
    let fix = if fix.is_empty() { String::new() } else { format!("; {fix}") };
    format!("{place}{field}{message}{fix}")
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
