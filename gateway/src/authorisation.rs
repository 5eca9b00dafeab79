//! Who may call what: one row an rpc of the contract, with the routes that lead to it. `bsm authz` prints it.

use std::collections::BTreeMap;

use bsm_proto::api::v1::Scope;
use bsm_runtime::scopes::Scopes;

use crate::{RouteError, faces, routes};

/// What a call needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorisation {
    /// Where it is called over gRPC: `/bsm.registry.v1.RegistryService/ListAgents`.
    pub rpc: String,
    /// The right that it declares.
    pub scope: Scope,
    /// Where it is called over REST: `GET /api/agents`. Empty for what only gRPC offers.
    pub routes: Vec<String>,
}

/// Who holds a right, in words: over REST at the gateway, and over gRPC at the port of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holders {
    /// What the right is called, as in the scopes of API keys.
    pub scope: &'static str,
    /// Over REST.
    pub rest: &'static str,
    /// Over gRPC.
    pub grpc: &'static str,
}

const PORT: &str = "whoever reaches the port";
const OPERATOR: &str = "the operator; without a token in development, this machine";

/// By scope: the table of the gate (`gate.rs`) and of each service's door (`runtime/server/auth.rs`) for people.
const HOLDERS: [(Scope, Holders); 7] = [
    (Scope::Unspecified, Holders { scope: "undeclared", rest: "nobody", grpc: "nobody" }),
    (Scope::Open, Holders { scope: "open", rest: "anybody", grpc: PORT }),
    (
        Scope::Read,
        Holders {
            scope: "read",
            rest: "a key with read; the operator; in development, this machine",
            grpc: PORT,
        },
    ),
    (
        Scope::Invoke,
        Holders {
            scope: "invoke",
            rest: "a key with invoke; the operator; in development, this machine",
            grpc: PORT,
        },
    ),
    (Scope::Publish, Holders { scope: "publish", rest: "a key with publish; the operator", grpc: OPERATOR }),
    (Scope::Admin, Holders { scope: "admin", rest: "a key with admin; the operator", grpc: OPERATOR }),
    (Scope::Internal, Holders { scope: "internal", rest: "not offered", grpc: PORT }),
];

/// Every rpc of the contract that this binary was built with, by name.
///
/// # Errors
/// When the annotations of the contract cannot be offered; a gateway would not start with them.
pub fn authorisations() -> Result<Vec<Authorisation>, RouteError> {
    let mut offered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (rpc, route) in routes::shown(bsm_proto::DESCRIPTORS)?.into_iter().chain(faces::routes()) {
        offered.entry(rpc).or_default().push(route);
    }
    let rows = Scopes::of_the_contract().all().map(|(rpc, scope)| Authorisation {
        routes: offered.remove(rpc).unwrap_or_default(),
        rpc: rpc.to_owned(),
        scope,
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| a.rpc.cmp(&b.rpc));
    Ok(rows)
}

impl Authorisation {
    /// Who holds the right.
    #[must_use]
    pub fn holders(&self) -> Holders {
        let found = HOLDERS.iter().find(|(scope, _)| *scope == self.scope);
        found.map_or(HOLDERS[0].1, |(_, holders)| *holders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rpc_is_there_once_with_all_its_routes_and_no_internal_one_has_any() {
        let rows = authorisations().unwrap();
        assert!(rows.len() > 60 && rows.windows(2).all(|pair| pair[0].rpc < pair[1].rpc));
        let row = |rpc: &str| rows.iter().find(|row| row.rpc.ends_with(rpc)).unwrap();
        let start = row("RegistryService/StartAgent");
        assert_eq!(start.routes, ["POST /api/agents/{agent_id}/start", "POST /api/agents/start/{agent_id}"]);
        assert_eq!(start.holders().scope, "invoke");
        assert!(row("ModelService/Relay").routes.contains(&"POST /v1/chat/completions".to_owned()));
        let wrong = rows.iter().find(|row| row.scope == Scope::Internal && !row.routes.is_empty());
        assert_eq!(wrong, None);
    }

    #[test]
    fn every_scope_has_its_holders() {
        for number in 0.. {
            let Ok(scope) = Scope::try_from(number) else { break };
            assert_eq!(HOLDERS[number as usize].0, scope);
        }
    }
}
