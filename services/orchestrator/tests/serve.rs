//! The service as a client meets it: opened by a process, asked over gRPC, with nobody else in the mesh.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as tests do

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bsm_orchestrator::error::OpenError;
use bsm_proto::orchestrator::v1::{
    GetJobRequest, ListJobsRequest, SubmitEventRequest, WatchJobRequest,
    orchestrator_service_client::OrchestratorServiceClient,
};
use bsm_runtime::{
    drain::Drain,
    json,
    metrics::Metrics,
    process::Process,
    role::Role,
    server::{self, Listeners},
    settings::{Layers, Settings},
    status::reason,
};
use serde_json::json;
use tokio::net::TcpListener;
use tonic::{Code, transport::Channel};

/// Nobody listens there.
const NOBODY: &str = "http://127.0.0.1:1";

fn delivered() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents")
}

fn process(data: &Path, agents: &Path) -> Process {
    let flag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut flags = vec![
        flag("data_dir", &data.display().to_string()),
        flag("agents_dir", &agents.display().to_string()),
    ];
    flags.extend(
        ["registry", "knowledge", "memory", "models"].map(|role| flag(&format!("{role}.url"), NOBODY)),
    );
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &flags)).unwrap();
    let drain = Drain::new(settings.grace);
    Process::new(Role::Orchestrator, Arc::new(settings), drain, Metrics::default())
}

async fn client(process: &Process) -> OrchestratorServiceClient<Channel> {
    let service = bsm_orchestrator::open(process).await.unwrap();
    let bind = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
    let listeners = Listeners { api: bind().await, ops: bind().await };
    let url = format!("http://{}", listeners.api.local_addr().unwrap());
    server::serve(process, listeners, service);
    OrchestratorServiceClient::connect(url).await.unwrap()
}

async fn refusal(process: &Process) -> OpenError {
    match bsm_orchestrator::open(process).await {
        Ok(_) => panic!("it started"),
        Err(err) => err,
    }
}

#[tokio::test]
async fn with_the_whole_mesh_down_a_job_still_ends_with_a_person_and_is_there_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let first = process(data.path(), &delivered());
    let mut orchestrator = client(&first).await;
    let payload = json!({"repo": "acme/shop", "prNumber": 7, "headSha": "abc", "diff": "--- a/x\n+++ b/x\n"});
    let event = SubmitEventRequest {
        event: Some("pull_request.opened".into()),
        payload: Some(json::to_struct(payload)),
        ..Default::default()
    };
    let job_id = orchestrator.submit_event(event).await.unwrap().into_inner().job_id;
    let watch = WatchJobRequest { job_id: job_id.clone(), last_event_id: None };
    let mut events = orchestrator.watch_job(watch).await.unwrap().into_inner();
    let mut kinds = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        kinds.push(event.event_type);
    }
    assert_eq!((kinds[0].as_str(), kinds.last().unwrap().as_str()), ("job.queued", "job.succeeded"));

    let get = GetJobRequest { job_id: job_id.clone() };
    let job = orchestrator.get_job(get.clone()).await.unwrap().into_inner().job.unwrap();
    assert_eq!(job.decision.as_ref().unwrap().action, "manual_review");
    // Repeats on the way may open the circuit before the job gives up.
    let outage = |code: &str| ["UNREACHABLE", "CIRCUIT_OPEN"].contains(&code);
    assert!(job.steps.iter().all(|step| step.status == "failed" && outage(&step.code)), "{job:#?}");
    let report = data.path().join("orchestrator/reports").join(job.report_file.as_ref().unwrap());
    assert!(fs::read_to_string(report).unwrap().starts_with("# Report"));
    first.drain.finish().await.unwrap();
    drop(orchestrator);

    let second = process(data.path(), &delivered());
    let mut orchestrator = client(&second).await;
    assert_eq!(orchestrator.get_job(get).await.unwrap().into_inner().job.unwrap(), job);
    let listed = orchestrator.list_jobs(ListJobsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.jobs.iter().map(|job| &job.job_id).collect::<Vec<_>>(), [&job_id]);
    second.drain.finish().await.unwrap();
}

#[tokio::test]
async fn a_malformed_event_is_refused_with_its_field() {
    let data = tempfile::tempdir().unwrap();
    let process = process(data.path(), &delivered());
    let mut orchestrator = client(&process).await;
    let payload = Some(json::to_struct(json!({"diff": 12})));
    let refused =
        orchestrator.submit_event(SubmitEventRequest { payload, ..Default::default() }).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_deref()),
        (Code::InvalidArgument, Some("INVALID_PAYLOAD"))
    );
    assert_eq!(refused.message(), "payload.diff must be a text, not a number");
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn a_mistake_in_the_rules_keeps_the_service_from_starting_and_touches_nothing() {
    let (data, agents) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for name in ["registry.yaml", "events.yaml", "policy.yaml"] {
        let text = fs::read_to_string(delivered().join(name)).unwrap();
        fs::write(agents.path().join(name), text.replace("security-agent", "sekurity-agent-7")).unwrap();
    }
    fs::copy(delivered().join("registry.yaml"), agents.path().join("registry.yaml")).unwrap();
    let refused = refusal(&process(data.path(), agents.path())).await;
    let OpenError::Rules(findings) = &refused else { panic!("{refused}") };
    assert!(findings.iter().all(|finding| finding.line > 0 && !finding.fix.is_empty()));
    assert!(refused.to_string().contains("\"sekurity-agent-7\" is not in registry.yaml"), "{refused}");
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_second_process_and_a_foreign_file_are_refused_with_a_sentence() {
    let data = tempfile::tempdir().unwrap();
    let first = process(data.path(), &delivered());
    let _service = bsm_orchestrator::open(&first).await.unwrap();
    let second = refusal(&process(data.path(), &delivered())).await;
    assert!(second.to_string().contains("in use by another bsm process"), "{second}");
    first.drain.finish().await.unwrap();

    let data = tempfile::tempdir().unwrap();
    fs::create_dir(data.path().join("orchestrator")).unwrap();
    fs::write(data.path().join("orchestrator/journal.db"), "no database at all, ".repeat(500)).unwrap();
    let damaged = refusal(&process(data.path(), &delivered())).await;
    assert!(damaged.to_string().contains("damaged or not a SQLite file"), "{damaged}");
}
