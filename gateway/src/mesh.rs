//! `bsm.ops.v1.MeshService`: the mesh as a whole, as the gateway sees it.

mod agent;
mod ask;
mod caches;
mod change;
mod checks;
mod cursor;
mod error;
mod flags;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use bsm_proto::ops::v1::{mesh_service_server::MeshService, *};
use bsm_runtime::{call::Call, clock, flags::Flag as FlagName, ops, process::Process};
use tonic::{Request, Response, Status, metadata::MetadataMap};

use crate::{transcode, upstream::Edges, webhook::Secrets};
use change::Change;
use error::Error;

/// Answers for the mesh.
#[derive(Clone, Debug)]
pub(crate) struct Mesh {
    process: Process,
    edges: Edges,
    secrets: Arc<Secrets>,
}

impl Mesh {
    pub(crate) fn new(process: Process, edges: Edges) -> Mesh {
        let secrets = Arc::new(Secrets::new(&process.settings.webhook_secrets));
        Mesh { process, edges, secrets }
    }

    /// Everything that the checks rest on, asked at once.
    async fn facts(&self, call: &Call) -> checks::Facts {
        let settings = &self.process.settings;
        let (services, (seen, _), agents, providers, writable) = tokio::join!(
            ask::states(&self.edges, call),
            self.snapshots(call),
            ask::agents(&self.edges, call),
            ask::outside_providers(&self.edges, call),
            ask::is_writable(self.process.state()),
        );
        let flags: Vec<Flag> = seen.iter().flat_map(|seen| seen.flags.clone()).collect();
        let differing =
            flags::differing(&flags).into_iter().map(|told| (self.process.role.name().to_owned(), told));
        let degraded = seen.iter().flat_map(checks::degraded).chain(differing).collect();
        let breakers = seen.into_iter().flat_map(|seen| seen.breakers).collect();
        checks::Facts {
            services,
            breakers,
            degraded,
            agents,
            outside_providers: providers,
            writable,
            profile: settings.profile,
            safe_mode: settings.safe_mode,
            has_admin_token: settings.admin_token.is_some(),
            warned: settings.warnings(),
            webhook_problem: self.secrets.problem().map(|problem| problem.to_string()),
        }
    }

    async fn breakers(&self, call: &Call) -> Vec<Breaker> {
        let mut breakers = ops::breakers(&self.process);
        breakers.extend(ask::breakers(&self.edges, call).await);
        breakers
    }

    /// What every process shows of itself, the gateway's own first, and those that do not answer.
    async fn snapshots(&self, call: &Call) -> (Vec<GetSnapshotResponse>, Vec<Unreached>) {
        let (others, unreached) = ask::snapshots(&self.edges, call).await;
        let all = [ops::snapshot(&self.process)].into_iter().chain(others);
        (all.collect(), unreached)
    }

    async fn flags(&self, call: &Call) -> (Vec<Flag>, Vec<Unreached>) {
        let (all, unreached) = self.snapshots(call).await;
        (all.into_iter().flat_map(|seen| seen.flags).collect(), unreached)
    }
}

#[tonic::async_trait]
impl MeshService for Mesh {
    type WatchMeshTransitionsStream = watch::Transitions;

    async fn get_health(&self, _: Request<GetHealthRequest>) -> Result<Response<GetHealthResponse>, Status> {
        Ok(Response::new(GetHealthResponse { status: "ok".to_owned(), timestamp: clock::unix_ms() as f64 }))
    }

    async fn get_detailed_health(
        &self,
        request: Request<GetDetailedHealthRequest>,
    ) -> Result<Response<GetDetailedHealthResponse>, Status> {
        let facts = self.facts(&Call::of(&request)).await;
        let (status, checks) = checks::judge(facts);
        let timestamp = clock::unix_ms() as f64;
        Ok(Response::new(GetDetailedHealthResponse {
            timestamp,
            status: status.to_owned(),
            checks: Some(checks),
        }))
    }

    async fn get_agent_health(
        &self,
        request: Request<GetAgentHealthRequest>,
    ) -> Result<Response<GetAgentHealthResponse>, Status> {
        let call = Call::of(&request);
        let agent_id = request.into_inner().agent_id;
        Ok(Response::new(agent::health(&self.edges, &call, agent_id).await?))
    }

    async fn list_mesh_breakers(
        &self,
        request: Request<ListMeshBreakersRequest>,
    ) -> Result<Response<ListMeshBreakersResponse>, Status> {
        let breakers = self.breakers(&Call::of(&request)).await;
        Ok(Response::new(ListMeshBreakersResponse { breakers }))
    }

    async fn get_metrics(
        &self,
        request: Request<GetMetricsRequest>,
    ) -> Result<Response<GetMetricsResponse>, Status> {
        let (all, unreached) = self.snapshots(&Call::of(&request)).await;
        Ok(Response::new(metrics(all, unreached)))
    }

    async fn get_cache_stats(
        &self,
        request: Request<GetCacheStatsRequest>,
    ) -> Result<Response<GetCacheStatsResponse>, Status> {
        let (all, _) = self.snapshots(&Call::of(&request)).await;
        let caches: Vec<Cache> = all.into_iter().flat_map(|seen| seen.caches).collect();
        Ok(Response::new(caches::stats(&caches, clock::unix_ms() as f64)))
    }

    async fn clear_mesh_cache(
        &self,
        request: Request<ClearMeshCacheRequest>,
    ) -> Result<Response<ClearMeshCacheResponse>, Status> {
        let change = Change::of(self, &request);
        let cleared = request.into_inner().cache;
        let message = match cleared.as_str() {
            ops::operator::EVERY_CACHE => "Every cache is cleared.".to_owned(),
            name if caches::CLEARABLE.contains(&name) => format!("The cache {name} is cleared."),
            _ => return Err(Error::UnknownCache(cleared).into()),
        };
        let unreached = change.clear(cleared.clone()).await?;
        let timestamp = clock::unix_ms() as f64;
        Ok(Response::new(ClearMeshCacheResponse { message, cleared, timestamp, unreached }))
    }

    async fn reset_mesh_breaker(
        &self,
        request: Request<ResetMeshBreakerRequest>,
    ) -> Result<Response<ResetMeshBreakerResponse>, Status> {
        let change = Change::of(self, &request);
        let (breakers, unreached) = change.reset(request.into_inner().name).await?;
        Ok(Response::new(ResetMeshBreakerResponse { breakers, unreached }))
    }

    async fn set_mesh_breaker_mode(
        &self,
        request: Request<SetMeshBreakerModeRequest>,
    ) -> Result<Response<SetMeshBreakerModeResponse>, Status> {
        let change = Change::of(self, &request);
        let SetMeshBreakerModeRequest { name, mode } = request.into_inner();
        let (breakers, unreached) = change.set_mode(name, mode).await?;
        Ok(Response::new(SetMeshBreakerModeResponse { breakers, unreached }))
    }

    async fn list_mesh_flags(
        &self,
        request: Request<ListMeshFlagsRequest>,
    ) -> Result<Response<ListMeshFlagsResponse>, Status> {
        let (flags, unreached) = self.flags(&Call::of(&request)).await;
        Ok(Response::new(ListMeshFlagsResponse { flags: flags::all(&flags), unreached }))
    }

    async fn get_mesh_flag(
        &self,
        request: Request<GetMeshFlagRequest>,
    ) -> Result<Response<GetMeshFlagResponse>, Status> {
        let call = Call::of(&request);
        let name: FlagName = request.into_inner().flag.parse().map_err(Error::UnknownFlag)?;
        let (flags, unreached) = self.flags(&call).await;
        Ok(Response::new(GetMeshFlagResponse { flag: Some(flags::one(name, &flags)), unreached }))
    }

    async fn set_mesh_flag(
        &self,
        request: Request<SetMeshFlagRequest>,
    ) -> Result<Response<SetMeshFlagResponse>, Status> {
        let change = Change::of(self, &request);
        let SetMeshFlagRequest { flag, percent } = request.into_inner();
        let name: FlagName = flag.parse().map_err(Error::UnknownFlag)?;
        let (flags, unreached) = change.set_flag(flag, percent).await?;
        Ok(Response::new(SetMeshFlagResponse { flag: Some(flags::one(name, &flags)), unreached }))
    }

    async fn watch_mesh_transitions(
        &self,
        request: Request<WatchMeshTransitionsRequest>,
    ) -> Result<Response<watch::Transitions>, Status> {
        let call = Call::of(&request);
        let last_event_id = request.into_inner().last_event_id;
        let all = watch::everything(&self.process, &self.edges, &call, last_event_id.as_deref());
        Ok(Response::new(all))
    }

    async fn get_status(
        &self,
        request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let settings = &self.process.settings;
        let outside = ask::outside_providers(&self.edges, &Call::of(&request)).await;
        Ok(Response::new(GetStatusResponse {
            status: "operational".to_owned(),
            timestamp: clock::unix_ms() as f64,
            environment: settings.profile.name().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            features: Some(Features {
                mobile_mode: settings.mobile_mode,
                lan_only: settings.lan_only,
                safe_mode: settings.safe_mode,
            }),
            client: Some(client(request.metadata(), settings.mobile_mode)),
            capabilities: Some(Capabilities {
                chat: true,
                agents: !settings.mobile_mode,
                admin: settings.admin_token.is_some() && !settings.mobile_mode,
                external_api: !settings.safe_mode && outside.is_some_and(|usable| usable > 0),
            }),
        }))
    }
}

fn metrics(all: Vec<GetSnapshotResponse>, unreached: Vec<Unreached>) -> GetMetricsResponse {
    let mut metrics =
        GetMetricsResponse { timestamp: clock::unix_ms() as f64, unreached, ..Default::default() };
    for seen in all {
        metrics.roles.extend(seen.load);
        metrics.breakers.extend(seen.breakers);
        metrics.bulkheads.extend(seen.bulkheads);
        metrics.concurrency_limits.extend(seen.concurrency_limits);
        metrics.rate_limits.extend(seen.rate_limits);
        metrics.retry_budgets.extend(seen.retry_budgets);
        metrics.caches.extend(seen.caches);
    }
    metrics
}

/// What the gateway's HTTP face says of the client; a gRPC caller is asked nothing and told nothing.
fn client(metadata: &MetadataMap, mobile_mode: bool) -> Client {
    let text = |name| metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let restrictions: &[&str] = match mobile_mode {
        true => &["running, starting and stopping agents", "administration", "emergency shutdown"],
        false => &[],
    };
    Client {
        is_mobile: text(transcode::CLIENT_MOBILE) == "true",
        ip: text(transcode::CLIENT_IP).to_owned(),
        restrictions: restrictions.iter().map(|restriction| (*restriction).to_owned()).collect(),
    }
}
