use std::{collections::BTreeMap, path::Path};

use bsm_proto::knowledge::v1::AddDocumentRequest;
use bsm_runtime::{
    drain::Drain,
    metrics::Metrics,
    role::Role,
    settings::{Layers, Settings},
    versions::Versioned as _,
};
use serde_json::Value;
use tonic::Request;

use super::{rules::Shelves, *};
use crate::draft::Draft;

/// A role with its data and its documents in two folders below `dir`.
fn process(dir: &Path) -> Process {
    let flag = ("data_dir".to_owned(), dir.join("data").display().to_string());
    let settings = Settings::from_layers(&Layers::read(None, |_| None, &[flag])).unwrap();
    let drain = Drain::new(settings.grace);
    Process::new(Role::Knowledge, Arc::new(settings), drain, Metrics::default())
}

fn folder(dir: &Path) -> Arc<Corpus> {
    let folder = dir.join("knowledge");
    std::fs::create_dir_all(&folder).unwrap();
    Arc::new(Corpus::load(&folder).unwrap())
}

fn file(dir: &Path, name: &str, text: &str) {
    std::fs::create_dir_all(dir.join("knowledge")).unwrap();
    std::fs::write(dir.join("knowledge").join(name), text).unwrap();
}

fn open(dir: &Path) -> Library {
    Library::open(&process(dir), folder(dir)).unwrap()
}

fn operator() -> Operator {
    Operator::of(&Request::new(()))
}

fn draft(id: &str, text: &str) -> (Draft, Document) {
    let request =
        AddDocumentRequest { document_id: id.into(), text: text.into(), ..AddDocumentRequest::default() };
    let draft = Draft::check(request).unwrap();
    let document = draft.read(7, "admin").unwrap();
    (draft, document)
}

fn add(id: &str, text: &str) -> Change {
    let (draft, document) = draft(id, text);
    Change::Add(draft, document)
}

fn replace(id: &str, text: &str, expected: Option<&str>) -> Change {
    let (draft, document) = draft(id, text);
    Change::Replace(draft, document, expected.map(str::to_owned))
}

fn delete(id: &str) -> Change {
    Change::Delete(id.to_owned(), None)
}

fn served(library: &Library) -> Vec<(String, String)> {
    let corpus = library.served().current().corpus.clone();
    corpus.for_audience(&[]).map(|d| (d.id.clone(), d.text.clone())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect()
}

fn audit(dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join("data/knowledge/audit.jsonl")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn what_was_added_is_served_beside_the_folder_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    file(dir.path(), "b.md", "of the folder");
    let library = open(dir.path());
    let before = library.served().current().version().to_owned();
    let added = library.change(add("a", "added"), operator()).await.unwrap();
    assert_eq!((added.id.as_str(), added.provenance.added_by.as_str()), ("a", "admin"));
    let all = pairs(&[("a", "added"), ("b", "of the folder")]);
    assert_eq!(served(&library), all);
    assert_ne!(library.served().current().version(), before);
    let version = library.served().current().version().to_owned();
    drop(library);
    let again = open(dir.path());
    assert_eq!((served(&again), again.served().current().version().to_owned()), (all, version));
    assert_eq!(again.served().current().corpus.get("a").unwrap().provenance, added.provenance);
}

#[tokio::test]
async fn a_document_is_replaced_and_deleted_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let library = open(dir.path());
    let first = library.change(add("a", "one"), operator()).await.unwrap();
    let stale = library.change(replace("a", "two", Some("other")), operator()).await;
    assert_eq!(stale, Err(Error::Changed { id: "a".into(), hash: first.hash.clone() }));
    library.change(replace("a", "two", Some(&first.hash)), operator()).await.unwrap();
    assert_eq!(served(&library), pairs(&[("a", "two")]));
    let gone = library.change(delete("a"), operator()).await.unwrap();
    assert_eq!(gone.text, "two");
    for change in [replace("a", "x", None), delete("a")] {
        assert_eq!(library.change(change, operator()).await, Err(Error::UnknownDocument("a".into())));
    }
    drop(library);
    assert_eq!(served(&open(dir.path())), []);
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_before_it_is_made_and_what_is_refused_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let library = open(dir.path());
    library.change(add("a", "one"), operator()).await.unwrap();
    assert!(library.change(add("a", "two"), operator()).await.is_err());
    library.change(replace("a", "two", None), operator()).await.unwrap();
    library.change(delete("a"), operator()).await.unwrap();
    let lines = audit(dir.path());
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["document.add", "document.replace", "document.delete"]);
    assert!(lines.iter().all(|line| line["target"] == "a" && line["role"] == "knowledge"));
    assert_eq!((&lines[0]["old"], &lines[2]["new"]), (&Value::Null, &Value::Null));
    assert_eq!(lines[1]["old"]["hash"], lines[0]["new"]["hash"]);
}

#[tokio::test]
async fn a_change_that_cannot_be_audited_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let library = open(dir.path());
    std::fs::create_dir(dir.path().join("data/knowledge/audit.jsonl")).unwrap();
    assert_eq!(library.change(add("a", "one"), operator()).await, Err(Error::Unwritten));
    assert_eq!(served(&library), []);
    drop(library);
    assert_eq!(served(&open(dir.path())), [], "nor is it on the disk");
}

#[tokio::test]
async fn files_are_not_changed_over_the_api_and_are_stronger_than_what_was_added() {
    let dir = tempfile::tempdir().unwrap();
    file(dir.path(), "b.md", "file");
    let library = open(dir.path());
    assert_eq!(library.change(add("b", "x"), operator()).await, Err(Error::Exists("b".into())));
    for change in [replace("b", "x", None), delete("b")] {
        assert_eq!(library.change(change, operator()).await, Err(Error::InFolder("b".into())));
    }
    library.change(add("a", "added"), operator()).await.unwrap();
    drop(library);
    file(dir.path(), "a.md", "file");
    let process = process(dir.path());
    let library = Library::open(&process, folder(dir.path())).unwrap();
    assert_eq!(served(&library), pairs(&[("a", "file"), ("b", "file")]));
    assert!(
        process.degraded.notes()[0].contains("served in their place: a."),
        "{:?}",
        process.degraded.notes()
    );
    library.change(delete("a"), operator()).await.unwrap();
    assert_eq!((served(&library).len(), process.degraded.notes()), (2, vec![]));
}

#[tokio::test]
async fn what_one_process_adds_the_other_serves() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (open(dir.path()), open(dir.path()));
    let stop = CancellationToken::new();
    let following = tokio::spawn(other.follow(Versions::new(Corpus::default()), stop.clone()));
    let hash = one.change(add("a", "one"), operator()).await.unwrap().hash.clone();
    let mut versions = other.served().follow(None, |edition: &Edition| edition.corpus.len(), stop.clone());
    while futures_util::StreamExt::next(&mut versions).await.unwrap().unwrap() == 0 {}
    assert_eq!(served(&other), pairs(&[("a", "one")]));
    // A change looks first: the other's word is never overruled by what was known before.
    one.change(replace("a", "two", None), operator()).await.unwrap();
    let stale = other.change(replace("a", "three", Some(&hash)), operator()).await;
    assert!(matches!(stale, Err(Error::Changed { .. })), "{stale:?}");
    stop.cancel();
    following.await.unwrap().unwrap();
}

#[test]
fn there_is_room_for_so_many_documents_and_bytes() {
    let large = "x".repeat(1024 * 1024);
    let mut added = BTreeMap::new();
    for number in 0..64 {
        let (_, document) = draft(&format!("d{number}"), &large);
        added.insert(document.id.clone(), Arc::new(document));
    }
    let mut shelves = Shelves { folder: Arc::default(), added };
    assert_eq!(shelves.judge(&add("new", "x")), Err(Error::Full));
    assert!(shelves.judge(&replace("d1", &large, None)).is_ok(), "one in the place of another");
    shelves.added.remove("d1");
    assert_eq!(shelves.judge(&add("new", &large)).unwrap(), None);
    let (_, small) = draft("small", "x");
    let small = Arc::new(small);
    shelves.added = (0..crate::files::MOST_FILES).map(|n| (format!("s{n}"), Arc::clone(&small))).collect();
    assert_eq!(shelves.judge(&add("new", "x")), Err(Error::Full));
}

#[test]
fn ids_that_are_none_are_not_found() {
    let shelves = Shelves { folder: Arc::default(), added: BTreeMap::new() };
    for id in ["", "../a", "A", "a\u{0}"] {
        assert_eq!(shelves.judge(&delete(id)), Err(Error::MalformedId), "{id:?}");
    }
}

#[test]
fn a_file_of_added_documents_that_is_none_keeps_the_service_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(dir.path().join(format!("data/knowledge/{}{suffix}", store::FILE)));
    }
    std::fs::write(dir.path().join("data/knowledge").join(store::FILE), "x".repeat(1000)).unwrap();
    let error = Library::open(&process(dir.path()), folder(dir.path())).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot open the added documents ") && error.contains("documents.db"),
        "{error}"
    );
}

#[tokio::test]
async fn a_kept_document_that_cannot_be_read_any_more_is_left_out_told_and_mended_by_adding_it_anew() {
    let dir = tempfile::tempdir().unwrap();
    let library = open(dir.path());
    library.change(add("a", "one"), operator()).await.unwrap();
    library.change(add("b", "two"), operator()).await.unwrap();
    drop(library);
    let db = rusqlite::Connection::open(dir.path().join("data/knowledge").join(store::FILE)).unwrap();
    db.execute("UPDATE documents SET format = 'pdf' WHERE id = 'a'", []).unwrap();
    let process = process(dir.path());
    let library = Library::open(&process, folder(dir.path())).unwrap();
    assert_eq!(served(&library), pairs(&[("b", "two")]));
    assert!(process.degraded.notes()[0].contains("add them anew: a."), "{:?}", process.degraded.notes());
    library.change(add("a", "anew"), operator()).await.unwrap();
    assert_eq!((served(&library).len(), process.degraded.notes()), (2, vec![]));
    drop(library);
    assert_eq!(served(&open(dir.path())), pairs(&[("a", "anew"), ("b", "two")]));
}
