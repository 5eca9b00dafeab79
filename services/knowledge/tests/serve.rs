//! The service as a client meets it: opened by a process, asked over gRPC.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as tests do

use std::{path::Path, sync::Arc};

use bsm_knowledge::LoadError;
use bsm_proto::knowledge::v1::{
    GetDocumentRequest, ListDocumentsRequest, WatchDocumentsRequest,
    knowledge_service_client::KnowledgeServiceClient,
};
use bsm_runtime::{
    drain::Drain,
    metrics::Metrics,
    process::Process,
    role::Role,
    server::{self, Listeners},
    settings::{Layers, Settings},
    status::reason,
};
use tokio::net::TcpListener;
use tonic::{Code, transport::Channel};

fn process(folder: &Path) -> Process {
    let flag = ("knowledge_dir".to_owned(), folder.display().to_string());
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &[flag])).unwrap();
    let drain = Drain::new(settings.grace);
    Process::new(Role::Knowledge, Arc::new(settings), drain, Metrics::default())
}

async fn client(process: &Process) -> KnowledgeServiceClient<Channel> {
    let service = bsm_knowledge::open(process).await.unwrap();
    let bind = || async { TcpListener::bind("127.0.0.1:0").await.unwrap() };
    let listeners = Listeners { api: bind().await, ops: bind().await };
    let url = format!("http://{}", listeners.api.local_addr().unwrap());
    server::serve(process, listeners, service);
    KnowledgeServiceClient::connect(url).await.unwrap()
}

#[tokio::test]
async fn documents_are_listed_and_got_over_grpc() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.md"), "---\naudience: [my-agent]\n---\n# Mine\n").unwrap();
    std::fs::write(dir.path().join("b.md"), "# دليل\n").unwrap();
    let process = process(dir.path());
    let mut client = client(&process).await;

    let audience = vec!["security-agent".to_owned()];
    let listing = client.list_documents(ListDocumentsRequest { audience }).await.unwrap().into_inner();
    assert_eq!(listing.documents, ["# دليل\n"]);
    assert_eq!(listing.items[0].title, "دليل");

    let get = |id: &str| GetDocumentRequest { document_id: id.to_owned() };
    let found = client.get_document(get("a")).await.unwrap().into_inner();
    assert_eq!(found.text, "# Mine\n");
    let missing = client.get_document(get("c")).await.unwrap_err();
    assert_eq!((missing.code(), reason(&missing).as_deref()), (Code::NotFound, Some("DOCUMENT_NOT_FOUND")));
    assert_eq!(missing.message(), "there is no document c");
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn a_document_that_is_not_usable_keeps_the_service_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.md"), "---\ntitle: [\n").unwrap();
    let Err(LoadError::Invalid(findings)) = bsm_knowledge::open(&process(dir.path())).await else {
        panic!("it started")
    };
    assert_eq!((findings.len(), findings[0].line), (1, 1));
}

#[tokio::test]
async fn an_edited_document_is_told_and_served_and_a_bad_edit_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let write = |text: &str| std::fs::write(dir.path().join("a.md"), text).unwrap();
    write("# One\n");
    let process = process(dir.path());
    let mut client = client(&process).await;
    let mut watch = client.watch_documents(WatchDocumentsRequest::default()).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!((first.documents.len(), first.documents[0].id.as_str()), (1, "a"));

    write("---\ntitle: [\n");
    while process.degraded.notes().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let get = || GetDocumentRequest { document_id: "a".to_owned() };
    assert_eq!(client.get_document(get()).await.unwrap().into_inner().text, "# One\n");
    write("# Two\n");
    let second = watch.message().await.unwrap().unwrap();
    assert_ne!((&first.version, &first.documents[0].hash), (&second.version, &second.documents[0].hash));
    let served = client.get_document(get()).await.unwrap().into_inner();
    assert_eq!(
        (served.text.as_str(), served.info.unwrap().hash),
        ("# Two\n", second.documents[0].hash.clone())
    );

    let last_version = Some(second.version);
    let again = client.watch_documents(WatchDocumentsRequest { last_version }).await.unwrap();
    process.drain.begin();
    let end = again.into_inner().message().await.unwrap_err();
    assert_eq!((end.code(), reason(&end).as_deref()), (Code::Unavailable, Some("DRAINING")));
    process.drain.finish().await.unwrap();
}
