//! The gateway: REST, server-sent events and webhooks in front of the mesh's gRPC services.
//!
//! There is no handler per route. Routes, their messages and who may call them come from the annotations of the
//! contract; adding an annotated rpc adds its route.
//!
//! | file | what it knows |
//! |---|---|
//! | `pipeline` | what every request passes, in order |
//! | `gate`, `keys`, `client` | who may reach and call what; who asks |
//! | `rate_limit` | how often |
//! | `admission` | how many at once, for each service |
//! | `routes` | the table of methods and paths, read from the descriptors |
//! | `dispatch`, `transcode` | from a request to its rpc and back |
//! | `faces` | OpenAI's and Anthropic's APIs under `/v1`, their errors included |
//! | `kept` | answers that are the same for everybody |
//! | `said` | what clients say in headers of how a call is meant |
//! | `sse` | server streams as events |
//! | `status`, `fault` | how failures are told |
//! | `webhook` | GitHub's deliveries |
//! | `scrape` | the one page that is no rpc: metrics for Prometheus |
//! | `mesh` | health, status and operation of the whole mesh |
//! | `upstream` | who serves which part of the contract |

mod admission;
mod authorisation;
mod client;
mod dispatch;
mod faces;
mod fault;
mod gate;
mod gateway;
mod kept;
mod keys;
mod mesh;
mod pipeline;
mod rate_limit;
mod routes;
mod said;
mod scrape;
mod sse;
mod status;
mod transcode;
mod upstream;
mod webhook;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bsm_proto::ops::v1::mesh_service_server::MeshServiceServer;
use bsm_runtime::{
    client::BadUrl,
    process::Process,
    role::Role,
    server::{MESSAGE_LIMIT, Service},
};
use tonic::service::Routes;

use crate::{
    admission::Admissions,
    client::Proxies,
    gate::Gate,
    gateway::Gateway,
    kept::Kept,
    keys::Keys,
    mesh::Mesh,
    pipeline::cors,
    rate_limit::RateLimit,
    routes::Table,
    upstream::{Edges, Upstreams},
    webhook::{Secrets, Webhook},
};
pub use authorisation::{Authorisation, Holders, authorisations};
pub use routes::Error as RouteError;

/// Why the gateway cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The contract has an annotation that means nothing here.
    #[error("the contract cannot be offered over HTTP")]
    Routes(#[from] RouteError),
    /// An rpc is offered that no role is known to serve.
    #[error("no role is known to serve {0}")]
    NobodyServes(String),
    /// A role's URL is malformed.
    #[error(transparent)]
    Url(#[from] BadUrl),
}

/// Reads the routes from the contract and opens the ways to the services. Connects to none of them: they may come
/// up later, and go and come again.
///
/// # Errors
/// When the contract or a URL in the settings cannot be used.
pub async fn open(process: &Process) -> Result<Service, Error> {
    let Face { mesh, gateway } = build(process)?;
    let rate_limit = gateway.rate_limit.as_ref().map(RateLimit::layer);
    let service = Service::new().add(mesh).http(pipeline::router(gateway.clone())).rate_limit(rate_limit);
    Ok(service.on_arrival(Arc::new(move |request| admission::arrive(&gateway, request))))
}

/// The gateway's own gRPC service, and its HTTP face, which calls that service among others.
struct Face {
    mesh: MeshServiceServer<Mesh>,
    gateway: Arc<Gateway>,
}

fn build(process: &Process) -> Result<Face, Error> {
    let edges = Edges::open(process)?;
    let mesh = MeshServiceServer::new(Mesh::new(process.clone(), edges.clone()))
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    let secrets = Secrets::new(&process.settings.webhook_secrets);
    if let Some(problem) = secrets.problem() {
        tracing::warn!(%problem, "every delivery of GitHub will be refused");
    }
    let gate = Arc::new(Gate::new(&process.settings));
    let proxies = Proxies::new(&process.settings.trusted_proxies);
    let keys = Keys::new(edges.to(Role::Registry));
    let rate_limit = RateLimit::new(process, gate.clone(), proxies.clone(), keys.proved());
    let routes = Table::read(bsm_proto::DESCRIPTORS)?;
    let upstreams = Upstreams::new(edges.clone(), Routes::new(mesh.clone()));
    let gateway = Gateway {
        kept: Kept::open(process, &routes, &upstreams)?,
        routes,
        gate,
        proxies,
        rate_limit,
        admissions: Admissions::new(process),
        keys,
        face_body: process.settings.face_body_bytes,
        cors: cors::Policy::of(&process.settings),
        webhook: Webhook::new(secrets, edges.to(Role::Orchestrator)),
        upstreams,
        metrics: process.metrics.clone(),
        admin_token: process.settings.admin_token.clone(),
        stopping: process.drain.stopping(),
    };
    if let Some(rpc) = gateway.routes.rpcs().find(|rpc| gateway.upstreams.of(rpc).is_none()) {
        return Err(Error::NobodyServes(rpc.name.clone()));
    }
    Ok(Face { mesh, gateway: Arc::new(gateway) })
}
