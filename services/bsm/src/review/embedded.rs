//! A mesh for one job: free ports, real gRPC, and gone afterwards.

use std::{net::Ipv4Addr, time::Duration};

use anyhow::Context;
use bsm_proto::orchestrator::v1::{
    GetJobRequest, Job, ListStrategiesRequest, SubmitEventRequest, WatchJobRequest,
    orchestrator_service_client::OrchestratorServiceClient,
};
use bsm_runtime::{
    call::Call,
    client::{self, Edge, Traffic},
    guards::Guards,
    json,
    role::Role,
    server::MESSAGE_LIMIT,
    settings::Settings,
};
use serde_json::Value;

use crate::{
    exit::{Exit, Failure},
    mesh::Mesh,
};

const ROLES: [Role; 5] = [Role::Registry, Role::Knowledge, Role::Memory, Role::Models, Role::Orchestrator];

/// Runs the strategy of `event` and returns the finished job.
///
/// # Errors
/// When the mesh cannot be started, or the job has not ended in time.
pub(crate) async fn run(
    mut settings: Settings,
    event: &str,
    payload: Value,
    patience: Duration,
) -> anyhow::Result<Job> {
    settings.ports = [0; 6];
    settings.host = Ipv4Addr::LOCALHOST.into();
    settings.grace = Duration::from_secs(1); // nothing of this mesh is worth waiting for once the job is done
    let flush = bsm_runtime::telemetry::init("review", &settings)?;
    let mesh = Mesh::start(&ROLES, settings).await?;
    let job = tokio::time::timeout(patience, follow(&mesh, event, payload)).await;
    let stopped = mesh.stop().await;
    flush.finish().await;
    let job = job.map_err(|_| {
        Failure::error(Exit::Software, format!("the review was not done within {patience:?}; see --timeout"))
    })??;
    stopped?;
    Ok(job)
}

async fn follow(mesh: &Mesh, event: &str, payload: Value) -> anyhow::Result<Job> {
    let edge = client::edge(
        Role::Gateway,
        Role::Orchestrator,
        Traffic::Calls,
        mesh.url(Role::Orchestrator),
        &Guards::default(),
    )?;
    let mut client = OrchestratorServiceClient::new(edge).max_decoding_message_size(MESSAGE_LIMIT);
    let call = Call::from_headers(&Default::default());
    known_event(&mut client, &call, event).await?;
    let submit = SubmitEventRequest {
        event: Some(event.to_owned()),
        payload: Some(json::to_struct(payload)),
        source: Some("cli".to_owned()),
        ..Default::default()
    };
    let job_id = client.submit_event(call.request(submit)).await.map_err(refused)?.into_inner().job_id;
    let watch = WatchJobRequest { job_id: job_id.clone(), last_event_id: None };
    let mut events = client.watch_job(call.request(watch)).await.map_err(refused)?.into_inner();
    while events.message().await.map_err(refused)?.is_some() {}
    let job = client.get_job(call.request(GetJobRequest { job_id })).await.map_err(refused)?;
    job.into_inner().job.context("the orchestrator answered without a job")
}

/// Other callers may send any event, and `default` takes what nobody names. Here a name that is in no file is a
/// mistake of the one who typed it.
async fn known_event(
    client: &mut OrchestratorServiceClient<Edge>,
    call: &Call,
    event: &str,
) -> anyhow::Result<()> {
    let request = call.request(ListStrategiesRequest::default());
    let strategies = client.list_strategies(request).await.map_err(refused)?.into_inner().strategies;
    if strategies.iter().any(|strategy| strategy.event == event) {
        return Ok(());
    }
    let names: Vec<_> = strategies.iter().map(|strategy| strategy.event.as_str()).collect();
    let sentence = format!("no strategy is for the event \"{event}\"; use one of {}", names.join(", "));
    Err(Failure::error(Exit::Usage, sentence))
}

fn refused(status: tonic::Status) -> anyhow::Error {
    let exit = match status.code() {
        tonic::Code::InvalidArgument => Exit::Usage,
        _ => Exit::Software,
    };
    Failure::error(exit, format!("the review could not be run: {}", status.message()))
}
