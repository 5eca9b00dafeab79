use bsm_runtime::degraded::Degraded;
use bsm_runtime::folder::Folder;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::budget::{NANOS_PER_USD, Window};

/// A minute of a day that will not be over soon.
const NOW: i64 = 4_000_000_000_000 - 4_000_000_000_000 % 86_400_000 + 600_000;

fn open(dir: &TempDir) -> Store {
    Store::open(Folder::open(dir.path()).unwrap(), 90, Degraded::default()).unwrap()
}

fn record(at: i64, names: [&str; 5], tokens: u64) -> Record {
    let [caller, agent, job, provider, model] = names.map(str::to_owned);
    let sums = Sums {
        requests: 1,
        tokens: Tokens { input: tokens, output: 1, ..Tokens::default() },
        nanos: tokens * NANOS_PER_USD,
        ..Sums::default()
    };
    Record { at, key: Key { caller, agent, job, provider, model }, sums }
}

fn by(by: &[By]) -> Query {
    Query { by: by.to_vec(), filter: Filter::default(), limit: 100 }
}

fn filled(dir: &TempDir) -> Store {
    let store = open(dir);
    for (at, names, tokens) in [
        (NOW, ["k1", "a", "j", "openai", "gpt-4o"], 10),
        (NOW + 5, ["k1", "a", "j", "openai", "gpt-4o"], 5),
        (NOW + 60_000, ["k1", "", "", "openai", "gpt-4"], 7),
        (NOW + Window::Day.ms(), ["k2", "a", "", "offline", "offline"], 0),
    ] {
        store.add(record(at, names, tokens));
    }
    store
}

#[tokio::test]
async fn sums_are_kept_apart_by_what_is_asked_for_and_add_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(&dir);
    let shown = |listed: Listed| {
        let line = |line: Line| (line.key.caller, line.key.model, line.sums.requests, line.sums.tokens.input);
        listed.lines.into_iter().map(line).collect::<Vec<_>>()
    };
    let text = |text: &str| text.to_owned();
    let listed = store.list(by(&[By::Key, By::Model])).await.unwrap();
    assert_eq!((listed.total.requests, listed.total.tokens.input, listed.cut), (4, 22, false));
    let expected = [
        (text("k1"), text("gpt-4o"), 2, 15),
        (text("k1"), text("gpt-4"), 1, 7),
        (text("k2"), text("offline"), 1, 0),
    ];
    assert_eq!(shown(listed), expected, "the dearest first");
    let days = store.list(by(&[By::Day])).await.unwrap().lines;
    let days: Vec<_> =
        days.iter().map(|line| (line.day.unwrap() - Window::Day.began(NOW), line.sums.requests)).collect();
    assert_eq!(days, [(Window::Day.ms(), 1), (0, 3)], "the latest first");
    let first = store.list(Query { limit: 1, ..by(&[By::Agent]) }).await.unwrap();
    assert_eq!((first.lines.len(), first.cut, first.total.requests), (1, true, 4));
    let all = store.list(by(&[])).await.unwrap();
    assert_eq!((all.lines.len(), all.lines[0].sums), (1, all.total));
}

#[tokio::test]
async fn filters_choose_whose_calls_count_and_when() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(&dir);
    let named = |text: &str| Some(text.to_owned());
    for (filter, requests) in [
        (Filter { caller: named("k1"), ..Filter::default() }, 3),
        (Filter { agent: named("a"), ..Filter::default() }, 3),
        (Filter { agent: named(""), ..Filter::default() }, 1),
        (Filter { job: named("j"), caller: named("k2"), ..Filter::default() }, 0),
        (Filter { provider: named("offline"), ..Filter::default() }, 1),
        (Filter { model: named("gpt-4' OR 1 --"), ..Filter::default() }, 0),
        (Filter { since: Some(NOW + 60_000), ..Filter::default() }, 2),
        (Filter { since: Some(NOW), until: Some(NOW + 60_000), ..Filter::default() }, 2),
    ] {
        let listed = store.list(Query { filter: filter.clone(), ..by(&[By::Key]) }).await.unwrap();
        assert_eq!(listed.total.requests, requests, "{filter:?}");
    }
}

#[tokio::test]
async fn what_was_added_is_there_after_a_restart_and_adds_up_with_what_comes() {
    let dir = tempfile::tempdir().unwrap();
    drop(filled(&dir)); // writes what is left
    let store = filled(&dir);
    assert_eq!(store.list(by(&[])).await.unwrap().total.requests, 8);
    let used = store.used(NOW).unwrap();
    let of = |window, caller: &str, job: Option<&str>| {
        let found = used.iter().find(|used| {
            used.window == window && used.account.caller == caller && used.account.job.as_deref() == job
        });
        found.map(|used| used.amount)
    };
    assert_eq!(of(Window::Day, "k1", Some("j")).unwrap().requests, 4);
    assert_eq!(of(Window::Minute, "k1", Some("j")).unwrap().tokens, 2 * (15 + 2));
    assert_eq!(of(Window::Day, "k1", None).unwrap().nanos, 2 * 7 * NANOS_PER_USD);
}

#[tokio::test]
async fn usage_of_long_ago_goes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let now = bsm_runtime::clock::unix_ms();
    store.add(record(now - 91 * Window::Day.ms(), ["old", "", "", "p", "m"], 1));
    store.add(record(now - 89 * Window::Day.ms(), ["young", "", "", "p", "m"], 1));
    store.written().await;
    drop(store); // ends the thread, which has looked for what is old by then
    let lines = open(&dir).list(by(&[By::Key])).await.unwrap().lines;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].key.caller, "young");
}

#[test]
fn a_file_of_another_kind_or_a_newer_release_is_refused_and_left_alone() {
    let refused = |make: &dyn Fn(&Connection)| {
        let dir = tempfile::tempdir().unwrap();
        make(&Connection::open(dir.path().join(store::FILE)).unwrap());
        let opened = Store::open(Folder::open(dir.path()).unwrap(), 90, Degraded::default());
        opened.unwrap_err().to_string()
    };
    let foreign = refused(&|db| db.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap());
    assert!(foreign.contains("not the usage of this product"), "{foreign}");
    let newer = refused(&|db| {
        db.execute_batch(
            "CREATE TABLE x (y TEXT); PRAGMA application_id = 1112755573; PRAGMA user_version = 9",
        )
        .unwrap();
    });
    assert!(newer.contains("has schema 9") && newer.contains("only up to 1"), "{newer}");
}
