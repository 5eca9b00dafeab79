//! Files that are not the journal expected, each refused with a sentence and left as they were.

use rusqlite::Connection;

use super::*;
use crate::journal::row::to_json;

fn refused(dir: &Path) -> String {
    Journal::open(dir).err().expect("the file must be refused").to_string()
}

#[tokio::test]
async fn a_closed_journal_opens_again_with_everything_in_it() {
    let (dir, journal) = open();
    let id = running(&journal, &["a"]).await;
    let before = journal.job(id).await.unwrap();
    drop(journal);
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.job(id).await.unwrap(), before);
}

#[tokio::test]
async fn a_journal_of_the_first_release_opens_with_everything_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let db = Connection::open(dir.path().join("journal.db")).unwrap();
    db.execute_batch(include_str!("../schema.sql")).unwrap();
    db.pragma_update(None, "application_id", 0x4253_4d6a).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    let (id, new, decision) = (JobId::new(), new_job(&["a"]), decision("d1", Action::BlockPr));
    let (strategy, decided) = (to_json(&new.strategy), to_json(&decision));
    let rows = [
        format!(
            "INSERT INTO jobs (id, event, state, source, subject, correlation_id, created_at, finished_at)
                 VALUES ('{id}', 'push', 'succeeded', 'api', '', 'c', 1, 2)"
        ),
        format!("INSERT INTO inputs VALUES ('{id}', '{}', '{{}}', '{{}}')", strategy),
        format!("INSERT INTO decisions VALUES ('d1', 'k', '{id}', 'block_pr', 1, '{}')", decided),
        format!("UPDATE jobs SET decision_id = 'd1' WHERE id = '{id}'"),
    ];
    rows.iter().for_each(|row| assert_eq!(db.execute(row, []).unwrap(), 1));
    drop(db);

    let journal = Journal::open(dir.path()).unwrap();
    let job = journal.job(id).await.unwrap();
    assert_eq!((job.decision, job.finished_at), (Some(decision), Some(2)));
    journal.forget(vec![id]).await.unwrap();
    let later = running(&journal, &["a"]).await;
    let other = super::decision("d2", Action::BlockPr);
    assert_eq!(journal.decide(later, Some("k".into()), other).await.unwrap().first, Some(id));
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let (dir, journal) = open();
    drop(journal);
    let path = dir.path().join("journal.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let sentence = refused(dir.path());
    assert!(sentence.contains("has schema 99") && sentence.contains("only up to 4"), "{sentence}");
}

#[test]
fn a_database_of_something_else_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(refused(dir.path()).contains("not a journal of the orchestrator"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("journal.db"), "not a database, ".repeat(1000)).unwrap();
    let sentence = refused(dir.path());
    assert!(sentence.contains("damaged or not a SQLite file"), "{sentence}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let sentence = refused(&dir.path().join("missing"));
    assert!(
        sentence.contains("cannot open the journal") && sentence.contains("missing/journal.db"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_full_disk_refuses_writes_with_a_sentence_and_loses_nothing() {
    let (dir, journal) = open();
    let id = running(&journal, &["a"]).await;
    // A page limit stands in for a disk without space: SQLite fails in the same way.
    set(&journal, "max_page_count", 1).await; // as low as it can be: the pages there are
    let mut large = new_job(&["a"]);
    large.payload = json!({"diff": "x".repeat(1_000_000)});
    let err = journal.accept(large, Delivery::default()).await.unwrap_err();
    assert!(matches!(err, Error::Full), "{err:?}");
    assert_eq!(journal.job(id).await.unwrap().state, JobState::Running, "reading goes on");

    set(&journal, "max_page_count", 1_000_000).await;
    let later = running(&journal, &["a"]).await;
    drop(journal);
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.recover(NOW).await.unwrap(), [id, later], "it goes on when there is space");
}

#[tokio::test]
async fn one_refused_operation_does_not_harm_the_others_of_its_group() {
    let (_dir, journal) = open();
    let id = running(&journal, &["a"]).await;
    let (bad, good) = tokio::join!(journal.begin(id, NOW), journal.begin_step(id, "a", NOW));
    assert!(matches!(bad, Err(Error::Misplaced { .. })));
    assert_eq!(good.unwrap().state, StepState::Running);
    assert_eq!(kinds(&journal, id).await, ["job.queued", "job.running", "step.started"]);
}

#[tokio::test]
async fn operations_that_wait_share_a_commit() {
    let (_dir, journal) = open();
    let before = journal.commits();
    // The first operation holds the thread until the others wait behind it.
    let (free, held) = std::sync::mpsc::channel::<()>();
    let mut waiting = tokio::task::JoinSet::new();
    let first = journal.clone();
    waiting.spawn(async move { first.write(move |_| held.recv().map_err(|_| Error::Closed)).await });
    for _ in 0..20 {
        let journal = journal.clone();
        waiting.spawn(async move { journal.accept(new_job(&["a"]), Delivery::default()).await.map(|_| ()) });
    }
    tokio::task::yield_now().await;
    free.send(()).unwrap();
    waiting.join_all().await.into_iter().for_each(|done| done.unwrap());
    let commits = journal.commits() - before;
    assert!(commits <= 2, "one for the first, one for all others, not {commits}");
}
