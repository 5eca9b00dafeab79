//! Which crate plays which role.

use bsm_runtime::{process::Process, role::Role, server::Service};

/// Opens a role: its data is checked, its stores are open, its background work has begun.
///
/// # Errors
/// Whatever keeps the role from serving, as a sentence.
pub(crate) async fn open(process: &Process) -> anyhow::Result<Service> {
    Ok(match process.role {
        Role::Registry => bsm_registry::open(process).await?,
        Role::Knowledge => bsm_knowledge::open(process).await?,
        Role::Memory => bsm_memory::open(process).await?,
        Role::Models => bsm_models::open(process).await?,
        Role::Orchestrator => bsm_orchestrator::open(process).await?,
        Role::Gateway => bsm_gateway::open(process).await?,
    })
}
