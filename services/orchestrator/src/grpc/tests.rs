//! The rpcs as callers meet them, without sockets.

use std::{path::PathBuf, sync::Arc};

use bsm_proto::orchestrator::v1::{
    GetJobReportRequest, GetJobRequest, Job, ListJobsRequest, ListStrategiesRequest, RerunJobRequest,
    RunAgentRequest, SubmitEventRequest, SubmitEventResponse, WatchJobRequest, WatchJobResponse,
    orchestrator_service_server::OrchestratorService,
};
use bsm_runtime::{call::Call, json, status::reason};
use futures_util::StreamExt;
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};

use super::Orchestrator;
use crate::fake::{APPROVE, Fake, Say, engine, payload};

struct Served {
    _dir: TempDir,
    mesh: Arc<Fake>,
    stop: CancellationToken,
    orchestrator: Orchestrator,
}

fn serve(mesh: Fake) -> Served {
    let dir = tempfile::tempdir().unwrap();
    let mesh = Arc::new(mesh);
    let engine = engine(&PathBuf::from(dir.path()), &mesh, 16);
    let stop = CancellationToken::new();
    tokio::spawn(engine.clone().run(stop.clone()));
    Served { _dir: dir, mesh, orchestrator: Orchestrator::new(engine, 4000, stop.clone()), stop }
}

fn event(wait: f64) -> SubmitEventRequest {
    SubmitEventRequest {
        event: Some("pull_request.opened".into()),
        payload: Some(json::to_struct(payload())),
        wait: Some(wait),
        ..Default::default()
    }
}

impl Served {
    async fn submit(&self, request: SubmitEventRequest) -> SubmitEventResponse {
        self.orchestrator.submit_event(Request::new(request)).await.unwrap().into_inner()
    }

    async fn job(&self, job_id: &str) -> Job {
        let request = GetJobRequest { job_id: job_id.into() };
        self.orchestrator.get_job(Request::new(request)).await.unwrap().into_inner().job.unwrap()
    }

    async fn watch(&self, job_id: &str, last: Option<&str>) -> super::watch::Events {
        let request = WatchJobRequest { job_id: job_id.into(), last_event_id: last.map(Into::into) };
        self.orchestrator.watch_job(Request::new(request)).await.unwrap().into_inner()
    }
}

#[tokio::test]
async fn an_event_is_answered_before_any_agent_has() {
    let served = serve(Fake::new(|_, _| APPROVE).held());
    let answer = served.submit(event(0.0)).await;
    assert!(answer.success && !answer.duplicate && answer.decision.is_none() && answer.results.is_empty());
    assert!(["queued", "running"].contains(&answer.status.as_str()), "{}", answer.status);
}

#[tokio::test]
async fn an_event_is_answered_without_reading_the_job_back() {
    let served = serve(Fake::new(|_, _| APPROVE));
    let held = served.orchestrator.engine.journal().hold_reads().await;
    let keyed = || SubmitEventRequest { idempotency_key: Some("k".into()), ..event(0.0) };
    let answer = served.submit(keyed()).await;
    assert_eq!((answer.status.as_str(), answer.duplicate), ("queued", false));
    let again = served.submit(keyed()).await;
    assert_eq!((again.job_id, again.duplicate), (answer.job_id, true));
    drop(held);
    let ended = served.submit(SubmitEventRequest { wait: Some(30.0), ..keyed() }).await;
    assert_eq!((ended.status.as_str(), ended.results.len()), ("succeeded", 4));
    let later = served.submit(keyed()).await;
    assert_eq!(
        (later.status, later.decision),
        (ended.status, ended.decision),
        "a repeat is told where the job stands"
    );
}

#[tokio::test]
async fn the_submitting_call_s_ids_are_kept_and_used_for_the_job_s_work() {
    let served = serve(Fake::new(|_, _| APPROVE));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut request = Request::new(event(30.0));
    request.extensions_mut().insert(Call::resumed("c-9", Some(trace)));
    let job_id = served.orchestrator.submit_event(request).await.unwrap().into_inner().job_id;
    assert_eq!(served.job(&job_id).await.correlation_id, "c-9");
    assert_eq!(served.mesh.calls(), vec![("c-9".to_owned(), Some(trace.to_owned())); 4]);
}

#[tokio::test]
async fn who_waits_gets_the_finished_job() {
    let served = serve(Fake::new(|_, _| APPROVE));
    let answer = served.submit(event(30.0)).await;
    assert_eq!((answer.status.as_str(), answer.results.len()), ("succeeded", 4));
    assert_eq!(answer.decision.unwrap().action, "approve_and_merge");
    assert_eq!(answer.report_file, Some(format!("{}.md", answer.job_id)));

    let request = GetJobRequest { job_id: answer.job_id.clone() };
    let job = served.orchestrator.get_job(Request::new(request)).await.unwrap().into_inner().job.unwrap();
    assert_eq!((job.subject.as_str(), job.strategy.unwrap().agents.len()), ("acme/shop#12", 4));
    let request = GetJobReportRequest { job_id: answer.job_id };
    let report = served.orchestrator.get_job_report(Request::new(request)).await.unwrap().into_inner();
    assert!(report.report.starts_with("# Report"));
}

#[tokio::test]
async fn who_waits_too_short_gets_what_is_there() {
    let served = serve(Fake::new(|_, _| APPROVE).held());
    let answer = served.submit(event(0.05)).await;
    assert!(["queued", "running"].contains(&answer.status.as_str()), "{}", answer.status);
    assert_eq!(answer.decision, None);
}

#[tokio::test]
async fn the_same_event_again_names_the_same_job_and_another_is_a_conflict() {
    let served = serve(Fake::new(|_, _| APPROVE));
    let keyed = |payload: serde_json::Value| SubmitEventRequest {
        payload: Some(json::to_struct(payload)),
        idempotency_key: Some("delivery-1".into()),
        ..event(0.0)
    };
    let first = served.submit(keyed(payload())).await;
    let again = served.submit(keyed(payload())).await;
    assert_eq!((again.job_id, again.duplicate), (first.job_id, true));
    let other = served.orchestrator.submit_event(Request::new(keyed(json!({"x": 1})))).await.unwrap_err();
    assert_eq!(
        (other.code(), reason(&other).as_deref()),
        (Code::AlreadyExists, Some("IDEMPOTENCY_CONFLICT"))
    );
}

#[tokio::test]
async fn a_job_whose_steps_failed_runs_again_as_a_new_job_once_it_ended() {
    let served = serve(Fake::new(|_, nth| match nth {
        1 => Say::Refuse(Code::NotFound, "MODEL_NOT_FOUND"),
        _ => APPROVE,
    }));
    let keyed = || SubmitEventRequest { idempotency_key: Some("k".into()), ..event(30.0) };
    let failed = served.submit(keyed()).await;
    assert_eq!(failed.decision.unwrap().action, "manual_review");

    let request = RerunJobRequest { job_id: failed.job_id.clone() };
    let rerun = served.orchestrator.rerun_job(Request::new(request.clone())).await.unwrap().into_inner();
    assert!(rerun.success && rerun.status == "queued" && rerun.job_id != failed.job_id, "{rerun:?}");
    let events: Vec<_> = served.watch(&rerun.job_id, None).await.map(Result::unwrap).collect().await;
    assert!(events[0].message.contains(&failed.job_id), "{}", events[0].message);
    let job = served.job(&rerun.job_id).await;
    assert_eq!((job.event.as_str(), job.subject.as_str()), ("pull_request.opened", "acme/shop#12"));
    assert_eq!(job.decision.unwrap().action, "approve_and_merge");
    assert_eq!(
        served.job(&failed.job_id).await.decision.unwrap().action,
        "manual_review",
        "the old one stays"
    );
    assert_eq!(served.submit(keyed()).await.job_id, failed.job_id, "the delivery's job is still the first");
}

#[tokio::test]
async fn only_a_job_that_ended_can_run_again() {
    let served = serve(Fake::new(|_, _| APPROVE).held());
    let open = served.submit(event(0.0)).await.job_id;
    for (job_id, code, expected) in
        [(open, Code::FailedPrecondition, "JOB_NOT_ENDED"), ("x".into(), Code::NotFound, "JOB_NOT_FOUND")]
    {
        let refused =
            served.orchestrator.rerun_job(Request::new(RerunJobRequest { job_id })).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_deref()), (code, Some(expected)));
    }
}

#[tokio::test]
async fn a_watcher_sees_every_event_once_and_comes_back_where_it_was() {
    let served = serve(Fake::new(|_, _| APPROVE).held());
    let id = served.submit(event(0.0)).await.job_id;
    let mut early = served.watch(&id, None).await;
    let mut seen: Vec<WatchJobResponse> = Vec::new();
    for _ in 0..3 {
        seen.push(early.next().await.unwrap().unwrap());
    }
    drop(early);
    let last = seen.last().unwrap().event_id.clone();
    let mut late = served.watch(&id, Some(&last)).await;
    served.mesh.answers.add_permits(100);
    while let Some(event) = late.next().await {
        seen.push(event.unwrap());
    }
    let ids: Vec<u64> = seen.iter().map(|event| event.event_id.parse().unwrap()).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
    assert_eq!(seen.first().unwrap().event_type, "job.queued");
    assert_eq!(seen.last().unwrap().event_type, "job.succeeded");

    let end = seen.last().unwrap().event_id.clone();
    assert!(served.watch(&id, Some(&end)).await.next().await.is_none(), "nothing comes after the end");
    let whole: Vec<_> = served.watch(&id, None).await.map(Result::unwrap).collect().await;
    assert_eq!(whole, seen, "a replay tells the same");
}

#[tokio::test]
async fn a_draining_server_sends_watchers_and_callers_away() {
    let served = serve(Fake::new(|_, _| APPROVE).held());
    let id = served.submit(event(0.0)).await.job_id;
    let mut events = served.watch(&id, None).await;
    events.next().await.unwrap().unwrap();
    served.stop.cancel();
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event);
    }
    assert_eq!(last.unwrap().unwrap_err().code(), Code::Unavailable);
    let refused = served.orchestrator.submit_event(Request::new(event(0.0))).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::Unavailable, Some("DRAINING")));
}

#[tokio::test]
async fn a_report_comes_with_the_end_and_unknown_jobs_are_not_found() {
    let served = serve(Fake::new(|_, _| APPROVE).held());
    let job_id = served.submit(event(0.0)).await.job_id;
    let open =
        served.orchestrator.get_job_report(Request::new(GetJobReportRequest { job_id })).await.unwrap_err();
    assert_eq!((open.code(), reason(&open).as_deref()), (Code::FailedPrecondition, Some("REPORT_NOT_READY")));
    for job_id in ["x", "../../etc/passwd", "018f2b5e-7c00-7000-8000-000000000000"] {
        let request = GetJobRequest { job_id: job_id.into() };
        let missing = served.orchestrator.get_job(Request::new(request)).await.unwrap_err();
        assert_eq!((missing.code(), reason(&missing).as_deref()), (Code::NotFound, Some("JOB_NOT_FOUND")));
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_strategies_in_the_order_of_the_file() {
    let served = serve(Fake::new(|_, _| APPROVE));
    for _ in 0..3 {
        served.submit(event(0.0)).await;
    }
    let page = |page_token: String| ListJobsRequest {
        limit: Some(2),
        page_token: Some(page_token),
        ..Default::default()
    };
    let first = served.orchestrator.list_jobs(Request::new(page(String::new()))).await.unwrap().into_inner();
    let next = page(first.next_page_token.clone());
    let second = served.orchestrator.list_jobs(Request::new(next)).await.unwrap().into_inner();
    assert_eq!((first.jobs.len(), second.jobs.len(), second.next_page_token.as_str()), (2, 1, ""));
    assert!(first.jobs[1].job_id > second.jobs[0].job_id, "newest first");

    let listed = served.orchestrator.list_strategies(Request::new(ListStrategiesRequest {})).await.unwrap();
    let listed = listed.into_inner();
    assert_eq!((listed.total_events, listed.strategies[0].event.as_str()), (8, "pull_request.opened"));
    assert_eq!(listed.strategies[7].event, "default");
}

#[tokio::test]
async fn an_agent_runs_on_an_input_and_its_refusals_are_handed_through() {
    let served = serve(Fake::new(|_, _| APPROVE));
    let run = |agent_id: &str, context: Option<&str>| RunAgentRequest {
        agent_id: agent_id.into(),
        input: "look at this".into(),
        context: context.map(Into::into),
        ..Default::default()
    };
    let answer = served.orchestrator.run_agent(Request::new(run("a", None))).await.unwrap().into_inner();
    let result = answer.result.unwrap();
    assert_eq!((result.agent_id.as_str(), result.provider.as_str()), ("a", "fake"));
    assert_eq!(result.review.unwrap().decision, "approve");
    assert!(!result.output.is_empty());

    let refused = served.orchestrator.run_agent(Request::new(run("forbidden", None))).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_deref()),
        (Code::PermissionDenied, Some("CONTEXT_FORBIDDEN"))
    );
}

#[tokio::test]
async fn an_agent_for_prose_answers_in_prose() {
    let served = serve(Fake::new(|_, _| Say::Text("Good morning.")));
    let request = RunAgentRequest { agent_id: "prose".into(), input: "hello".into(), ..Default::default() };
    let answer = served.orchestrator.run_agent(Request::new(request)).await.unwrap().into_inner();
    let result = answer.result.unwrap();
    assert_eq!((result.output.as_str(), result.review), ("Good morning.", None));
}
