use std::{fs, path::PathBuf};

use super::*;

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn ids<'a>(documents: impl Iterator<Item = &'a Arc<Document>>) -> Vec<&'a str> {
    documents.map(|document| document.id.as_str()).collect()
}

#[test]
fn the_documents_that_come_with_the_product_have_no_findings() {
    let delivered = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../knowledge"));
    let corpus = Corpus::load(&delivered).unwrap_or_else(|error| panic!("{error}"));
    for id in ["code-review-guide", "governance-rules", "incident-runbook", "secure-coding"] {
        let document = corpus.get(id).unwrap_or_else(|| panic!("{id} is missing"));
        assert!(document.text.starts_with("# "), "{id} begins with its heading");
        assert!(!document.tags.is_empty(), "{id} has tags");
    }
    let auditor = ["bsu-audit-agent".to_owned()];
    assert!(ids(corpus.for_audience(&auditor)).contains(&"governance-rules"), "it is for all");
    assert!(!ids(corpus.for_audience(&auditor)).contains(&"secure-coding"));
}

#[test]
fn documents_are_ordered_by_id_wherever_they_lie() {
    let dir = folder(&[("z/a.md", b"1"), ("b.md", b"2"), ("a/c.md", b"3")]);
    let corpus = Corpus::load(dir.path()).unwrap();
    assert_eq!(ids(corpus.for_audience(&[])), ["a", "b", "c"]);
    assert_eq!((corpus.len(), corpus.bytes(), corpus.is_empty()), (3, 3, false));
    assert_eq!(corpus.get("a").map(|d| d.source.as_str()), Some("z/a.md"));
}

#[test]
fn an_empty_folder_is_an_empty_corpus_and_a_missing_one_an_error() {
    let dir = folder(&[]);
    assert!(Corpus::load(dir.path()).unwrap().is_empty());
    let error = Corpus::load(&dir.path().join("none")).unwrap_err().to_string();
    assert!(error.contains("none: ") && error.contains("BSM_KNOWLEDGE_DIR"), "{error}");
}

#[test]
fn every_mistake_in_every_file_is_told_at_once_in_the_order_of_the_files() {
    let dir = folder(&[
        ("a.md", b"fine"),
        ("b.md", b"---\naudience: nobody\ncolour: red\n---\nx"),
        ("c.md", b"\xff"),
        ("sub/a.md", b"also fine"),
    ]);
    let error = Corpus::load(dir.path()).unwrap_err();
    let LoadError::Invalid(found) = &error else { panic!("{error}") };
    let base = format!("{}/", dir.path().display());
    let seen: Vec<_> = found.iter().map(|d| (d.file.replace(&base, ""), d.line)).collect();
    let want = [("b.md", 2), ("b.md", 3), ("c.md", 1), ("sub/a.md", 0)];
    assert_eq!(seen, want.map(|(file, line)| (file.to_owned(), line)));
    let text = error.to_string();
    assert!(text.starts_with("the documents have 4 mistakes; nothing is served"), "{text}");
    assert!(text.contains("sub/a.md: error: its id, a, is already that of a.md"), "{text}");
}

#[test]
fn all_documents_together_are_bounded() {
    let large = vec![b'x'; crate::format::MOST_TEXT_FILE_BYTES as usize];
    let names: Vec<String> = (0..66).map(|n| format!("{n:02}.md")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), large.as_slice())).collect();
    let dir = folder(&files);
    let LoadError::Invalid(found) = Corpus::load(dir.path()).unwrap_err() else { panic!("not invalid") };
    assert_eq!(found.len(), 1);
    assert!(found[0].file.ends_with("64.md"), "{}", found[0]);
    assert_eq!(found[0].message, "the documents up to here are larger than 64 MiB");
}
