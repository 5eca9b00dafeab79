//! The memory service: past reviews and decisions, kept on disk and found again by likeness.
//!
//! ```text
//! store ──► writer thread: one transaction per group ──► fsync ──► likeness index ──► answer
//! find  ──► likeness index: keys and scores, best first ──► records by key ──► answer
//! ```
//! The SQLite file is the truth and the index is derived from it at every start. Because the index learns of a record
//! after its commit and before its answer, what is acknowledged is found, and what is found is on the disk.

mod check;
mod error;
mod grpc;
mod request;
mod status;

pub mod collections;
pub mod likeness;
pub mod metadata;
pub mod record;
pub mod store;
pub mod words;

use bsm_proto::memory::v1::memory_service_server::MemoryServiceServer;
use bsm_runtime::{
    process::Process,
    server::{MESSAGE_LIMIT, Service},
};

pub use check::Violation;
pub use error::{Error, OpenError};

use store::Store;

/// Opens the memory in the process's folder and offers it.
///
/// # Errors
/// When the folder is in use or unwritable, or the file is damaged, foreign or newer than this release.
pub async fn open(process: &Process) -> Result<Service, OpenError> {
    let owner = process.clone();
    let opened = tokio::task::spawn_blocking(move || Store::open(owner.folder()?)).await;
    let store = opened.map_err(|_| OpenError::CutOff)??;
    let watched = store.clone();
    process.drain.spawn("memory writer", |stop| async move {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = watched.ended() => anyhow::bail!("the thread that writes the memory has ended"),
        }
    });
    let server = MemoryServiceServer::new(grpc::Memory::new(store, process.drain.clone()))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    Ok(Service::new().add(server))
}
