//! Which service answers which part of the contract, and the way to it.

use std::{collections::HashMap, convert::Infallible};

use bsm_proto::ops::v1::mesh_service_server::SERVICE_NAME as MESH;
use bsm_runtime::{
    client::{BadUrl, Edge},
    process::Process,
    role::Role,
};
use http::Request;
use tonic::{body::Body, service::Routes};
use tower::ServiceBuilder;

use crate::routes::Rpc;

/// The role that serves each package. The gateway's own service is called in this process.
const SERVED_BY: [(&str, Role); 5] = [
    ("bsm.registry.v1", Role::Registry),
    ("bsm.knowledge.v1", Role::Knowledge),
    ("bsm.memory.v1", Role::Memory),
    ("bsm.models.v1", Role::Models),
    ("bsm.orchestrator.v1", Role::Orchestrator),
];

/// The ways to the roles that serve the contract: one each for calls and one for streams; and the same for operators,
/// whose questions and changes must arrive whatever the guards on the other ways are doing.
#[derive(Clone, Debug)]
pub(crate) struct Edges {
    calls: HashMap<Role, Edge>,
    streams: HashMap<Role, Edge>,
    operations: HashMap<Role, Edge>,
    watches: HashMap<Role, Edge>,
}

impl Edges {
    pub(crate) fn open(process: &Process) -> Result<Edges, BadUrl> {
        let open = |way: fn(&Process, Role) -> Result<Edge, BadUrl>| {
            let ways = SERVED_BY.into_iter().map(|(_, role)| Ok((role, way(process, role)?)));
            ways.collect::<Result<HashMap<_, _>, BadUrl>>()
        };
        Ok(Edges {
            calls: open(Process::edge)?,
            streams: open(Process::stream_edge)?,
            operations: open(Process::operations_edge)?,
            watches: open(Process::watch_edge)?,
        })
    }

    pub(crate) fn to(&self, role: Role) -> Edge {
        self.calls.get(&role).cloned().expect("the gateway asks only roles that serve a part of the contract")
    }

    /// The way for an rpc of a role.
    fn of(&self, role: Role, rpc: &Rpc) -> Edge {
        if rpc.streams { self.stream_from(role) } else { self.to(role) }
    }

    fn stream_from(&self, role: Role) -> Edge {
        self.streams.get(&role).cloned().expect("each role that is called has a way for streams, too")
    }

    /// Every role and the operators' way to it, in the order of the table.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (Role, Edge)> + '_ {
        Edges::each(&self.operations)
    }

    /// Every role and the way on which operators follow it.
    pub(crate) fn watches(&self) -> impl Iterator<Item = (Role, Edge)> + '_ {
        Edges::each(&self.watches)
    }

    fn each(ways: &HashMap<Role, Edge>) -> impl Iterator<Item = (Role, Edge)> + '_ {
        SERVED_BY.into_iter().filter_map(|(_, role)| Some((role, ways.get(&role)?.clone())))
    }
}

/// The ways to the services of the contract.
#[derive(Debug)]
pub(crate) struct Upstreams {
    edges: Edges,
    mesh: Edge,
}

impl Upstreams {
    /// `mesh` is the gateway's own service, called through the same stack of types as the others.
    pub(crate) fn new(edges: Edges, mesh: Routes) -> Upstreams {
        let mesh = ServiceBuilder::new()
            .map_err(|never: Infallible| match never {})
            .map_request(|request: Request<Body>| request)
            .service(mesh.prepare());
        Upstreams { edges, mesh: Edge::new(mesh) }
    }

    /// The way for calls to a role.
    pub(crate) fn calls_to(&self, role: Role) -> Edge {
        self.edges.to(role)
    }

    /// The way for streams from a role.
    pub(crate) fn streams_from(&self, role: Role) -> Edge {
        self.edges.stream_from(role)
    }

    /// The way to an rpc's service; `None` when nobody is known to serve it.
    pub(crate) fn of(&self, rpc: &Rpc) -> Option<Edge> {
        match rpc.service == MESH {
            true => Some(self.mesh.clone()),
            false => role_of(rpc).map(|role| self.edges.of(role, rpc)),
        }
    }
}

/// Every role that serves a part of the contract, beside the gateway itself.
pub(crate) fn roles() -> impl Iterator<Item = Role> {
    SERVED_BY.into_iter().map(|(_, role)| role)
}

/// The role that serves an rpc; `None` for the gateway's own, and when nobody is known to.
pub(crate) fn role_of(rpc: &Rpc) -> Option<Role> {
    let package = rpc.service.rsplit_once('.').map_or("", |(package, _)| package);
    SERVED_BY.into_iter().find(|(served, _)| *served == package).map(|(_, role)| role)
}
