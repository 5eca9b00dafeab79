//! The one client stack: everything between a caller in this process and one service of the mesh.

mod own_timeout;
mod status_layer;

use std::time::Duration;

use bsm_stack::{
    breaker::{self, BreakerLayer},
    bulkhead::{self, BulkheadLayer},
    classify::GrpcClassifier,
    deadline::OutboundLayer,
    timeout::TimeoutLayer,
};
use http::{Request, Response};
use tonic::{
    Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use crate::{guards::Guards, role::Role};
pub use status_layer::StatusLayer;

/// A way to a service, for tonic's generated clients. Clones share the connection and the guards.
pub type Edge = BoxCloneSyncService<Request<Body>, Response<Body>, Status>;

/// What is kept back from the deadline on each hop, so that the callee gives up before its caller does.
const MARGIN: Duration = Duration::from_millis(5);

/// How patient an edge is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The whole call, streams included, when the caller set no deadline.
    pub deadline: Duration,
    /// From sending to the head of the answer.
    pub attempt: Duration,
}

impl Patience {
    /// What calls to a role may take: those that read answer in moments, those that ask models do not. A
    /// stream of job events may last as long as a job; its client comes back with the last id it saw.
    pub fn toward(role: Role) -> Patience {
        let seconds = |deadline, attempt| Patience {
            deadline: Duration::from_secs(deadline),
            attempt: Duration::from_secs(attempt),
        };
        match role {
            Role::Registry | Role::Knowledge | Role::Memory => seconds(10, 5),
            Role::Models => seconds(600, 180),
            Role::Orchestrator => seconds(3600, 300),
            Role::Gateway => seconds(30, 30),
        }
    }
}

/// Why an edge cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{role}.url \"{url}\" is not an address that can be called: {source}")]
pub struct BadUrl {
    role: Role,
    url: String,
    source: tonic::transport::Error,
}

/// Makes the edge from one role to another. Connects when first used, and again after a loss.
///
/// # Errors
/// When the URL is malformed. Must run inside the runtime.
pub fn edge(from: Role, to: Role, url: &str, guards: &Guards) -> Result<Edge, BadUrl> {
    let channel = channel(url).map_err(|source| BadUrl { role: to, url: url.to_owned(), source })?;
    let name = format!("{from}->{to}");
    let patience = Patience::toward(to);
    let breaker = guards.breaker(name.as_str(), breaker::Config::internal());
    let bulkhead = guards.bulkhead(name.as_str(), bulkhead::Config::default());
    let stack = ServiceBuilder::new()
        .layer(StatusLayer) // whatever is refused below reads as a gRPC status
        .layer(OutboundLayer::new(patience.deadline, MARGIN)) // the whole call, inherited from the caller
        .layer(BreakerLayer::new(breaker, GrpcClassifier)) // judges the attempt, timeouts included
        .layer(BulkheadLayer::new(bulkhead)) // queued time is not the upstream's fault
        .layer(TimeoutLayer::new(patience.attempt)) // one try, to the head of its answer
        .then(own_timeout::leave_to_the_deadline) // the channel's own clock is not to judge
        .service(channel);
    Ok(BoxCloneSyncService::new(stack))
}

fn channel(url: &str) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(url.to_owned())?
        .connect_timeout(Duration::from_secs(5)) // a lazy channel without one hangs through a rolling restart
        .tcp_nodelay(true)
        .http2_keep_alive_interval(Duration::from_secs(20)) // finds a peer that vanished without a word
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true);
    Ok(endpoint.connect_lazy())
}
