//! The same event is one job, however often and under whichever name it is delivered.

use super::*;

fn delivery(key: Option<&str>, body_key: Option<&str>, body_hash: &str) -> Delivery {
    Delivery { key: key.map(Into::into), body_key: body_key.map(Into::into), body_hash: body_hash.into() }
}

#[tokio::test]
async fn the_same_key_is_the_same_job() {
    let (_dir, journal) = open();
    let first = journal.accept(new_job(&["a"]), delivery(Some("k"), None, "h")).await.unwrap();
    let again = journal.accept(new_job(&["a"]), delivery(Some("k"), None, "h")).await.unwrap();
    assert_eq!(again, Accepted { job_id: first.job_id, duplicate: true, state: JobState::Queued });
    journal.begin(first.job_id, NOW).await.unwrap();
    let later = journal.accept(new_job(&["a"]), delivery(Some("k"), None, "h")).await.unwrap();
    assert_eq!(later.state, JobState::Running, "where it stands now");
    assert_eq!(kinds(&journal, first.job_id).await, ["job.queued", "job.running"]);
}

#[tokio::test]
async fn a_key_with_another_body_is_a_conflict_and_leaves_nothing() {
    let (_dir, journal) = open();
    journal.accept(new_job(&["a"]), delivery(Some("k"), None, "h")).await.unwrap();
    let other = new_job(&["a"]);
    let id = other.id;
    let err = journal.accept(other, delivery(Some("k"), None, "other")).await.unwrap_err();
    assert!(matches!(&err, Error::Conflict { key } if key == "k"), "{err}");
    assert!(matches!(journal.job(id).await, Err(Error::UnknownJob(_))));
}

#[tokio::test]
async fn the_same_body_under_a_new_key_is_the_same_job_and_the_new_key_is_kept() {
    let (_dir, journal) = open();
    let first = journal.accept(new_job(&["a"]), delivery(Some("k1"), Some("b"), "h")).await.unwrap();
    let second = journal.accept(new_job(&["a"]), delivery(Some("k2"), Some("b"), "h")).await.unwrap();
    let third = journal.accept(new_job(&["a"]), delivery(Some("k2"), None, "h")).await.unwrap();
    assert_eq!((second.job_id, third.job_id), (first.job_id, first.job_id));
    assert!(second.duplicate && third.duplicate);
}

#[tokio::test]
async fn a_key_that_looks_like_a_body_is_no_body() {
    let (_dir, journal) = open();
    let first = journal.accept(new_job(&["a"]), delivery(Some("x"), None, "h")).await.unwrap();
    let second = journal.accept(new_job(&["a"]), delivery(None, Some("x"), "h")).await.unwrap();
    assert_ne!(first.job_id, second.job_id);
}

#[tokio::test]
async fn events_without_a_key_are_all_different() {
    let (_dir, journal) = open();
    let first = journal.accept(new_job(&["a"]), delivery(None, None, "h")).await.unwrap();
    let second = journal.accept(new_job(&["a"]), delivery(None, None, "h")).await.unwrap();
    assert_ne!(first.job_id, second.job_id);
}

#[tokio::test]
async fn many_deliveries_of_one_event_at_once_are_one_job() {
    let (_dir, journal) = open();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let journal = journal.clone();
        waiting.spawn(async move { journal.accept(new_job(&["a"]), delivery(Some("k"), None, "h")).await });
    }
    let all: Vec<Accepted> = waiting.join_all().await.into_iter().map(Result::unwrap).collect();
    assert_eq!(all.iter().filter(|accepted| !accepted.duplicate).count(), 1);
    assert!(all.iter().all(|accepted| accepted.job_id == all[0].job_id));
}
