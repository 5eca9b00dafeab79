//! The service as a client meets it: opened by a process, asked over gRPC.

#![allow(clippy::unwrap_used)] // helpers of tests may panic as tests do

use std::{path::Path, sync::Arc};

use bsm_knowledge::LoadError;
use bsm_proto::knowledge::v1::{
    AddDocumentRequest, DeleteDocumentRequest, GetDocumentRequest, ListDocumentsRequest,
    ReplaceDocumentRequest, SearchKnowledgeRequest, WatchDocumentsRequest,
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

/// A process whose documents lie in `folder`, and its state in a hidden folder there.
fn process(folder: &Path) -> Process {
    process_with(folder, &[])
}

fn process_with(folder: &Path, more: &[(&str, &str)]) -> Process {
    let state = folder.join(".data").display().to_string();
    let all = [("knowledge_dir", &*folder.display().to_string()), ("data_dir", &state)];
    let all: Vec<_> =
        all.iter().chain(more).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &all)).unwrap();
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

fn add(id: &str, text: &str) -> AddDocumentRequest {
    AddDocumentRequest { document_id: id.into(), text: text.into(), ..AddDocumentRequest::default() }
}

#[tokio::test]
async fn a_document_that_is_added_is_told_and_served_until_it_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let first = process(dir.path());
    let mut client = client(&first).await;
    let mut watch = client.watch_documents(WatchDocumentsRequest::default()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().documents, []);

    let added = client.add_document(add("on-call", "# On call\n")).await.unwrap().into_inner().info.unwrap();
    assert_eq!(
        (added.title.as_str(), added.origin.as_str(), added.added_by.as_str()),
        ("On call", "api", "local")
    );
    assert!(added.added_at > 1.6e12 && added.passages == 1 && added.format == "markdown");
    assert_eq!(watch.message().await.unwrap().unwrap().documents[0].hash, added.hash);
    let twice = client.add_document(add("on-call", "x")).await.unwrap_err();
    assert_eq!((twice.code(), reason(&twice).as_deref()), (Code::AlreadyExists, Some("DOCUMENT_EXISTS")));

    let html = ReplaceDocumentRequest {
        document_id: "on-call".into(),
        format: Some("html".into()),
        content: b"<h1>New</h1><script>x</script><p>Words".to_vec(),
        expected_hash: Some(added.hash),
        ..ReplaceDocumentRequest::default()
    };
    client.replace_document(html).await.unwrap();
    let get = || GetDocumentRequest { document_id: "on-call".to_owned() };
    assert_eq!(client.get_document(get()).await.unwrap().into_inner().text, "# New\n\nWords\n");
    first.drain.finish().await.unwrap();
    drop(client);

    let second = process(dir.path());
    let mut client = self::client(&second).await;
    assert_eq!(client.get_document(get()).await.unwrap().into_inner().info.unwrap().title, "New");
    let delete = DeleteDocumentRequest { document_id: "on-call".into(), expected_hash: None };
    client.delete_document(delete).await.unwrap();
    assert_eq!(client.get_document(get()).await.unwrap_err().code(), Code::NotFound);
    second.drain.finish().await.unwrap();
}

#[tokio::test]
async fn nobody_publishes_without_the_token_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let process = process_with(dir.path(), &[("admin_token", "a-token-of-sixteen")]);
    let mut client = client(&process).await;
    let delete = DeleteDocumentRequest { document_id: "a".into(), expected_hash: None };
    for refused in [
        client.add_document(add("a", "x")).await.unwrap_err(),
        client.replace_document(ReplaceDocumentRequest::default()).await.unwrap_err(),
        client.delete_document(delete).await.unwrap_err(),
    ] {
        assert_eq!(
            (refused.code(), reason(&refused).as_deref()),
            (Code::Unauthenticated, Some("UNAUTHORIZED"))
        );
    }
    let mut request = tonic::Request::new(add("a", "x"));
    request.metadata_mut().insert("x-admin-token", "a-token-of-sixteen".parse().unwrap());
    client.add_document(request).await.unwrap();
    assert!(!dir.path().join(".data/knowledge/audit.jsonl").metadata().unwrap().permissions().readonly());
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn bad_documents_are_refused_with_the_field_and_the_place() {
    let dir = tempfile::tempdir().unwrap();
    let process = process(dir.path());
    let mut client = client(&process).await;
    let bytes = |format: &str, content: &[u8]| AddDocumentRequest {
        document_id: "a".into(),
        format: Some(format.into()),
        content: content.into(),
        ..AddDocumentRequest::default()
    };
    for (request, field, said) in [
        (add("../../etc/passwd", "x"), "document_id", "must be 1 to 63 characters"),
        (add("a\u{0}b", "x"), "document_id", "must be 1 to 63 characters"),
        (add("a", ""), "text", "must be given"),
        (add("a", " \n"), "content", "the document has no text"),
        (bytes("docx", b"x"), "format", "must be one of markdown, text, html, json, yaml, pdf"),
        (bytes("text", b"a\xd9"), "content", "not UTF-8 text from its byte 2 (0xd9) on"),
        (bytes("pdf", b"plain words"), "content", "this is not a PDF"),
        (bytes("yaml", b"a: [1, 2"), "content", "this is not YAML"),
        (bytes("json", b"{\"a\": }"), "content", "line 1, column 7: this is not usable JSON"),
        (bytes("html", b"<script>alert(1)</script>"), "content", "the document has no text"),
    ] {
        let refused = client.add_document(request).await.unwrap_err();
        let violations = bsm_runtime::status::field_violations(&refused);
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        assert!(violations[0].0 == field && violations[0].1.contains(said), "{violations:?}");
    }
    assert_eq!(client.list_documents(ListDocumentsRequest::default()).await.unwrap().into_inner().items, []);
    process.drain.finish().await.unwrap();
}

fn search(q: &str) -> SearchKnowledgeRequest {
    SearchKnowledgeRequest { q: q.to_owned(), ..SearchKnowledgeRequest::default() }
}

#[tokio::test]
async fn what_is_added_edited_or_deleted_shows_in_searches() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file.md"), "# File\n\nOld words.\n").unwrap();
    let process = process(dir.path());
    let mut client = client(&process).await;
    client.add_document(add("on-call", "# On call\n\n## Nights\n\nPage the owner.\n")).await.unwrap();
    let found = client.search_knowledge(search("paging owners")).await.unwrap().into_inner();
    let first = &found.results[0];
    assert_eq!(
        (first.id.as_str(), &*first.headings),
        ("on-call#nights", &["On call".to_owned(), "Nights".into()][..])
    );
    let info = first.document.clone().unwrap();
    assert_eq!((info.id.as_str(), info.origin.as_str(), info.hash.len()), ("on-call", "api", 64));
    assert_eq!(
        (first.highlights.len(), first.ranks[0].ranking.as_str(), first.ranks[0].rank),
        (2, "bm25", 1)
    );
    assert_eq!((found.tokens, first.tokens), (first.tokens, 7));

    let delete = DeleteDocumentRequest { document_id: "on-call".into(), expected_hash: None };
    client.delete_document(delete).await.unwrap();
    assert_eq!(client.search_knowledge(search("page owner")).await.unwrap().into_inner().results, []);

    std::fs::write(dir.path().join("file.md"), "# File\n\nBrand new sentence.\n").unwrap();
    while client.search_knowledge(search("brand")).await.unwrap().into_inner().results.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(client.search_knowledge(search("old")).await.unwrap().into_inner().results, []);
    process.drain.finish().await.unwrap();
}

#[tokio::test]
async fn bad_searches_are_refused_with_the_field_and_odd_ones_answered() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file.md"), "words").unwrap();
    let process = process(dir.path());
    let mut client = client(&process).await;
    for (request, field) in [
        (search(""), "q"),
        (search(&"x".repeat(10_000)), "q"),
        (SearchKnowledgeRequest { limit: Some(0), ..search("x") }, "limit"),
        (SearchKnowledgeRequest { limit: Some(1_000_000_000), ..search("x") }, "limit"),
        (SearchKnowledgeRequest { document_id: Some("..".into()), ..search("x") }, "document_id"),
    ] {
        let refused = client.search_knowledge(request).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_deref()),
            (Code::InvalidArgument, Some("INVALID_INPUT"))
        );
        assert_eq!(bsm_runtime::status::field_violations(&refused)[0].0, field);
    }
    for odd in ["\"", "((", "a AND", "field:*", "[x TO", "\u{0}", "+\"x\" -", "\u{202e}"] {
        client.search_knowledge(search(odd)).await.unwrap_or_else(|status| panic!("{odd:?}: {status:?}"));
    }
    process.drain.finish().await.unwrap();
}
