//! Adaptive limits: how many calls a process takes on at once, and which calls count.

use std::time::Duration;

use bsm_stack::concurrency::{Config, Limiter};

use super::kind::Kind;
use crate::{process::Process, role::Role, scopes::Scopes};

/// Where a limit begins: at what one caller's bulkhead lets through, so that a burst after the start is served. It falls
/// from there within seconds if that is too much.
const FIRST_LIMIT: usize = 256;

/// Calls within the mesh take a few ms at most; up to this, taking longer is the scheduler's noise and nobody's harm.
const NEGLIGIBLE: Duration = Duration::from_millis(10);

/// An adaptive limit within the bounds of the settings, listed under `name`; `None` when there are to be none.
pub fn adaptive_limit(process: &Process, name: String) -> Option<Limiter> {
    let (min, max) = (process.settings.concurrency.min, process.settings.concurrency.max);
    let config = Config { initial: FIRST_LIMIT, min, max, negligible: NEGLIGIBLE, ..Config::default() };
    (max > 0).then(|| process.guards.limiter(name, config))
}

/// That of a role's gRPC calls. The gateway has none: it serves few of them, and has a limit of its own for each service
/// that it stands in front of.
pub(super) fn inbound(process: &Process) -> Option<Limiter> {
    let is_wanted = process.role != Role::Gateway;
    is_wanted.then(|| adaptive_limit(process, format!("{} {}", process.role, Kind::Call.name()))).flatten()
}

/// Whether calls to the rpc at a path pass the adaptive limit uncounted: those that must answer when everything else is
/// full; streams, which last as long as a client pleases; and rpcs that wait for somebody else. A model takes seconds to
/// minutes, and which ones is chance: a limit that followed it would take a slow provider for an overload and shut the
/// service for everybody. All of them keep their bulkhead.
pub fn is_untimed(path: &str) -> bool {
    Kind::of(path) != Kind::Call || Scopes::of_the_contract().rpc(path).is_some_and(|rpc| rpc.waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_models_or_jobs_is_not_timed_and_what_answers_by_itself_is() {
        for (path, untimed) in [
            ("/bsm.registry.v1.RegistryService/ListAgents", false),
            ("/bsm.memory.v1.MemoryService/FindSimilarReviews", false),
            ("/bsm.models.v1.ModelService/ListProviders", false),
            ("/bsm.models.v1.ModelService/Complete", true),
            ("/bsm.models.v1.ModelService/ChatDirect", true),
            ("/bsm.orchestrator.v1.OrchestratorService/RunAgent", true),
            ("/bsm.orchestrator.v1.OrchestratorService/SubmitEvent", true),
            ("/bsm.orchestrator.v1.OrchestratorService/WatchJob", true),
            ("/grpc.health.v1.Health/Check", true),
            ("/bsm.ops.v1.OpsService/GetSnapshot", true),
            ("/made.up/Name", false),
        ] {
            assert_eq!(is_untimed(path), untimed, "{path}");
        }
    }
}
