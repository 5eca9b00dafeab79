//! `bsm.ops.v1.MeshService`: the mesh as a whole, as the gateway sees it.

mod ask;
mod checks;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bsm_proto::ops::v1::{
    Capabilities, Client, Features, GetDetailedHealthRequest, GetDetailedHealthResponse, GetHealthRequest,
    GetHealthResponse, GetStatusRequest, GetStatusResponse, ListMeshBreakersRequest,
    ListMeshBreakersResponse, mesh_service_server::MeshService,
};
use bsm_runtime::{call::Call, clock, ops, process::Process};
use tonic::{Request, Response, Status, metadata::MetadataMap};

use crate::{transcode, upstream::Edges, webhook::Secrets};

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
        let (services, breakers, agents, providers, writable) = tokio::join!(
            ask::states(&self.edges, call),
            self.breakers(call),
            ask::agents(&self.edges, call),
            ask::outside_providers(&self.edges, call),
            ask::is_writable(&settings.data_dir),
        );
        checks::Facts {
            services,
            breakers,
            agents,
            outside_providers: providers,
            writable,
            profile: settings.profile,
            safe_mode: settings.safe_mode,
            has_admin_token: settings.admin_token.is_some(),
            webhook_problem: self.secrets.problem().map(|problem| problem.to_string()),
        }
    }

    async fn breakers(&self, call: &Call) -> Vec<bsm_proto::ops::v1::Breaker> {
        let mut breakers = ops::breakers(&self.process);
        breakers.extend(ask::breakers(&self.edges, call).await);
        breakers
    }
}

#[tonic::async_trait]
impl MeshService for Mesh {
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

    async fn list_mesh_breakers(
        &self,
        request: Request<ListMeshBreakersRequest>,
    ) -> Result<Response<ListMeshBreakersResponse>, Status> {
        let breakers = self.breakers(&Call::of(&request)).await;
        Ok(Response::new(ListMeshBreakersResponse { breakers }))
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
