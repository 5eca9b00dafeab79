//! Who is asked: the gateway for the whole mesh, or one service about itself.

use bsm_proto::ops::v1::{mesh_service_client::MeshServiceClient, ops_service_client::OpsServiceClient, *};
use bsm_runtime::{ops::operator::EVERY_CACHE, role::Role, shown::shown};
use secrecy::SecretString;
use tonic::{Code, Response, Status, Streaming, transport::Channel};

use super::answer::{Answer, List};
use crate::{
    commands::service::{self, asks, failure, said, vouched},
    exit::{Exit, Failure},
};

/// A process that answered.
#[derive(Debug)]
pub(super) struct Target {
    who: Who,
    token: Option<SecretString>,
}

#[derive(Debug)]
enum Who {
    Mesh(MeshServiceClient<Channel>),
    Service(OpsServiceClient<Channel>),
}

/// Changes as they happen.
#[derive(Debug)]
pub(super) enum Changes {
    Mesh(Streaming<WatchMeshTransitionsResponse>),
    Service(Streaming<WatchTransitionsResponse>),
}

impl Target {
    /// Connects and asks which role it is.
    pub(super) async fn connect(url: &str, token: Option<SecretString>) -> anyhow::Result<Target> {
        let channel = service::connect(url).await?;
        let mut service = OpsServiceClient::new(channel.clone());
        let shown = token.as_ref();
        let info = service.get_info(asks(shown, GetInfoRequest {})).await.map(Response::into_inner);
        let info = info.map_err(|status| no_introduction(url, shown, &status))?;
        if let (Some(_), Some(false)) = (shown, info.has_admin_token) {
            anstream::eprintln!(
                "bsm: no admin token is configured at {url}, so the one given is not looked at"
            );
        }
        let who = match info.role == Role::Gateway.name() {
            true => Who::Mesh(MeshServiceClient::new(channel)),
            false => Who::Service(service),
        };
        Ok(Target { who, token })
    }

    pub(super) async fn breakers(&mut self) -> anyhow::Result<Answer> {
        let seen = self.seen().await?;
        Ok(List::Breakers(seen.breakers).without(seen.unreached))
    }

    pub(super) async fn bulkheads(&mut self) -> anyhow::Result<Answer> {
        let seen = self.seen().await?;
        Ok(List::Bulkheads(seen.bulkheads).without(seen.unreached))
    }

    pub(super) async fn limits(&mut self) -> anyhow::Result<Answer> {
        let seen = self.seen().await?;
        Ok(List::Limits(seen.concurrency_limits, seen.rate_limits).without(seen.unreached))
    }

    pub(super) async fn budgets(&mut self) -> anyhow::Result<Answer> {
        let seen = self.seen().await?;
        Ok(List::Budgets(seen.retry_budgets).without(seen.unreached))
    }

    pub(super) async fn caches(&mut self) -> anyhow::Result<Answer> {
        let seen = self.seen().await?;
        Ok(List::Caches(seen.caches).without(seen.unreached))
    }

    /// What both kinds of process show. Anybody may ask; the token sets an operator's calls apart from those of
    /// strangers at the same address, who may have used up theirs.
    async fn seen(&mut self) -> anyhow::Result<GetMetricsResponse> {
        let token = self.token.as_ref();
        match &mut self.who {
            Who::Mesh(mesh) => said(token, mesh.get_metrics(asks(token, GetMetricsRequest {})).await),
            Who::Service(service) => {
                let seen = said(token, service.get_snapshot(asks(token, GetSnapshotRequest {})).await)?;
                Ok(GetMetricsResponse {
                    breakers: seen.breakers,
                    bulkheads: seen.bulkheads,
                    concurrency_limits: seen.concurrency_limits,
                    rate_limits: seen.rate_limits,
                    retry_budgets: seen.retry_budgets,
                    caches: seen.caches,
                    ..Default::default()
                })
            }
        }
    }

    pub(super) async fn flags(&mut self) -> anyhow::Result<Answer> {
        let token = self.token.as_ref();
        match &mut self.who {
            Who::Mesh(mesh) => {
                let said = said(token, mesh.list_mesh_flags(asks(token, ListMeshFlagsRequest {})).await)?;
                let flags = said.flags.into_iter().flat_map(|flag| flag.services);
                Ok(List::Flags(flags.collect()).without(said.unreached))
            }
            Who::Service(service) => Ok(List::Flags(
                said(token, service.list_flags(asks(token, ListFlagsRequest {})).await)?.flags,
            )
            .alone()),
        }
    }

    pub(super) async fn reset(&mut self, name: &str) -> anyhow::Result<Answer> {
        let (token, name) = (self.token.as_ref(), name.to_owned());
        match &mut self.who {
            Who::Mesh(mesh) => {
                let said = said(
                    token,
                    mesh.reset_mesh_breaker(asks(token, ResetMeshBreakerRequest { name })).await,
                )?;
                Ok(List::Breakers(said.breakers).without(said.unreached))
            }
            Who::Service(service) => {
                let said =
                    said(token, service.reset_breaker(asks(token, ResetBreakerRequest { name })).await)?;
                Ok(List::Breakers(said.breakers).alone())
            }
        }
    }

    pub(super) async fn set_mode(&mut self, name: &str, mode: &str) -> anyhow::Result<Answer> {
        let (token, name, mode) = (self.token.as_ref(), name.to_owned(), mode.to_owned());
        match &mut self.who {
            Who::Mesh(mesh) => {
                let request = asks(token, SetMeshBreakerModeRequest { name, mode });
                let said = said(token, mesh.set_mesh_breaker_mode(request).await)?;
                Ok(List::Breakers(said.breakers).without(said.unreached))
            }
            Who::Service(service) => {
                let said = said(
                    token,
                    service.set_breaker_mode(asks(token, SetBreakerModeRequest { name, mode })).await,
                )?;
                Ok(List::Breakers(said.breakers).alone())
            }
        }
    }

    pub(super) async fn set_flag(&mut self, flag: &str, percent: u32) -> anyhow::Result<Answer> {
        let (token, flag, percent) = (self.token.as_ref(), flag.to_owned(), Some(percent));
        match &mut self.who {
            Who::Mesh(mesh) => {
                let said =
                    said(token, mesh.set_mesh_flag(asks(token, SetMeshFlagRequest { flag, percent })).await)?;
                let flags = said.flag.into_iter().flat_map(|flag| flag.services);
                Ok(List::Flags(flags.collect()).without(said.unreached))
            }
            Who::Service(service) => {
                let said =
                    said(token, service.set_flag(asks(token, SetFlagRequest { flag, percent })).await)?;
                Ok(List::Flags(said.flag.into_iter().collect()).alone())
            }
        }
    }

    pub(super) async fn clear(&mut self, cache: &str) -> anyhow::Result<Answer> {
        let (token, cache) = (self.token.as_ref(), cache.to_owned());
        match &mut self.who {
            Who::Mesh(mesh) => {
                let said =
                    said(token, mesh.clear_mesh_cache(asks(token, ClearMeshCacheRequest { cache })).await)?;
                Ok(List::Cleared(vec![said.cleared]).without(said.unreached))
            }
            Who::Service(service) => {
                let request = asks(token, ClearCacheRequest { cache: cache.clone() });
                let cleared = said(token, service.clear_cache(request).await)?.cleared;
                if cleared.is_empty() && cache != EVERY_CACHE {
                    let listed = said(token, service.list_caches(asks(token, ListCachesRequest {})).await)?;
                    return Err(no_cache(&cache, &listed.caches));
                }
                Ok(List::Cleared(cleared).alone())
            }
        }
    }

    pub(super) async fn watch(&mut self) -> anyhow::Result<Changes> {
        let token = self.token.as_ref();
        // No timeout: it lasts until somebody stops it.
        match &mut self.who {
            Who::Mesh(mesh) => {
                let request = vouched(token, WatchMeshTransitionsRequest::default());
                Ok(Changes::Mesh(said(token, mesh.watch_mesh_transitions(request).await)?))
            }
            Who::Service(service) => {
                let request = vouched(token, WatchTransitionsRequest::default());
                Ok(Changes::Service(said(token, service.watch_transitions(request).await)?))
            }
        }
    }
}

impl Changes {
    /// The next change; `None` when the other side ends.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<WatchTransitionsResponse>> {
        match self {
            Changes::Service(changes) => changes.message().await.map_err(|status| failure(None, &status)),
            Changes::Mesh(changes) => {
                let next = changes.message().await.map_err(|status| failure(None, &status))?;
                Ok(next.map(|change| WatchTransitionsResponse {
                    event_id: change.event_id,
                    event_type: change.event_type,
                    timestamp: change.timestamp,
                    service: change.service,
                    name: change.name,
                    from: change.from,
                    to: change.to,
                    cause: change.cause,
                    mode: change.mode,
                }))
            }
        }
    }
}

/// Why the first question was not answered. Every process of a mesh can answer it, so what failed in another way than
/// by its code is no such process.
fn no_introduction(url: &str, token: Option<&SecretString>, status: &Status) -> anyhow::Error {
    match status.code() {
        // A connection that ends under a call cancels it, as the call's own time does.
        Code::Cancelled if status.message().starts_with("Timeout") => failure(token, status),
        Code::Unknown | Code::Internal | Code::Cancelled => {
            let sentence = format!(
                "something else than gRPC answers at {url}; name the port of the gateway or of a service (metrics are \
                 1000 above it)"
            );
            Failure::error(Exit::Unavailable, sentence)
        }
        _ => failure(token, status),
    }
}

fn no_cache(name: &str, held: &[Cache]) -> anyhow::Error {
    let names: Vec<&str> = held.iter().map(|cache| cache.name.as_str()).collect();
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Failure::error(Exit::Usage, format!("there is no cache \"{}\" here; there are: {known}", shown(name)))
}
