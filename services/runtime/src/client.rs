//! The one client stack: everything between a caller in this process and one service of the mesh.

mod line;
mod peer;
mod recovery;
mod resolve;
mod roster;
mod status_layer;
pub(crate) mod target;
#[cfg(test)]
mod tests;
mod transport_error;
mod wire;

use std::{sync::Arc, time::Duration};

use bsm_stack::{
    balance::{Balance, Endpoint, Endpoints},
    body::GuardedBody,
    breaker::{self, BreakerLayer, BreakerService, SentLayer},
    bulkhead::{self, BulkheadLayer},
    deadline::OutboundLayer,
    hedge::{self, HedgeLayer, Hedging},
    retry::{BudgetConfig, Idempotent, Policy, ReplayBody, RetryLayer},
    timeout::TimeoutLayer,
};
use http::{Request, Response};
use tokio::sync::Notify;
use tonic::{Status, body::Body};
use tower::{BoxError, Service, ServiceBuilder, util::BoxCloneSyncService};

use crate::{
    flags::SwitchesLayer, follow::LAP, guards::Guards, neighbours::Neighbours, role::Role, scopes::Scopes,
};
use line::Line;
use peer::PeerClassifier;
use roster::{Company, Found, Roster};
pub use status_layer::StatusLayer;
use wire::Route;

/// A way to a service, for tonic's generated clients. Clones share the connection and the guards.
pub type Edge = BoxCloneSyncService<Request<Body>, Response<Body>, Status>;

/// What is kept back from the deadline on each hop, so that the callee gives up before its caller does.
const MARGIN: Duration = Duration::from_millis(5);

/// How long the way back to full flow takes: a service that has passed a health check and a probe need not be spared
/// for long, and it is to be back within two seconds.
const RAMP: Duration = Duration::from_millis(500);

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
    /// What calls to a role may take: those that read answer in moments, those that ask models do not. A stream of
    /// events or a watch lasts for [`LAP`]; who follows it comes back with what it saw last.
    pub fn toward(role: Role, traffic: Traffic) -> Patience {
        let calls = Patience::of_calls(role);
        match traffic {
            Traffic::Calls => calls,
            Traffic::Streams => Patience { deadline: LAP, ..calls },
        }
    }

    fn of_calls(role: Role) -> Patience {
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
#[error("{role}.url: {source}")]
pub struct BadUrl {
    role: Role,
    source: target::NoTarget,
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

/// Makes the edge from one role to another, which is found at one URL or at several with commas between; a name that
/// has several addresses is as many endpoints, looked up again every 10 s. Connects when first used, and again after
/// a loss. The guards of the one endpoint are called after the roles, such as `gateway->registry`; of several each has
/// its address in the name.
///
/// # Errors
/// When a URL is malformed. Must run inside the runtime.
pub fn edge(from: Role, to: Role, traffic: Traffic, urls: &str, guards: &Guards) -> Result<Edge, BadUrl> {
    edge_among(&Neighbours::default(), from, to, traffic, urls, guards)
}

/// The same in a process of several roles: those that are at home here are called without a connection.
///
/// # Errors
/// When a URL is malformed. Must run inside the runtime.
pub(crate) fn edge_among(
    neighbours: &Neighbours,
    from: Role,
    to: Role,
    traffic: Traffic,
    urls: &str,
    guards: &Guards,
) -> Result<Edge, BadUrl> {
    let (guards, neighbours) = (guards.clone(), neighbours.clone());
    let guarding = Guarding { patience: Patience::toward(to, traffic), traffic, guards, neighbours };
    let targets = target::read(urls).map_err(|source| BadUrl { role: to, source })?;
    Ok(balanced(traffic.name(from, to), targets, guarding))
}

/// Everything between a caller and the endpoints at these targets, in the order a call meets it.
fn balanced(name: String, targets: Vec<target::Target>, guarding: Guarding) -> Edge {
    let Guarding { patience, guards, .. } = &guarding;
    let budget = guards.retry_budget(name.as_str(), BudgetConfig::default());
    let hedging = Hedging::new(name.as_str(), hedge::Config::default(), budget.clone());
    let stack = ServiceBuilder::new()
        .layer(StatusLayer) // whatever is refused below reads as a gRPC status
        .layer(SwitchesLayer::new(guards.flags().clone())) // which of the guards below this call runs under
        .layer(OutboundLayer::new(patience.deadline, MARGIN)) // the whole call, inherited from the caller
        .map_request(mark_idempotent) // what the contract says may be sent twice
        .layer(RetryLayer::new(RETRY, budget)) // at this hop, unless somebody above does it
        .layer(HedgeLayer::new(hedging)) // a late read is asked for once more, from the same budget
        .service(Balance::new(endpoints(targets, name, guarding))); // each attempt goes where there is the least to do
    BoxCloneSyncService::new(stack)
}

/// What an attempt sends: it has passed the layers that may send it again.
type Sent = Request<ReplayBody<ReplayBody<Body>>>;

/// How the endpoints of an edge are guarded, each by itself.
#[derive(Clone)]
struct Guarding {
    patience: Patience,
    traffic: Traffic,
    guards: Guards,
    neighbours: Neighbours,
}

/// Finds the endpoints, and keeps on finding them.
fn endpoints(
    targets: Vec<target::Target>,
    edge: String,
    guarding: Guarding,
) -> Endpoints<BreakerService<impl Attempt, PeerClassifier>> {
    let endpoints = Endpoints::new();
    let lost = Arc::new(Notify::new());
    let (guards, told) = (guarding.guards.clone(), Arc::clone(&lost));
    let make = Box::new(move |name: &str, found: &Found, company: Company| {
        let route = Route::new(found.origin.clone(), found.address, Arc::clone(&told));
        let classifier = match company {
            Company::Alone => PeerClassifier::Alone,
            Company::OneOfSeveral => PeerClassifier::OneOfSeveral,
        };
        Endpoint::new(name, guarding.stack(name, classifier, route))
    });
    resolve::keep(targets, Roster::new(edge, guards, endpoints.downgrade(), make), lost);
    endpoints
}

impl Guarding {
    /// Everything between the balancer and one endpoint, in the order an attempt meets it.
    fn stack(
        &self,
        name: &str,
        classifier: PeerClassifier,
        route: Route,
    ) -> BreakerService<impl Attempt + use<>, PeerClassifier> {
        // What an attempt may take is not slow: who asks models waits for them, and one hanging provider would else
        // make the service look slow in front of all others.
        let (probe_lease, slow_call) = (self.patience.attempt, self.patience.attempt);
        let config = breaker::Config { probe_lease, slow_call, ramp: RAMP, ..breaker::Config::internal() };
        let breaker = self.guards.breaker(name, config);
        let bulkhead = self.guards.bulkhead(name, self.traffic.bulkhead());
        let line = Line::new(route, self.neighbours.clone());
        recovery::watch(&line, &breaker, self.traffic);
        let judge = BreakerLayer::new(breaker, classifier).above_a_queue();
        let judge = match self.traffic {
            Traffic::Calls => judge,
            Traffic::Streams => judge.probed_by_heads(), // a watch is quiet as long as nothing happens
        };
        ServiceBuilder::new()
            .layer(judge) // of the attempt, timeouts included
            .layer(BulkheadLayer::new(bulkhead))
            .layer(SentLayer) // queued time is not the upstream's fault
            .layer(TimeoutLayer::new(self.patience.attempt)) // one try, to the head of its answer
            .then(transport_error::meaning) // an own timeout is the deadline's, a refused connection was never used
            .map_request(|request: Sent| request.map(Body::new)) // for the channel
            .service(line)
    }
}

/// What is between the breaker of an endpoint and its connection.
trait Attempt:
    Service<Sent, Response = Response<GuardedBody<Body, bulkhead::Permit>>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Attempt for S where
    S: Service<
            Sent,
            Response = Response<GuardedBody<Body, bulkhead::Permit>>,
            Error = BoxError,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static
{
}

fn mark_idempotent<B>(mut request: Request<B>) -> Request<B> {
    if Scopes::of_the_contract().rpc(request.uri().path()).is_some_and(|rpc| rpc.idempotent) {
        request.extensions_mut().insert(Idempotent);
    }
    request
}
