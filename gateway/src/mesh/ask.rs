//! The questions that the gateway puts to the mesh: all at once, each with a short deadline, none of which can
//! make an answer fail.

use std::{path::PathBuf, time::Duration};

use bsm_proto::{
    models::v1::{ListProvidersRequest, model_service_client::ModelServiceClient},
    ops::v1::{
        Breaker, GetSnapshotRequest, GetSnapshotResponse, ListBreakersRequest, ServiceState, Unreached,
        ops_service_client::OpsServiceClient,
    },
    registry::v1::{ListAgentStatusesRequest, registry_service_client::RegistryServiceClient},
};
use bsm_runtime::{call::Call, client::Edge, folder, role::Role};
use futures_util::future::join_all;
use tonic::Status;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::change::unreached;
use crate::{status, upstream::Edges};

/// Who does not answer within this is not well.
const PATIENCE: Duration = Duration::from_secs(1);

/// The provider that is built in and reaches nobody.
const BUILT_IN: &str = "offline";

/// Whether each role says that it serves.
pub(super) async fn states(edges: &Edges, call: &Call) -> Vec<(Role, ServiceState)> {
    join_all(edges.operations().map(|(role, edge)| async move { (role, state(role, edge, call).await) }))
        .await
}

async fn state(role: Role, edge: Edge, call: &Call) -> ServiceState {
    let request = call.within(PATIENCE).request(HealthCheckRequest::default());
    let (state, message) =
        match HealthClient::new(edge).check(request).await.map(|answer| answer.into_inner()) {
            Ok(answer) if answer.status() == ServingStatus::Serving => ("serving", String::new()),
            Ok(_) => ("not_serving", format!("{role} answers, but is not ready or is draining.")),
            Err(status) => ("unreachable", status::fault(&status).message),
        };
    ServiceState { role: role.name().to_owned(), state: state.to_owned(), message }
}

/// All that the services show of themselves, and those that do not answer.
pub(super) async fn snapshots(edges: &Edges, call: &Call) -> (Vec<GetSnapshotResponse>, Vec<Unreached>) {
    let answers = join_all(edges.operations().map(|(role, edge)| async move {
        let request = call.within(PATIENCE).request(GetSnapshotRequest {});
        (role, OpsServiceClient::new(edge).get_snapshot(request).await)
    }));
    let mut found = (Vec::new(), Vec::new());
    for (role, answer) in answers.await {
        match answer {
            Ok(answer) => found.0.push(answer.into_inner()),
            Err(status) => found.1.push(unreached(role, &status)),
        }
    }
    found
}

/// The breakers of every role that answers.
pub(super) async fn breakers(edges: &Edges, call: &Call) -> Vec<Breaker> {
    let lists = join_all(edges.operations().map(|(_, edge)| async move {
        let request = call.within(PATIENCE).request(ListBreakersRequest {});
        OpsServiceClient::new(edge).list_breakers(request).await.map(|answer| answer.into_inner().breakers)
    }));
    lists.await.into_iter().flat_map(Result::unwrap_or_default).collect()
}

/// How many agents are registered.
pub(super) async fn agents(edges: &Edges, call: &Call) -> Result<u32, Status> {
    let request = call.within(PATIENCE).request(ListAgentStatusesRequest::default());
    let answer = RegistryServiceClient::new(edges.to(Role::Registry)).list_agent_statuses(request).await?;
    Ok(answer.into_inner().total_agents)
}

/// How many providers outside the mesh can be asked now; `None` when that cannot be found out.
pub(super) async fn outside_providers(edges: &Edges, call: &Call) -> Option<usize> {
    let request = call.within(PATIENCE).request(ListProvidersRequest {});
    let answer = ModelServiceClient::new(edges.to(Role::Models)).list_providers(request).await.ok()?;
    let providers = answer.into_inner().providers;
    Some(providers.iter().filter(|provider| provider.usable && provider.name != BUILT_IN).count())
}

/// Whether this process can write to its folder, tried and not guessed from modes.
pub(super) async fn is_writable(folder: PathBuf) -> bool {
    let tried = tokio::task::spawn_blocking(move || folder::try_writing(&folder));
    tried.await.is_ok_and(|tried| tried.is_ok())
}
