//! The knowledge service: the documents that reviewers and chat agents rest on, read once and served from memory.
//!
//! ```text
//! folder ──files──► bytes ──document──► title, tags, audience, text ──► Corpus ──► Library (the one in force) ──► gRPC
//! ```
//! Everything wrong with the documents is found before the service is ready, and told at once. What is served is an
//! immutable [`Corpus`]; reading the folder again means making another one and putting it in force.

mod corpus;
mod document;
mod error;
mod files;
mod front_matter;
mod grpc;
mod library;
mod name;
mod status;

use std::sync::Arc;

use bsm_proto::knowledge::v1::knowledge_service_server::KnowledgeServiceServer;
use bsm_runtime::{
    process::Process,
    server::{MESSAGE_LIMIT, Service},
};
use tracing::info;

pub use corpus::{Corpus, MOST_BYTES};
pub use document::Document;
pub use error::{Error, LoadError};
pub use files::{MOST_FILE_BYTES, MOST_FILES, MOST_LEVELS};
pub use library::Library;

/// Reads the documents of `settings.knowledge_dir` and offers them.
///
/// # Errors
/// When the folder cannot be read or any document is not usable; all mistakes at once.
pub async fn open(process: &Process) -> Result<Service, LoadError> {
    let folder = process.settings.knowledge_dir.clone();
    let corpus = tokio::task::spawn_blocking(move || Corpus::load(&folder)).await??;
    info!(documents = corpus.len(), bytes = corpus.bytes(), "the documents are read");
    let library = Arc::new(Library::new(corpus));
    let server = KnowledgeServiceServer::new(grpc::Knowledge::new(library))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    Ok(Service::new().add(server))
}
