//! The one server stack: what stands between an accepted connection and a handler, for every role.

mod accept;
mod auth;
mod connections;
mod door;
mod kind;
mod limit;
mod observe;
mod ops_port;
mod plain_refusal;

use std::{convert::Infallible, time::Duration};

use bsm_stack::{
    ConcurrencyLayer, RateLimitLayer,
    bulkhead::BulkheadLayer,
    concurrency::{Config, Limiter},
    deadline::InboundLayer,
};
use http::Request;
use tokio::net::TcpListener;
use tonic::{
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
};
use tonic_health::pb::health_server::HealthServer;
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use crate::{
    alerts,
    client::StatusLayer,
    health::HealthService,
    ops::{self, Ops},
    process::Process,
    role::Role,
};
use accept::Clients;
use auth::AuthLayer;
use bsm_proto::ops::v1::ops_service_server::OpsServiceServer;
use door::Door;
use kind::Kind;
use observe::ObserveLayer;

pub use accept::Peer;
pub use door::Arrival;
pub(crate) use door::Grpc;
pub use limit::{adaptive_limit, is_untimed};

/// The largest message taken or sent, in bytes.
pub const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;

/// The longest deadline a caller may set: streams of job events last that long, then resume.
const MAX_DEADLINE: Duration = Duration::from_secs(3600);

/// What a role serves.
#[derive(Default)]
pub struct Service {
    grpc: RoutesBuilder,
    names: Vec<&'static str>,
    http: Option<axum::Router>,
    arrival: Option<Arrival>,
    rate_limit: Option<RateLimitLayer>,
}

impl Service {
    /// Nothing yet.
    pub fn new() -> Service {
        Service::default()
    }

    /// Adds a generated gRPC server.
    #[allow(clippy::should_implement_trait)] // it adds a service, not a number
    pub fn add<S>(mut self, server: S) -> Service
    where
        S: tower::Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.grpc.add_service(server);
        self.names.push(S::NAME);
        self
    }

    /// Answers whatever is not gRPC, on the same port.
    pub fn http(mut self, router: axum::Router) -> Service {
        self.http = Some(router);
        self
    }

    /// Looks at each request to the HTTP router in the moment it comes, before it waits for its turn. What is decided here
    /// goes into its extensions.
    pub fn on_arrival(mut self, arrival: Arrival) -> Service {
        self.arrival = Some(arrival);
        self
    }

    /// Limits how often clients may call over gRPC. What operators and probes use is exempt; an HTTP router has the
    /// limit in its own pipeline.
    pub fn rate_limit(mut self, layer: Option<RateLimitLayer>) -> Service {
        self.rate_limit = layer;
        self
    }

    /// The full names of the gRPC services added so far.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Adds what every process offers beside its own API.
    fn with_operations(self, process: &Process) -> Service {
        let stopping = process.drain.stopping();
        let ops = OpsServiceServer::new(Ops::new(process.clone()));
        let mut service = self.add(ops);
        let health = HealthService::new(process.readiness.clone(), &service.names, stopping);
        service = service.add(HealthServer::new(health));
        if process.settings.reflection { service.with_reflection() } else { service }
    }

    /// Reflection in both versions that clients ask for, with the health protocol's own descriptors.
    fn with_reflection(mut self) -> Service {
        let builder = |names: &[&str]| {
            let mut builder = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(bsm_proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET);
            for name in names.iter().chain(&REFLECTION) {
                builder = builder.with_service_name(*name); // only what is served here is listed
            }
            builder
        };
        const BUILT_IN: &str = "the descriptor sets are compiled into the binary";
        self.grpc.add_service(builder(&self.names).build_v1().expect(BUILT_IN));
        self.grpc.add_service(builder(&self.names).build_v1alpha().expect(BUILT_IN));
        self
    }
}

const REFLECTION: [&str; 2] =
    ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// Two bound ports of one role.
#[derive(Debug)]
pub struct Listeners {
    /// For the API.
    pub api: TcpListener,
    /// For `/metrics` and `/healthz`.
    pub ops: TcpListener,
}

/// Serves a role until the process drains, then lets the calls in flight end. Returns at once; the accept loops
/// are tasks of `process.drain`.
pub fn serve(process: &Process, listeners: Listeners, service: Service) {
    let service = service.with_operations(process);
    let limits = Limits { rate: service.rate_limit, calls: limit::inbound(process) };
    let grpc = guarded(process, limits, service.grpc.routes());
    let address = listeners.api.local_addr().ok();
    if let Some(address) = address.filter(|_| process.role != Role::Gateway) {
        process.neighbours.open(address, grpc.clone(), &process.drain);
    }
    let door = Door::new(grpc, service.http, service.arrival, process.settings.lan_only);
    let (readiness, neighbours) = (process.readiness.clone(), process.neighbours.clone());
    process.drain.spawn("readiness", move |stop| async move {
        stop.cancelled().await; // whatever made the process drain
        readiness.set(false);
        address.iter().for_each(|address| neighbours.close(*address));
        Ok(())
    });
    let clients = if process.role == Role::Gateway { Clients::Strangers } else { Clients::Mesh };
    process.drain.spawn("server", |stop| accept::accept(listeners.api, door, clients, stop));
    let ops_port = ops_port::router(process);
    process.drain.spawn("ops server", |stop| {
        accept::accept(listeners.ops, Door::plain(ops_port), Clients::Strangers, stop)
    });
    process.drain.spawn("breaker changes", |stop| ops::listen::breakers(process.clone(), stop));
    process.drain.spawn("alerts", |stop| alerts::run(process.clone(), stop));
}

/// One stack for each kind of call, so that streams that stay for hours cannot crowd out calls, nor either of them
/// the probes of operators.
fn guarded(process: &Process, limits: Limits, routes: Routes) -> door::Grpc {
    let routes = routes.prepare();
    door::Grpc::new(|kind| stack(process, kind, &limits, routes.clone()))
}

/// What is let in, and how much of it; shared by all stacks of a process.
struct Limits {
    rate: Option<RateLimitLayer>,
    calls: Option<Limiter>,
}

/// Without a limit every call is exempt, which keeps the stack one type.
fn adaptive(limiter: Option<&Limiter>) -> ConcurrencyLayer {
    match limiter {
        Some(limiter) => ConcurrencyLayer::new(limiter.clone(), is_untimed),
        None => ConcurrencyLayer::new(Limiter::new("off", Config::default()), |_| true),
    }
}

/// Everything between the door and a handler, in the order a call meets it.
fn stack(process: &Process, kind: Kind, limits: &Limits, routes: Routes) -> door::Stack {
    let rate_limit = limits.rate.clone().filter(|_| kind != Kind::Operations);
    let inbound = process.guards.bulkhead(format!("{} {}", process.role, kind.name()), kind.bulkhead());
    let stack = ServiceBuilder::new()
        .layer(ObserveLayer::new(process.role, process.metrics.clone())) // span, correlation id, log line, metrics
        .layer(StatusLayer) // a refusal of the guards below reads as a gRPC status
        .layer(AuthLayer::new(process.role, &process.settings)) // whoever may not call takes no slot
        .option_layer(rate_limit) // whoever calls too often takes none either; at the gateway only
        .layer(adaptive(limits.calls.as_ref())) // refuses at once what would be late; sees deadlines pass below
        .layer(InboundLayer::new(kind.default_deadline(), MAX_DEADLINE)) // time in the queue below counts, too
        .layer(BulkheadLayer::new(inbound)) // held to the end of a stream
        .service(routes);
    BoxCloneSyncService::new(stack)
}

#[cfg(test)]
mod tests;
