use std::{collections::HashMap, fs, path::Path};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    likeness::{
        Entry, jaccard,
        tests::{BruteForce, metadata},
    },
    metadata::Filter,
    record::{Action, Body, Kind},
    words::WordSet,
};

const PLENTY: usize = usize::MAX;

fn open(dir: &Path) -> Store {
    Store::open(Folder::open(dir).unwrap()).unwrap()
}

/// Why the memory in `dir` does not open.
fn refusal(dir: &Path) -> String {
    Store::open(Folder::open(dir).unwrap()).unwrap_err().to_string()
}

fn reviews(namespace: &str) -> Collection {
    Collection { namespace: namespace.to_owned(), kind: Kind::Review }
}

fn review(id: &str, text: &str) -> Record {
    let body = Body::Review { review: format!("about {id}") };
    Record { id: id.to_owned(), text: text.to_owned(), body, metadata: metadata(json!({"of": id})) }
}

fn search(collection: Collection, text: &str) -> Search {
    Search { collection, words: WordSet::of(text), k: 9, filter: Filter::default() }
}

/// Id, time and score of what is found.
async fn find(store: &Store, collection: Collection, text: &str) -> Vec<(String, i64, f64)> {
    let found = store.find(search(collection, text), PLENTY).await.unwrap();
    found.into_iter().map(|found| (found.record.id, found.created_at, found.score)).collect()
}

#[tokio::test]
async fn a_record_is_found_when_its_write_is_answered_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut record = review("a", "fn main() {\0} // نص");
    record.metadata = metadata(json!({"n": 0.1, "deep": {"list": [null, true, "x"]}}));
    let stored = store.put(reviews("x"), record.clone(), 7).await.unwrap();
    assert_eq!(stored, Stored { id: "a".to_owned(), created_at: 7 });
    let expected = [Found { score: 1.0, created_at: 7, record }];
    let wanted = search(reviews("x"), "MAIN fn نص");
    assert_eq!(store.find(wanted.clone(), PLENTY).await.unwrap(), expected);
    drop(store);
    assert_eq!(open(dir.path()).find(wanted, PLENTY).await.unwrap(), expected);
}

#[tokio::test]
async fn the_same_id_again_replaces_the_record_and_keeps_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.put(reviews("x"), review("a", "old"), 1).await.unwrap();
    let again = store.put(reviews("x"), review("a", "new"), 2).await.unwrap();
    assert_eq!(again.created_at, 1);
    let old = find(&store, reviews("x"), "old").await;
    let new = find(&store, reviews("x"), "new").await;
    assert_eq!((old, new), (vec![], vec![("a".to_owned(), 1, 1.0)]));
    drop(store);
    let store = open(dir.path());
    assert_eq!(find(&store, reviews("x"), "old new").await, [("a".to_owned(), 1, 0.5)]);
}

#[tokio::test]
async fn namespaces_and_kinds_are_apart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let decisions = Collection { namespace: "x".to_owned(), kind: Kind::Decision };
    let body =
        Body::Decision { action: Action::BlockPr, reason: "a key".to_owned(), job_id: "j1".to_owned() };
    let decision = Record { body, ..review("a", "word in a decision") };
    store.put(reviews("x"), review("a", "word"), 1).await.unwrap();
    store.put(reviews("y"), review("a", "word other"), 2).await.unwrap();
    store.put(decisions.clone(), decision.clone(), 3).await.unwrap();
    assert_eq!(find(&store, reviews("x"), "word").await, [("a".to_owned(), 1, 1.0)]);
    assert_eq!(find(&store, reviews("y"), "word").await, [("a".to_owned(), 2, 0.5)]);
    assert_eq!(find(&store, reviews("z"), "word").await, []);
    let found = store.find(search(decisions, "word"), PLENTY).await.unwrap();
    assert_eq!((found.len(), &found[0].record), (1, &decision));
}

#[tokio::test]
async fn what_was_answered_is_in_the_files_whenever_the_process_is_killed() {
    let (dir, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(dir.path());
    for n in 0..20 {
        store.put(reviews("x"), review(&format!("{n}"), "word"), n).await.unwrap();
    }
    // The files as a kill at this moment would leave them.
    for file in [FILE.to_owned(), format!("{FILE}-wal")] {
        fs::copy(dir.path().join(&file), killed.path().join(&file)).unwrap();
    }
    let found = find(&open(killed.path()), reviews("x"), "word").await;
    assert_eq!(found.len(), 9);
    assert_eq!(found[0].0, "19");
}

#[tokio::test]
async fn writes_of_many_callers_are_all_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let writes: Vec<_> = (0..200)
        .map(|n| {
            let (store, record) = (store.clone(), review(&format!("{n}"), &format!("word{n}")));
            tokio::spawn(async move { store.put(reviews("x"), record, n).await })
        })
        .collect();
    for (n, write) in writes.into_iter().enumerate() {
        assert_eq!(write.await.unwrap().unwrap().id, n.to_string());
        assert_eq!(find(&store, reviews("x"), &format!("word{n}")).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_beside_writes_finds_whole_records_with_their_own_scores() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for n in 0..150 {
            let text = format!("same {}", "a b c d e".split_at(2 * (n % 5) + 1).0);
            writer.put(reviews("x"), review(&format!("{}", n % 3), &text), 0).await.unwrap();
        }
    });
    let wanted = search(reviews("x"), "same a b");
    while !writing.is_finished() {
        match store.find(wanted.clone(), PLENTY).await {
            Ok(found) => found.iter().for_each(|found| {
                let words = WordSet::of(&found.record.text);
                let shared = words.iter().filter(|word| ["same", "a", "b"].contains(word)).count();
                assert_eq!(found.score, jaccard(shared, 3, words.len()), "{found:?}");
            }),
            Err(Error::Overtaken) => {}
            Err(other) => panic!("{other}"),
        }
    }
    writing.await.unwrap();
    assert_eq!(find(&store, reviews("x"), "same").await.len(), 3);
}

#[tokio::test]
async fn results_that_do_not_fit_are_refused_with_the_number_that_does() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    for n in 0..5 {
        store
            .put(reviews("x"), review(&format!("{n}"), &format!("w {}", "x".repeat(1_000))), n)
            .await
            .unwrap();
    }
    let mut wanted = search(reviews("x"), "w");
    let refused = store.find(wanted.clone(), 4_000).await.unwrap_err();
    assert!(matches!(refused, Error::ResultsTooLarge { found: 5, fitting: 3 }), "{refused}");
    wanted.k = 3;
    assert_eq!(store.find(wanted, 4_000).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_write_that_fails_says_so_and_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let shell = Connection::open(dir.path().join(FILE)).unwrap();
    shell.execute_batch("ALTER TABLE records RENAME TO elsewhere").unwrap();
    let failed = store.put(reviews("x"), review("a", "word"), 1).await.unwrap_err();
    assert!(matches!(failed, Error::Database { .. }), "{failed}");
    assert_eq!(find(&store, reviews("x"), "word").await, []);
    shell.execute_batch("ALTER TABLE elsewhere RENAME TO records").unwrap();
    store.put(reviews("x"), review("a", "word"), 2).await.unwrap();
    assert_eq!(find(&store, reviews("x"), "word").await.len(), 1);
}

#[tokio::test]
async fn a_damaged_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let store = open(dir.path());
    for n in 0..200 {
        store.put(reviews("x"), review(&format!("{n}"), &"long words ".repeat(40)), n).await.unwrap();
    }
    drop(store);
    let whole = fs::read(&path).unwrap();
    assert!(whole.len() > 20 * 4096, "the log was folded in: {} bytes", whole.len());

    let (mut scribbled, mut cut) = (whole.clone(), whole.clone());
    scribbled[4096..whole.len() / 2].fill(0xA5);
    cut.truncate(whole.len() / 2 + 100);
    for damaged in [scribbled, cut, b"this is not a database, but it is as long as the head of one".repeat(9)]
    {
        fs::write(&path, damaged).unwrap();
        let sentence = refusal(dir.path());
        let named = sentence.starts_with(&format!("the memory {} is damaged: ", path.display()));
        assert!(named && sentence.ends_with("or move it away to begin anew"), "{sentence}");
    }
    fs::write(&path, whole).unwrap();
    assert_eq!(find(&open(dir.path()), reviews("x"), "words").await.len(), 9);
}

#[tokio::test]
async fn rows_that_this_product_never_writes_are_damage() {
    for change in ["metadata = x'ff'", "kind = 'poem'", "text = cast(x'ff' as text)", "body = '{}'"] {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path());
        store.put(reviews("x"), review("a", "word"), 1).await.unwrap();
        drop(store);
        let shell = Connection::open(dir.path().join(FILE)).unwrap();
        shell.execute_batch(&format!("UPDATE records SET {change}")).unwrap();
        drop(shell);
        if change.starts_with("body") {
            // Bodies are read when they are found.
            let found = open(dir.path()).find(search(reviews("x"), "word"), PLENTY).await;
            assert!(matches!(found, Err(Error::Damaged { .. })), "{found:?}");
        } else {
            assert!(refusal(dir.path()).contains("memory.db is damaged: "), "{change}");
        }
    }
}

#[test]
fn a_foreign_or_newer_file_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(refusal(dir.path()).contains("is a database, but not a memory of this product"));
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    drop(open(dir.path()));
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(refusal(dir.path()).contains("has schema 99, and this release knows only up to 1"));
}

#[derive(Debug, Clone)]
enum Step {
    Put { namespace: bool, id: u8, now: i64, words: Vec<u8>, colour: u8 },
    Reopen,
    Search { namespace: bool, words: Vec<u8>, k: usize, colour: Option<u8> },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let words = || proptest::collection::vec(0..16_u8, 0..8);
    let step = prop_oneof![
        5 => (any::<bool>(), 0..8_u8, 0..4_i64, words(), 0..3_u8)
            .prop_map(|(namespace, id, now, words, colour)| Step::Put { namespace, id, now, words, colour }),
        1 => Just(Step::Reopen),
        4 => (any::<bool>(), words(), 1..6_usize, proptest::option::of(0..3_u8))
            .prop_map(|(namespace, words, k, colour)| Step::Search { namespace, words, k, colour }),
    ];
    proptest::collection::vec(step, 1..40)
}

/// The store and what it must equal.
struct Pair {
    store: Option<Store>,
    model: HashMap<bool, BruteForce>,
    born: HashMap<(bool, u8), i64>,
}

impl Pair {
    fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    async fn put(
        &mut self,
        namespace: bool,
        id: u8,
        now: i64,
        words: &[u8],
        metadata: crate::metadata::Metadata,
    ) {
        let text = sentence(words);
        let created_at = *self.born.entry((namespace, id)).or_insert(now);
        let record = Record { metadata: metadata.clone(), ..review(&format!("r{id}"), &text) };
        let stored = self.store().put(reviews(&namespace.to_string()), record, now).await.unwrap();
        assert_eq!(stored.created_at, created_at);
        let (id, words) = (stored.id.as_str().into(), WordSet::of(&text));
        self.model.entry(namespace).or_default().insert(Entry { key: 0, id, created_at, words, metadata });
    }

    async fn search(&mut self, namespace: bool, words: &[u8], k: usize, filter: Filter) {
        let words = WordSet::of(&sentence(words));
        let expected =
            self.model.entry(namespace).or_default().search(&Query { words: &words, k, filter: &filter });
        let search = Search { collection: reviews(&namespace.to_string()), words, k, filter };
        let found = self.store().find(search, PLENTY).await.unwrap();
        let found: Vec<_> = found.into_iter().map(|found| (found.record.id, found.score)).collect();
        assert_eq!(found, expected);
    }
}

fn sentence(words: &[u8]) -> String {
    words.iter().map(|word| format!("w{word} ")).collect()
}

async fn run(steps: Vec<Step>) {
    let dir = tempfile::tempdir().unwrap();
    let mut pair = Pair { store: Some(open(dir.path())), model: HashMap::new(), born: HashMap::new() };
    for step in steps {
        match step {
            Step::Put { namespace, id, now, words, colour } => {
                pair.put(namespace, id, now, &words, metadata(json!({"colour": colour}))).await;
            }
            Step::Reopen => {
                pair.store = None; // before the other is opened, which finds the folder free only then
                pair.store = Some(open(dir.path()));
            }
            Step::Search { namespace, words, k, colour } => {
                let wanted = colour.map_or_else(|| json!({}), |colour| json!({"colour": colour}));
                pair.search(namespace, &words, k, Filter::new(metadata(wanted))).await;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))] // each put waits for the disk

    #[test]
    fn the_store_equals_brute_force_in_any_order_of_writes_restarts_and_searches(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps));
    }
}
