//! The registry: which agents exist, what governs them, and whether one may be used here and now.
//!
//! [`load`] reads `agents/registry.yaml` and `agents/definitions/*.yaml` and finds every mistake at once; [`open`]
//! makes a service of them and refuses to while there is any error; [`rules`] decides whether an agent may be used.

use std::{path::Path, time::SystemTime};

use bsm_proto::registry::v1::{
    key_service_server::KeyServiceServer, registry_service_server::RegistryServiceServer,
};
use bsm_runtime::{
    diagnostic::{Diagnostic, Strictness},
    process::Process,
    reload::{self, Source},
    server::{MESSAGE_LIMIT, Service},
    settings::Settings,
    versions::Versioned as _,
};

pub mod catalog;
pub mod date;
pub mod definition;
pub mod error;
mod files;
mod filter;
pub mod governance;
mod grpc;
mod id;
mod keys;
pub mod lifecycle;
mod parallel;
mod recheck;
pub mod rules;
pub mod schema;
mod status;
mod template;
pub mod vocabulary;

pub use catalog::Catalog;
use date::Date;
use error::{OpenError, Unusable};

/// Reads the registry in `dir`, blocking, and compares review dates with the present day.
///
/// Returns every finding; there is a catalog unless one of them is an error.
pub fn load(dir: &Path, strictness: Strictness) -> (Option<Catalog>, Vec<Diagnostic>) {
    load_on(dir, strictness, Date::of(SystemTime::now()))
}

/// As [`load`], on a given day.
pub fn load_on(dir: &Path, strictness: Strictness, today: Date) -> (Option<Catalog>, Vec<Diagnostic>) {
    catalog::join(files::read(dir, strictness), today)
}

/// Opens the registry in the process's `agents_dir`, and reads it again after every edit: by the same rules, with the
/// same strictness. Warnings are logged.
///
/// # Errors
/// If there is any error in the files; the text of the error lists everything that was found. Once open, files with
/// errors leave the last good agents in force.
pub async fn open(process: &Process) -> Result<Service, OpenError> {
    let dir = process.settings.agents_dir.clone();
    let folders = files::folders(&dir);
    let catalogs =
        reload::open(process, Source { name: "agents", places: folders, read: Box::new(move || read(&dir)) })
            .await?;
    let Settings { profile, safe_mode, mobile_mode, .. } = *process.settings;
    let here = grpc::Here { profile, safe_mode, mobile_mode };
    let states = lifecycle::States::new(process);
    let registry = grpc::Registry::new(catalogs.clone(), states, here, process.drain.stopping());
    recheck::start(process, &registry, &catalogs).await;
    let server = RegistryServiceServer::new(registry)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let keys = KeyServiceServer::new(keys::Keys::new(process)).max_decoding_message_size(MESSAGE_LIMIT);
    Ok(Service::new().add(server).add(keys))
}

fn read(dir: &Path) -> Result<Catalog, OpenError> {
    let (catalog, found) = load(dir, Strictness::Strict);
    let Some(catalog) = catalog else {
        return Err(Unusable { dir: dir.to_owned(), found }.into());
    };
    for Diagnostic { file, line, column, field, message, fix, .. } in found {
        tracing::warn!(file, line, column, field, fix, "{message}");
    }
    tracing::info!(agents = catalog.agents().len(), version = catalog.version(), "registry read");
    Ok(catalog)
}

#[cfg(test)]
mod tests;
