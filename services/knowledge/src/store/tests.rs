use super::*;

fn draft(id: &str, text: &str) -> Draft {
    Draft {
        id: id.into(),
        format: Format::Markdown,
        source: "https://example.org".into(),
        said: Said { title: None, tags: Some(vec!["a\"b".into(), "t".into()]), audience: None },
        content: text.into(),
    }
}

fn document(draft: &Draft, at: i64) -> Document {
    draft.read(at, "admin").unwrap()
}

fn put(store: &Store, draft: &Draft, at: i64) {
    assert!(store.put(draft, &document(draft, at), None).unwrap());
}

#[test]
fn a_document_comes_back_as_it_was_put_after_the_file_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let first = draft("a", "# One\n");
    put(&Store::open(dir.path()).unwrap(), &first, 1);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.draft("a").unwrap(), Some(first));
    assert_eq!(store.draft("b").unwrap(), None);
    let second = draft("a", "# Two\n");
    let hash = store.revisions().unwrap()["a"].hash.clone();
    assert!(!store.put(&second, &document(&second, 2), None).unwrap(), "there is one");
    assert!(!store.put(&second, &document(&second, 2), Some("other")).unwrap(), "it is another");
    assert!(store.put(&second, &document(&second, 2), Some(&hash)).unwrap());
    assert_eq!(store.draft("a").unwrap(), Some(second));
    let revisions = store.revisions().unwrap();
    assert_eq!((revisions.len(), revisions["a"].added_at_ms), (1, 2));
    assert!(!store.delete("a", &hash).unwrap());
    assert!(store.delete("a", &revisions["a"].hash).unwrap());
    assert!(Store::open(dir.path()).unwrap().revisions().unwrap().is_empty());
}

#[test]
fn what_another_process_wrote_shows_in_a_number() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (Store::open(dir.path()).unwrap(), Store::open(dir.path()).unwrap());
    let before = one.foreign_version().unwrap();
    put(&one, &draft("a", "x"), 1);
    assert_eq!(one.foreign_version().unwrap(), before, "its own writing is none of another's");
    put(&other, &draft("b", "x"), 1);
    assert_ne!(one.foreign_version().unwrap(), before);
}

#[test]
fn a_file_of_something_else_or_of_a_newer_release_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    std::fs::write(&path, "no database, but a text that is long enough to be looked at by SQLite").unwrap();
    assert!(matches!(Store::open(dir.path()), Err(Unfit::Unread(_))));
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    assert!(matches!(Store::open(dir.path()), Err(Unfit::Foreign)));
    std::fs::remove_file(&path).unwrap();
    drop(Store::open(dir.path()).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(Unfit::Newer { found: 9, known: 1 })));
}
