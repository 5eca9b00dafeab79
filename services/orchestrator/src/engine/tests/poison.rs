//! A job that cannot go on is tried a few times and set aside with its reason; it never holds up the others.

use super::*;

/// How often a run of a job may fail.
const RUNS: usize = 3;

async fn kinds(running: &Running, id: JobId) -> Vec<String> {
    let events = running.engine.journal().events(id, 0, 1000).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

#[tokio::test]
async fn a_job_whose_run_panics_each_time_is_set_aside_and_the_others_are_not_held_up() {
    let running = Running::with(Fake::new(|_, _| APPROVE), 1);
    let poison = running.submit(new_job(parallel(&["poison", "b"]))).await;
    let sound = running.submit(new_job(parallel(&["a"]))).await;
    assert_eq!(action(&running.ended(sound).await), Action::ApproveAndMerge);

    let job = running.ended(poison).await;
    assert_eq!((job.state, job.decision.clone()), (JobState::Failed, None), "no decision, so no approval");
    assert_eq!(running.mesh.count("resolve poison"), RUNS);
    assert_eq!(kinds(&running, poison).await.last().unwrap(), "job.failed");
    assert!(job.notes[0].starts_with("the job was set aside after 3 failed runs"), "{:?}", job.notes);
    assert!(job.steps.iter().all(|step| step.state == StepState::Cancelled && step.code == "JOB_FAILED"));
    let (report, _) = running.engine.journal().report(poison).await.unwrap().unwrap();
    assert!(report.contains("There is no decision") && !report.contains("on purpose"), "{report}");
}

#[tokio::test]
async fn a_job_that_was_set_aside_stays_so_after_a_restart() {
    let first = Running::start(Fake::new(|_, _| APPROVE));
    let id = first.submit(new_job(parallel(&["poison"]))).await;
    first.ended(id).await;
    let dir = first.copied();
    let mesh = Arc::new(Fake::new(|_, _| APPROVE));
    assert_eq!(engine(dir.path(), &mesh, 16).recover().await.unwrap(), 0);
}

#[tokio::test]
async fn a_job_that_the_journal_cannot_read_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let mesh = Arc::new(Fake::new(|_, _| APPROVE));
    let engine = engine(dir.path(), &mesh, 16);
    let id = engine.submit(new_job(parallel(&["a"])), Delivery::default()).await.unwrap().job_id;
    let db = rusqlite::Connection::open(dir.path().join("journal.db")).unwrap();
    db.execute("UPDATE inputs SET strategy = 'gibberish'", []).unwrap();
    let running = Running::run(dir, mesh, engine);
    running.happened(id, "job.failed", "").await;
    assert_eq!(running.engine.journal().state(id).await.unwrap(), JobState::Failed);
    assert_eq!(
        kinds(&running, id).await,
        ["job.queued", "job.run_failed", "job.run_failed", "job.noted", "job.failed"]
    );
    assert!(running.mesh.log().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn a_process_that_ends_again_and_again_while_a_job_is_decided_does_not_meet_it_for_ever() {
    let first = Running::start(Fake::new(|_, _| APPROVE));
    let id = first.submit(new_job(parallel(&["a"]))).await;
    first.happened(id, "step.succeeded", "a").await;
    let mut dir = first.copied();
    for left in [1, 1, 0] {
        let mesh = Arc::new(Fake::new(|_, _| APPROVE));
        assert_eq!(engine(dir.path(), &mesh, 16).recover().await.unwrap(), left);
        dir = copy(dir.path());
    }
    let mesh = Arc::new(Fake::new(|_, _| APPROVE));
    let journal = engine(dir.path(), &mesh, 16);
    let job = journal.journal().job(id).await.unwrap();
    assert_eq!((job.state, job.steps[0].state), (JobState::Failed, StepState::Succeeded));
}

#[tokio::test]
async fn a_job_with_nobody_on_it_says_so() {
    let running = Running::start(Fake::new(|agent, _| if agent == "a" { Say::Hang } else { APPROVE }));
    let id = running.submit(new_job(parallel(&["a"]))).await;
    running.happened(id, "step.started", "a").await;
    assert_eq!(running.engine.waiting_for(id, JobState::Running), "");
    running.engine.journal().kill_writer().await;
    // The step ends by its time, and nothing can be written about it any more.
    let failure = super::super::failure::Failure::from(crate::journal::Error::Closed);
    super::super::failure::after(&running.engine.0, id, failure, &running.stop).await;
    let waits = running.engine.waiting_for(id, JobState::Running);
    assert_eq!(
        waits,
        "the next start of the orchestrator, because nobody works on it: the journal is closed"
    );
}
