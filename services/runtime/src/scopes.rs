//! The scope that each rpc of the contract declares, read from its descriptors once.

use std::{collections::HashMap, sync::LazyLock};

use bsm_proto::api::v1::{Rule, Scope};
use foldhash::fast::RandomState;
use prost_reflect::{DescriptorError, DescriptorPool, MethodDescriptor};

/// What the contract says of its rpcs.
#[derive(Debug)]
pub struct Scopes(HashMap<String, Rpc, RandomState>);

/// What the contract says of one rpc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rpc {
    /// The right a caller needs; `Unspecified` when it declares none.
    pub scope: Scope,
    /// Whether it answers with a stream.
    pub streams: bool,
    /// Whether its time is that of somebody it waits for.
    pub waits: bool,
    /// Whether it may be sent twice without harm: `idempotency_level` in the contract.
    pub idempotent: bool,
}

static CONTRACT: LazyLock<Scopes> =
    LazyLock::new(|| Scopes::read(bsm_proto::DESCRIPTORS).expect("the contract is compiled into the binary"));

impl Scopes {
    /// Those of the contract that this binary was built with.
    pub fn of_the_contract() -> &'static Scopes {
        &CONTRACT
    }

    fn read(descriptors: &[u8]) -> Result<Scopes, DescriptorError> {
        let pool = DescriptorPool::decode(descriptors)?;
        let mut rpcs = HashMap::default();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                let rule = rule(&pool, &method);
                let (streams, idempotent) = (method.is_server_streaming(), is_idempotent(&method));
                rpcs.insert(path, Rpc { scope: rule.scope(), streams, waits: rule.waits, idempotent });
            }
        }
        Ok(Scopes(rpcs))
    }

    /// Each rpc, by its path, and the right that it declares. In no order.
    pub fn all(&self) -> impl Iterator<Item = (&str, Scope)> {
        self.0.iter().map(|(path, rpc)| (path.as_str(), rpc.scope))
    }

    /// The rpc at a path such as `/bsm.ops.v1.OpsService/SetFlag`; `None` for what is not in the contract.
    pub fn rpc(&self, path: &str) -> Option<Rpc> {
        self.0.get(path).copied()
    }
}

/// NO_SIDE_EFFECTS or IDEMPOTENT; unknown, the default, is neither.
fn is_idempotent(method: &MethodDescriptor) -> bool {
    let options = method.options();
    let level = options.get_field_by_name("idempotency_level");
    level.and_then(|level| level.as_enum_number()).is_some_and(|level| level != 0)
}

/// What the method declares; nothing, where it declares nothing.
fn rule(pool: &DescriptorPool, method: &MethodDescriptor) -> Rule {
    let rule = pool.get_extension_by_name("bsm.api.v1.rule").and_then(|option| {
        let options = method.options();
        let value = options.get_extension(&option);
        value.as_message().and_then(|message| message.transcode_to::<Rule>().ok())
    });
    rule.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_of_the_contract_declares_a_scope() {
        let scopes = Scopes::of_the_contract();
        let silent: Vec<_> = scopes.0.iter().filter(|(_, rpc)| rpc.scope == Scope::Unspecified).collect();
        assert!(silent.is_empty() && scopes.0.len() > 30, "{silent:?}");
    }

    #[test]
    fn reads_may_be_sent_twice_and_what_changes_or_costs_something_may_not() {
        let idempotent = |path| Scopes::of_the_contract().rpc(path).unwrap().idempotent;
        assert!(idempotent("/bsm.registry.v1.RegistryService/ResolveAgent"));
        assert!(idempotent("/bsm.memory.v1.MemoryService/FindSimilarReviews"));
        assert!(!idempotent("/bsm.orchestrator.v1.OrchestratorService/SubmitEvent"));
        assert!(!idempotent("/bsm.models.v1.ModelService/Complete"));
    }

    #[test]
    fn whatever_changes_a_process_needs_the_operator() {
        let scopes = Scopes::of_the_contract();
        for rpc in ["ResetBreaker", "SetBreakerMode", "ClearCache", "SetFlag"] {
            let found = scopes.rpc(&format!("/bsm.ops.v1.OpsService/{rpc}")).unwrap();
            assert_eq!(
                found,
                Rpc { scope: Scope::Admin, streams: false, waits: false, idempotent: false },
                "{rpc}"
            );
        }
        assert!(scopes.rpc("/bsm.ops.v1.OpsService/WatchTransitions").unwrap().streams);
        assert_eq!(scopes.rpc("/grpc.health.v1.Health/Check"), None);
    }
}
