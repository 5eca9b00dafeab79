//! The knowledge service: the documents that reviewers and chat agents rest on, read once and served from memory.
//!
//! ```text
//! folder ──files──► bytes ──format──► title, text, passages ──► Corpus ──┐
//! API ─────draft──► bytes ──format──► ... ──► store (SQLite) ────────────┴─ library ──► the version in force ──► gRPC
//! ```
//! Everything wrong with the documents is found before the service is ready, and told at once. What is served is an
//! immutable [`Corpus`]; an edit of the folder makes another one, which is put in force if nothing is wrong with it.

mod corpus;
mod document;
mod draft;
mod edition;
mod error;
mod files;
mod format;
mod front_matter;
mod grpc;
mod library;
mod name;
mod outline;
mod passage;
mod provenance;
mod search;
mod status;
mod store;

use std::path::Path;

use bsm_proto::knowledge::v1::knowledge_service_server::KnowledgeServiceServer;
use bsm_runtime::{
    process::Process,
    reload::{self, Source},
    server::{MESSAGE_LIMIT, Service},
};
use tracing::info;

use library::Library;

pub use corpus::{Corpus, MOST_BYTES};
pub use document::Document;
pub use error::{Error, LoadError};
pub use files::{MOST_FILES, MOST_LEVELS};
pub use format::{Format, MOST_PDF_BYTES, MOST_TEXT_FILE_BYTES};
pub use outline::MOST_TEXT_BYTES;
pub use passage::{MOST_PASSAGE_BYTES, MOST_PASSAGES, Passage};
pub use provenance::{Provenance, Way};

/// Reads the documents of `settings.knowledge_dir`, again after every edit, and those that were added; offers all, and
/// takes more.
///
/// # Errors
/// When the folder cannot be read or any document is not usable; all mistakes at once. Once open, a folder like that
/// leaves the last good documents in force.
pub async fn open(process: &Process) -> Result<Service, LoadError> {
    let folder = process.settings.knowledge_dir.clone();
    let folders = vec![folder.clone()];
    let read = Box::new(move || read(&folder));
    let folders = reload::open(process, Source { name: "documents", places: folders, read }).await?;
    let (owner, first) = (process.clone(), folders.current());
    let library = tokio::task::spawn_blocking(move || Library::open(&owner, first)).await??;
    process.drain.spawn("library", |stop| library.follow(folders, stop));
    let server = KnowledgeServiceServer::new(grpc::Knowledge::new(library, process.drain.stopping()))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    Ok(Service::new().add(server))
}

fn read(folder: &Path) -> Result<Corpus, LoadError> {
    let corpus = Corpus::load(folder)?;
    info!(documents = corpus.len(), bytes = corpus.bytes(), "the documents are read");
    Ok(corpus)
}
