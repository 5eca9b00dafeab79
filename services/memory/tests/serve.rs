//! The service as a client meets it: opened by a process, asked over gRPC, and opened again.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as tests do

use std::{path::Path, sync::Arc};

use bsm_proto::memory::v1::{
    FindSimilarDecisionsRequest, FindSimilarReviewsRequest, StoreDecisionRequest, StoreReviewRequest,
    memory_service_client::MemoryServiceClient,
};
use bsm_runtime::{
    drain::Drain,
    json,
    metrics::Metrics,
    process::Process,
    role::Role,
    server::{self, Listeners},
    settings::{Layers, Settings},
    status::{field_violations, reason},
};
use serde_json::json;
use tokio::net::TcpListener;
use tonic::{Code, transport::Channel};

fn process(data: &Path) -> Process {
    let flag = ("data_dir".to_owned(), data.display().to_string());
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &[flag])).unwrap();
    let drain = Drain::new(settings.grace);
    Process::new(Role::Memory, Arc::new(settings), drain, Metrics::default())
}

async fn client(process: &Process) -> MemoryServiceClient<Channel> {
    let service = bsm_memory::open(process).await.unwrap();
    let bind = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
    let listeners = Listeners { api: bind().await, ops: bind().await };
    let url = format!("http://{}", listeners.api.local_addr().unwrap());
    server::serve(process, listeners, service);
    MemoryServiceClient::connect(url).await.unwrap()
}

fn review(code: &str, repo: &str) -> StoreReviewRequest {
    StoreReviewRequest {
        code: code.to_owned(),
        review: format!("about {code}"),
        metadata: Some(json::to_struct(json!({ "repo": repo }))),
        ..Default::default()
    }
}

#[tokio::test]
async fn reviews_are_stored_found_by_likeness_and_filter_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = process(dir.path());
    let mut memory = client(&first).await;
    let a = memory.store_review(review("fn a(x)", "bsm")).await.unwrap().into_inner();
    let b = memory.store_review(review("fn b(y, z)", "bsm")).await.unwrap().into_inner();
    memory.store_review(review("fn a(x)", "other")).await.unwrap();
    assert!(a.id.len() == 36 && a.created_at > 1e12 && b.created_at >= a.created_at);
    drop(memory);
    first.drain.finish().await.unwrap();

    let second = process(dir.path());
    let mut memory = client(&second).await;
    let filter = Some(json::to_struct(json!({"repo": "bsm"})));
    let find = FindSimilarReviewsRequest { code: "FN a".to_owned(), filter, ..Default::default() };
    let answer = memory.find_similar_reviews(find).await.unwrap().into_inner();
    assert!(answer.exact);
    let found: Vec<_> = answer.results.iter().map(|r| (r.id.as_str(), r.score, r.code.as_str())).collect();
    assert_eq!(found, [(a.id.as_str(), 2.0 / 3.0, "fn a(x)"), (b.id.as_str(), 0.2, "fn b(y, z)")]);
    assert_eq!(answer.results[0].review, "about fn a(x)");
    assert_eq!(answer.results[0].created_at, a.created_at);
    let metadata = answer.results[0].metadata.as_ref().map(json::from_struct).unwrap();
    assert_eq!(metadata["repo"], "bsm");
    second.drain.finish().await.unwrap();
}

#[tokio::test]
async fn decisions_are_stored_and_found() {
    let dir = tempfile::tempdir().unwrap();
    let process = process(dir.path());
    let mut memory = client(&process).await;
    let decision = StoreDecisionRequest {
        id: Some("job-1".to_owned()),
        action: "block_pr".to_owned(),
        reason: "it adds a private key".to_owned(),
        context: "Add deployment key".to_owned(),
        job_id: "job-1".to_owned(),
        ..Default::default()
    };
    let first = memory.store_decision(decision.clone()).await.unwrap().into_inner();
    let again = memory.store_decision(decision).await.unwrap().into_inner();
    assert_eq!(first, again, "a repeated write changes nothing");
    let find = FindSimilarDecisionsRequest { context: "add a key".to_owned(), ..Default::default() };
    let found = memory.find_similar_decisions(find).await.unwrap().into_inner().results;
    assert_eq!((found.len(), found[0].action.as_str(), found[0].score), (1, "block_pr", 0.5));
    assert_eq!((found[0].job_id.as_str(), found[0].reason.as_str()), ("job-1", "it adds a private key"));
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn a_bad_request_names_its_fields_and_is_the_callers_fault() {
    let dir = tempfile::tempdir().unwrap();
    let process = process(dir.path());
    let mut memory = client(&process).await;
    let wrong = FindSimilarReviewsRequest {
        top_k: Some(1_001),
        namespace: Some("../other".to_owned()),
        ..Default::default()
    };
    let refused = memory.find_similar_reviews(wrong).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::InvalidArgument, Some("INVALID_INPUT")));
    let fields: Vec<_> = field_violations(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["code", "top_k", "namespace"]);
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn a_second_process_on_the_same_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = process(dir.path());
    let _service = bsm_memory::open(&first).await.unwrap();
    let refused = match bsm_memory::open(&process(dir.path())).await {
        Ok(_) => panic!("it opened"),
        Err(refused) => refused.to_string(),
    };
    assert!(refused.contains("in use by another bsm process"), "{refused}");
    first.drain.finish().await.unwrap();
}
