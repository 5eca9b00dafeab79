//! What was answered survives, at whatever moment the files are taken away.

use super::*;

#[tokio::test]
async fn an_answered_event_is_there_after_a_crash() {
    let (dir, journal) = open();
    let job = new_job(&["a"]);
    let id = job.id;
    journal.accept(job, Delivery::default()).await.unwrap();
    let (_copy, after) = reopen_as_after_a_crash(dir.path());
    assert_eq!(after.recover(NOW).await.unwrap(), [id]);
    assert_eq!(kinds(&after, id).await, ["job.queued"], "a job that had not begun is not recovered but run");
}

#[tokio::test]
async fn a_step_cut_off_runs_again_and_a_finished_one_does_not() {
    let (dir, journal) = open();
    let id = running(&journal, &["done", "cut", "new"]).await;
    journal.begin_step(id, "done", NOW).await.unwrap();
    journal.end_step(id, "done", answered(), NOW).await.unwrap();
    journal.begin_step(id, "cut", NOW).await.unwrap();

    let (_copy, after) = reopen_as_after_a_crash(dir.path());
    assert_eq!(after.recover(NOW).await.unwrap(), [id]);
    let job = after.job(id).await.unwrap();
    let states: Vec<_> = job.steps.iter().map(|step| (step.state, step.attempts)).collect();
    assert_eq!(states, [(StepState::Succeeded, 1), (StepState::Pending, 1), (StepState::Pending, 0)]);
    assert!(matches!(after.begin_step(id, "done", NOW).await, Err(Error::Misplaced { .. })));
    assert_eq!(after.begin_step(id, "cut", NOW).await.unwrap().attempts, 2);
    assert_eq!(kinds(&after, id).await.iter().filter(|kind| *kind == "job.recovered").count(), 1);
}

#[tokio::test]
async fn recovery_reads_open_jobs_only_oldest_first() {
    let (_dir, journal) = open();
    let (first, ended) = (running(&journal, &["a"]).await, running(&journal, &["a"]).await);
    let queued = new_job(&["a"]);
    let last = queued.id;
    journal.accept(queued, Delivery::default()).await.unwrap();
    journal.finish(ended, JobState::Failed, Report::default(), NOW).await.unwrap();
    assert_eq!(journal.recover(NOW).await.unwrap(), [first, last]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_copied_amid_writes_hold_every_answered_job_in_full() {
    let (dir, journal) = open();
    // Two files cannot be copied at one moment, so all changes go to one of them: the log.
    set(&journal, "wal_autocheckpoint", 0).await;
    let writing = {
        let journal = journal.clone();
        tokio::spawn(async move {
            let mut answered = Vec::new();
            for _ in 0..100 {
                answered.push(running(&journal, &["a", "b"]).await);
            }
            answered
        })
    };
    let mut copies = Vec::new();
    while !writing.is_finished() {
        let known = journal.jobs(crate::journal::Filter { limit: 500, ..Default::default() }).await.unwrap();
        copies.push((known, reopen_as_after_a_crash(dir.path())));
        if copies.len() == 5 {
            break;
        }
    }
    writing.await.unwrap();
    assert!(!copies.is_empty());
    for (known, (_copy, after)) in copies {
        for line in known {
            let job = after.job(line.id).await.unwrap();
            assert_eq!((job.steps.len(), job.payload["prNumber"].as_u64()), (2, Some(12)));
        }
    }
}

#[tokio::test]
async fn ten_thousand_open_jobs_are_recovered_at_once() {
    let (_dir, journal) = open();
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..10_000 {
        let journal = journal.clone();
        waiting.spawn(async move { running(&journal, &["a"]).await });
    }
    waiting.join_all().await;
    let began = std::time::Instant::now();
    assert_eq!(journal.recover(NOW).await.unwrap().len(), 10_000);
    // The goal is one second in a release build; a debug build on a busy machine gets some air.
    assert!(began.elapsed() < std::time::Duration::from_secs(10), "took {:?}", began.elapsed());
}
