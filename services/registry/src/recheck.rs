//! What is running by the rules of before is stopped where the rules in force forbid it: before anything is served, and
//! after every edit.

use bsm_runtime::{
    process::Process,
    versions::{Versioned as _, Versions},
};
use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::{catalog::Catalog, grpc::Registry};

/// The subject of the note about states that cannot be held against the rules.
const SUBJECT: &str = "lifecycle";

/// Holds what is running against the agents in force, now and after every edit until the process drains.
pub(crate) async fn start(process: &Process, registry: &Registry, catalogs: &Versions<Catalog>) {
    let seen = catalogs.current().version().to_owned(); // before: an edit meanwhile is one more turn
    recheck(process, registry).await;
    let (process, registry, catalogs) = (process.clone(), registry.clone(), catalogs.clone());
    process.drain.clone().spawn("recheck of running agents", |stop| async move {
        after_edits(&process, &registry, &catalogs, seen, stop).await;
        Ok(())
    });
}

async fn after_edits(
    process: &Process,
    registry: &Registry,
    catalogs: &Versions<Catalog>,
    seen: String,
    stop: CancellationToken,
) {
    let mut edits = catalogs.follow(Some(seen), |_| (), stop);
    while let Some(Ok(())) = edits.next().await {
        recheck(process, registry).await;
    }
}

/// A failure leaves the states as they are and is told.
async fn recheck(process: &Process, registry: &Registry) {
    match registry.recheck().await {
        Ok(()) => process.degraded.mend(SUBJECT),
        Err(problem) => {
            tracing::error!(error = %problem, "running agents are not held against the rules");
            let note = "What agents are doing cannot be read or written: one that is running may be forbidden by now.";
            process.degraded.note(SUBJECT, note);
        }
    }
}
