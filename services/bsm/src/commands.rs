//! One file per command.

pub(crate) mod audit;
pub(crate) mod authz;
pub(crate) mod bench;
pub(crate) mod config;
pub(crate) mod healthcheck;
pub(crate) mod keys;
pub(crate) mod ops;
pub(crate) mod review;
pub(crate) mod serve;
mod service;
mod shown;
pub(crate) mod up;
pub(crate) mod usage;
pub(crate) mod validate;
mod when;

/// Runs a command's async part on a runtime of its own.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // What is still blocked after the drain's grace period must not hold the process.
    runtime.shutdown_background();
    result
}
