//! What kind of call a path is: kinds differ in how long they may last and in whom they crowd out.

use std::time::Duration;

use bsm_stack::bulkhead;

use super::MAX_DEADLINE;
use crate::scopes::Scopes;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Question and answer.
    Call,
    /// A server stream of the contract.
    Stream,
    /// Health, reflection and OpsService: must answer when everything else is full.
    Operations,
}

/// Services that operators use, by the beginning of their paths.
const OPERATIONS: [&str; 3] = ["/grpc.health.v1.", "/grpc.reflection.", "/bsm.ops.v1.OpsService/"];

impl Kind {
    /// Every kind.
    pub(super) const ALL: [Kind; 3] = [Kind::Call, Kind::Stream, Kind::Operations];

    /// The kind of call at a path.
    pub(super) fn of(path: &str) -> Kind {
        if OPERATIONS.iter().any(|prefix| path.starts_with(prefix)) {
            return Kind::Operations;
        }
        match Scopes::of_the_contract().rpc(path) {
            Some(rpc) if rpc.streams => Kind::Stream,
            _ => Kind::Call,
        }
    }

    /// The name in bulkheads and limits.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Kind::Call => "inbound",
            Kind::Stream => "inbound streams",
            Kind::Operations => "inbound operations",
        }
    }

    /// How many at once, and how many may wait. Nobody waits for a stream to end.
    pub(super) const fn bulkhead(self) -> bulkhead::Config {
        match self {
            Kind::Call => bulkhead::Config { max_in_flight: 1024, max_queue: 1024 },
            Kind::Stream => bulkhead::Config { max_in_flight: 2048, max_queue: 0 },
            Kind::Operations => bulkhead::Config { max_in_flight: 256, max_queue: 256 },
        }
    }

    /// How long a call may take whose caller set no deadline.
    pub(super) const fn default_deadline(self) -> Duration {
        match self {
            Kind::Call => Duration::from_secs(60),
            Kind::Stream | Kind::Operations => MAX_DEADLINE, // a watch is meant to last
        }
    }
}

/// What is served beside the contract.
const BESIDE_THE_CONTRACT: [&str; 4] = [
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// Whether a path names an rpc that somebody defined, as opposed to one that a client made up.
pub(super) fn is_known(path: &str) -> bool {
    BESIDE_THE_CONTRACT.contains(&path) || Scopes::of_the_contract().rpc(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_operations_stand_apart_from_calls() {
        for (path, kind) in [
            ("/bsm.registry.v1.RegistryService/ListAgents", Kind::Call),
            ("/bsm.orchestrator.v1.OrchestratorService/WatchJob", Kind::Stream),
            ("/bsm.ops.v1.OpsService/GetInfo", Kind::Operations),
            ("/grpc.health.v1.Health/Watch", Kind::Operations),
            ("/made.up/Name", Kind::Call),
        ] {
            assert_eq!(Kind::of(path), kind, "{path}");
        }
    }

    #[test]
    fn names_that_clients_make_up_are_not_known() {
        assert!(is_known("/grpc.health.v1.Health/Check"));
        assert!(is_known("/bsm.registry.v1.RegistryService/ListAgents"));
        for path in
            ["/made.up/Name", "/grpc.health.v1.Health/xCheck", "/bsm.registry.v1.RegistryService/Nope"]
        {
            assert!(!is_known(path), "{path}");
        }
    }
}
