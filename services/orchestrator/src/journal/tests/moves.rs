//! A job moves as its states allow and no other way, and every move is told to its watchers.

use super::*;

#[tokio::test]
async fn a_job_runs_from_queued_to_its_report() {
    let (_dir, journal) = open();
    let id = running(&journal, &["a", "b"]).await;
    let begun = journal.begin_step(id, "a", NOW + 2).await.unwrap();
    assert_eq!((begun.state, begun.attempts, begun.started_at), (StepState::Running, 1, Some(NOW + 2)));
    journal.end_step(id, "a", answered(), NOW + 3).await.unwrap();
    journal.end_step(id, "b", Ending::Skipped("a failed".into()), NOW + 3).await.unwrap();
    journal.note(id, "memory was unavailable", NOW + 3).await.unwrap();
    journal.note(id, "memory was unavailable", NOW + 4).await.unwrap();
    journal.decide(id, None, decision("d1", Action::ManualReview)).await.unwrap();
    let report = Report { markdown: "# Report".into(), file: Some("x.md".into()) };
    journal.finish(id, JobState::Succeeded, report, NOW + 6).await.unwrap();

    let job: Job = journal.job(id).await.unwrap();
    assert_eq!(
        (job.state, job.started_at, job.finished_at),
        (JobState::Succeeded, Some(NOW + 1), Some(NOW + 6))
    );
    assert_eq!(job.payload["prNumber"], 12);
    assert_eq!(job.notes, ["memory was unavailable"], "a note is kept once");
    assert_eq!(job.decision, Some(decision("d1", Action::ManualReview)));
    assert_eq!(job.steps[0].review, Some(review()));
    assert_eq!((job.steps[1].state, job.steps[1].error.as_str()), (StepState::Skipped, "a failed"));
    let report = journal.report(id).await.unwrap();
    assert_eq!(report, Some(("# Report".into(), Some("x.md".into()))));
    let told = ["job.queued", "job.running", "step.started", "step.succeeded", "step.skipped", "job.noted"];
    assert_eq!(kinds(&journal, id).await, [&told[..], &["decision.made", "job.succeeded"]].concat());
}

#[tokio::test]
async fn a_step_that_ended_never_moves_again() {
    let (_dir, journal) = open();
    let id = running(&journal, &["a"]).await;
    journal.begin_step(id, "a", NOW).await.unwrap();
    journal.end_step(id, "a", answered(), NOW).await.unwrap();
    let again = journal.begin_step(id, "a", NOW).await.unwrap_err();
    assert_eq!(again.to_string(), format!("step a of job {id} cannot begin: it is succeeded"));
    let failed = Ending::Failed(Setback { code: "LATE".into(), error: "late".into(), ..Setback::default() });
    assert!(matches!(journal.end_step(id, "a", failed, NOW).await, Err(Error::Misplaced { .. })));
    assert_eq!(journal.job(id).await.unwrap().steps[0].review, Some(review()), "the first answer stands");
}

#[tokio::test]
async fn a_step_moves_only_in_a_running_job() {
    let (_dir, journal) = open();
    let job = new_job(&["a"]);
    let id = job.id;
    journal.accept(job, Delivery::default()).await.unwrap();
    let early = journal.begin_step(id, "a", NOW).await.unwrap_err();
    assert_eq!(early.to_string(), format!("job {id} cannot begin a step: it is queued"));
    assert!(matches!(journal.begin_step(id, "z", NOW).await, Err(Error::Misplaced { .. })));
    let nobody = JobId::new();
    assert!(matches!(journal.begin(nobody, NOW).await, Err(Error::UnknownJob(id)) if id == nobody));
}

#[tokio::test]
async fn attempts_are_counted_and_their_tokens_add_up() {
    let (_dir, journal) = open();
    let id = running(&journal, &["a"]).await;
    journal.begin_step(id, "a", NOW).await.unwrap();
    let setback = Setback { code: "UPSTREAM_ERROR".into(), error: "down".into(), usage: usage(3) };
    let waiting = journal.retry_step(id, "a", setback, NOW).await.unwrap();
    assert_eq!((waiting.state, waiting.code.as_str()), (StepState::Pending, "UPSTREAM_ERROR"));
    let second = journal.begin_step(id, "a", NOW).await.unwrap();
    assert_eq!((second.attempts, second.error.as_str()), (2, "down"), "the error is kept meanwhile");
    let done: Step = journal.end_step(id, "a", answered(), NOW).await.unwrap();
    assert_eq!((done.usage.input_tokens, done.usage.output_tokens, done.error.as_str()), (13, 2, ""));
    assert!(kinds(&journal, id).await.contains(&"step.retrying".to_owned()));
}

#[tokio::test]
async fn a_key_is_decided_once_and_later_jobs_that_say_the_same_share_the_decision() {
    let (_dir, journal) = open();
    let (first, second) = (running(&journal, &["a"]).await, running(&journal, &["a"]).await);
    let key = || Some("k".to_owned());
    let made = journal.decide(first, key(), decision("d1", Action::BlockPr)).await.unwrap();
    assert_eq!(made, Recorded { decision: decision("d1", Action::BlockPr), first: None, note: None });
    let repeated = journal.decide(first, key(), decision("d2", Action::ApproveAndMerge)).await.unwrap();
    assert_eq!(repeated, made, "the same job again changes nothing");

    let own = Decision { reason: "for another reason".into(), ..decision("d3", Action::BlockPr) };
    let adopted = journal.decide(second, key(), own.clone()).await.unwrap();
    let shared = Decision { id: "d1".into(), ..own };
    assert_eq!(
        (&adopted.decision, adopted.first),
        (&shared, Some(first)),
        "one id, and the job's own reason"
    );
    assert_eq!(
        adopted.note,
        Some(format!("job {first} decided the same before, so this is the same decision"))
    );
    let again = journal.decide(second, key(), decision("d4", Action::BlockPr)).await.unwrap();
    assert_eq!((&again.decision, again.first), (&shared, Some(first)), "after a crash, too");
    let job = journal.job(second).await.unwrap();
    assert_eq!((job.decision, job.notes), (Some(shared), Vec::from_iter(adopted.note)));
    assert_eq!(kinds(&journal, first).await.iter().filter(|kind| *kind == "decision.made").count(), 1);
}

#[tokio::test]
async fn an_earlier_decision_never_overrules_another_verdict() {
    let (_dir, journal) = open();
    let (first, second) = (running(&journal, &["a"]).await, running(&journal, &["a"]).await);
    let key = || Some("k".to_owned());
    journal.decide(first, key(), decision("d1", Action::ApproveAndMerge)).await.unwrap();
    let other = journal.decide(second, key(), decision("d2", Action::BlockPr)).await.unwrap();
    assert_eq!((&other.decision, other.first), (&decision("d2", Action::BlockPr), None));
    let note = other.note.unwrap();
    assert!(note.contains(&format!("job {first} decided before: approve_and_merge")), "{note}");
    let job = journal.job(second).await.unwrap();
    assert_eq!((job.decision, job.notes), (Some(decision("d2", Action::BlockPr)), vec![note]));
    assert_eq!(journal.job(first).await.unwrap().decision, Some(decision("d1", Action::ApproveAndMerge)));
}

#[tokio::test]
async fn a_watcher_wakes_for_every_commit_and_reads_on_where_it_was() {
    let (_dir, journal) = open();
    let id = running(&journal, &["a"]).await;
    let mut movement = journal.listen(id);
    assert_eq!(journal.events(id, 0, 100).await.unwrap().len(), 2);
    journal.begin_step(id, "a", NOW).await.unwrap();
    movement.next().await;
    let more = journal.events(id, 2, 100).await.unwrap();
    assert_eq!(
        more.iter().map(|event| (event.sequence, event.agent_id.as_str())).collect::<Vec<_>>(),
        [(3, "a")]
    );
    assert!(matches!(journal.events(JobId::new(), 0, 1).await, Err(Error::UnknownJob(_))));
}

#[tokio::test]
async fn a_list_is_newest_first_in_pages_and_filtered() {
    use crate::journal::Filter;
    let (_dir, journal) = open();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(running(&journal, &["a"]).await);
    }
    let queued = new_job(&["a"]);
    ids.push(queued.id);
    journal.accept(queued, Delivery::default()).await.unwrap();
    ids.reverse();

    let first = journal.jobs(Filter { limit: 4, ..Filter::default() }).await.unwrap();
    assert_eq!(first.iter().map(|line| line.id).collect::<Vec<_>>(), ids[..4]);
    let rest = Filter { limit: 4, before: Some(ids[3]), ..Filter::default() };
    assert_eq!(journal.jobs(rest).await.unwrap().iter().map(|line| line.id).collect::<Vec<_>>(), ids[4..]);
    let state = Filter { limit: 9, state: Some(JobState::Queued), ..Filter::default() };
    assert_eq!(journal.jobs(state).await.unwrap().len(), 1);
    let event = Filter { limit: 9, event: Some("push".into()), ..Filter::default() };
    assert_eq!(journal.jobs(event).await.unwrap(), []);
}
