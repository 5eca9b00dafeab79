//! The one client stack: everything between a caller in this process and one service of the mesh.

mod peer;
mod status_layer;
mod transport_error;

use std::time::Duration;

use bsm_stack::{
    breaker::{self, BreakerLayer},
    bulkhead::{self, BulkheadLayer},
    deadline::OutboundLayer,
    hedge::{self, HedgeLayer, Hedging},
    retry::{BudgetConfig, Idempotent, Policy, ReplayBody, RetryLayer},
    timeout::TimeoutLayer,
};
use http::{Request, Response};
use tonic::{
    Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use crate::{flags::SwitchesLayer, guards::Guards, role::Role, scopes::Scopes};
use peer::PeerClassifier;
pub use status_layer::StatusLayer;

/// A way to a service, for tonic's generated clients. Clones share the connection and the guards.
pub type Edge = BoxCloneSyncService<Request<Body>, Response<Body>, Status>;

/// What is kept back from the deadline on each hop, so that the callee gives up before its caller does.
const MARGIN: Duration = Duration::from_millis(5);

/// Retries within the mesh are for moments, such as a restart. A service that wants to be left alone for longer is:
/// whoever waits at the other end hears so at once, with the time to come back.
const RETRY: Policy = Policy {
    max_attempts: 3,
    base: Duration::from_millis(50),
    cap: Duration::from_secs(1),
    patience: Duration::from_secs(1),
    max_body: 256 * 1024,
};

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

/// What goes over an edge. Streams have a connection and guards of their own: they stay for hours, and must
/// neither hold the slots that calls need nor be what tells whether a service is well again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Question and answer.
    Calls,
    /// Server streams.
    Streams,
}

impl Traffic {
    fn name(self, from: Role, to: Role) -> String {
        match self {
            Traffic::Calls => format!("{from}->{to}"),
            Traffic::Streams => format!("{from}->{to} streams"),
        }
    }

    fn bulkhead(self) -> bulkhead::Config {
        match self {
            Traffic::Calls => bulkhead::Config::default(),
            Traffic::Streams => bulkhead::Config { max_in_flight: 1024, max_queue: 0 },
        }
    }
}

/// Makes the edge from one role to another. Connects when first used, and again after a loss.
///
/// # Errors
/// When the URL is malformed. Must run inside the runtime.
pub fn edge(from: Role, to: Role, traffic: Traffic, url: &str, guards: &Guards) -> Result<Edge, BadUrl> {
    let channel = channel(url).map_err(|source| BadUrl { role: to, url: url.to_owned(), source })?;
    let name = traffic.name(from, to);
    let patience = Patience::toward(to);
    // What an attempt may take is not slow: who asks models waits for them, and one hanging provider would else
    // make the service look slow in front of all others.
    let (probe_lease, slow_call) = (patience.attempt, patience.attempt);
    let config = breaker::Config { probe_lease, slow_call, ..breaker::Config::internal() };
    let breaker = guards.breaker(name.as_str(), config);
    let bulkhead = guards.bulkhead(name.as_str(), traffic.bulkhead());
    let budget = guards.retry_budget(name.as_str(), BudgetConfig::default());
    let hedging = Hedging::new(name.as_str(), hedge::Config::default(), budget.clone());
    let stack = ServiceBuilder::new()
        .layer(StatusLayer) // whatever is refused below reads as a gRPC status
        .layer(SwitchesLayer::new(guards.flags().clone())) // which of the guards below this call runs under
        .layer(OutboundLayer::new(patience.deadline, MARGIN)) // the whole call, inherited from the caller
        .map_request(mark_idempotent) // what the contract says may be sent twice
        .layer(RetryLayer::new(RETRY, budget)) // at this hop, unless somebody above does it
        .layer(HedgeLayer::new(hedging)) // a late read is asked for once more, from the same budget
        .layer(BreakerLayer::new(breaker, PeerClassifier)) // judges the attempt, timeouts included
        .layer(BulkheadLayer::new(bulkhead)) // queued time is not the upstream's fault
        .layer(TimeoutLayer::new(patience.attempt)) // one try, to the head of its answer
        .then(transport_error::meaning) // an own timeout is the deadline's, a refused connection was never used
        .map_request(|request: Request<ReplayBody<ReplayBody<Body>>>| request.map(Body::new)) // for the channel
        .service(channel);
    Ok(BoxCloneSyncService::new(stack))
}

fn mark_idempotent<B>(mut request: Request<B>) -> Request<B> {
    if Scopes::of_the_contract().rpc(request.uri().path()).is_some_and(|rpc| rpc.idempotent) {
        request.extensions_mut().insert(Idempotent);
    }
    request
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
