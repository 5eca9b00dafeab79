//! How jobs end: approval only when everything agrees, and a person for everything that fails.

use super::*;

#[tokio::test]
async fn a_sound_change_that_all_approve_is_approved_and_reported() {
    let running = Running::start(Fake::new(|_, _| APPROVE));
    let job = running.job(parallel(&["a", "b", "c"])).await;
    assert_eq!((job.state, action(&job)), (JobState::Succeeded, Action::ApproveAndMerge), "{job:#?}");
    assert!(job.steps.iter().all(|step| step.state == StepState::Succeeded && step.attempts == 1));
    assert_eq!((job.steps[0].usage.provider.as_str(), job.steps[0].usage.input_tokens), ("fake", 10));
    assert_eq!(job.notes, Vec::<String>::new());

    let name = job.report_file.unwrap();
    let report = std::fs::read_to_string(running.dir.path().join("reports").join(&name)).unwrap();
    assert!(report.contains("approve"), "{report}");
    assert_eq!(running.engine.journal().report(job.id).await.unwrap(), Some((report, Some(name))));
}

#[tokio::test]
async fn what_agents_are_given_is_fetched_once_per_job() {
    let running = Running::start(Fake::new(|_, _| APPROVE));
    running.job(parallel(&["a", "b", "c"])).await;
    let log = running.mesh.log();
    let tally = tally(&log);
    assert_eq!(
        (tally["passages for a b c"], tally["similar reviews"], tally["resolve a"]),
        (1, 1, 1),
        "{log:?}"
    );
    assert_eq!((tally["store review"], tally["store decision approve_and_merge"]), (3, 1), "{log:?}");
    for prompt in running.mesh.prompts() {
        let all: String = prompt.messages.iter().map(|message| message.content.as_str()).collect();
        let passage = "[rules#keys] Rules > Keys (rules.md, sha256 000000000000)\nnever commit a key";
        assert!(all.contains(passage) && all.contains("+fn hello() {}"), "{all}");
        assert!(prompt.response_schema.is_some());
    }
}

#[tokio::test]
async fn without_knowledge_and_memory_a_job_goes_on_and_says_so() {
    let running = Running::start(Fake::new(|_, _| APPROVE).without(&["knowledge", "memory"]));
    let job = running.job(parallel(&["a"])).await;
    assert_eq!(action(&job), Action::ApproveAndMerge);
    let notes = job.notes.join("\n");
    for part in
        ["the knowledge base was unavailable", "the memory of past reviews", "did not keep everything"]
    {
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_ends_in_manual_review_with_its_error_kept() {
    let running = Running::start(Fake::new(|agent, _| match agent {
        "b" => Say::Refuse(Code::Unavailable, "CIRCUIT_OPEN"),
        _ => APPROVE,
    }));
    let job = running.job(parallel(&["a", "b"])).await;
    assert_eq!((job.state, action(&job)), (JobState::Succeeded, Action::ManualReview));
    let step = job.step("b").unwrap();
    assert_eq!((step.state, step.code.as_str(), step.attempts), (StepState::Failed, "CIRCUIT_OPEN", 2));
    assert_eq!(job.step("a").unwrap().state, StepState::Succeeded, "the others are not held up");
    assert_eq!(running.mesh.count("ask b"), 2);
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_and_forgotten() {
    let running = Running::start(Fake::new(|_, nth| match nth {
        1 => Say::Refuse(Code::DeadlineExceeded, "UPSTREAM_TIMEOUT"),
        _ => APPROVE,
    }));
    let job = running.job(parallel(&["a"])).await;
    assert_eq!(action(&job), Action::ApproveAndMerge);
    assert_eq!((job.steps[0].attempts, job.steps[0].code.as_str()), (2, ""));
    let keys: Vec<_> = running.mesh.prompts().into_iter().map(|prompt| prompt.idempotency_key).collect();
    assert_eq!(keys[0], keys[1], "the same call upstream");
    running.happened(job.id, "step.retrying", "a").await;
}

#[tokio::test]
async fn what_was_refused_for_good_is_not_tried_again() {
    let running = Running::start(Fake::new(|_, _| Say::Refuse(Code::FailedPrecondition, "MISSING_API_KEY")));
    let job = running.job(parallel(&["a"])).await;
    assert_eq!((job.steps[0].attempts, job.steps[0].code.as_str()), (1, "MISSING_API_KEY"));
    assert_eq!(action(&job), Action::ManualReview);
}

#[tokio::test]
async fn an_agent_that_the_registry_forbids_is_never_asked() {
    let running = Running::start(Fake::new(|_, _| APPROVE));
    let job = running.job(parallel(&["a", "forbidden"])).await;
    let step = job.step("forbidden").unwrap();
    assert_eq!((step.state, step.code.as_str()), (StepState::Failed, "CONTEXT_FORBIDDEN"));
    assert_eq!((running.mesh.count("ask forbidden"), action(&job)), (0, Action::ManualReview));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_for_once_more() {
    let running = Running::start(Fake::new(|_, nth| if nth == 1 { Say::Text("LGTM!") } else { APPROVE }));
    let job = running.job(parallel(&["a"])).await;
    assert_eq!(action(&job), Action::ApproveAndMerge);
    assert_eq!(
        (job.steps[0].attempts, job.steps[0].usage.input_tokens),
        (1, 20),
        "both answers were paid for"
    );
    let prompts = running.mesh.prompts();
    assert_eq!(prompts[1].messages.len(), 4);
    assert_eq!(prompts[1].messages[2].content, "LGTM!");
    assert_ne!(prompts[0].idempotency_key, prompts[1].idempotency_key, "another question");
}

#[tokio::test]
async fn an_answer_that_never_fits_fails_the_step_and_approves_nothing() {
    let running = Running::start(Fake::new(|_, _| Say::Text("approve approve approve")));
    let job = running.job(parallel(&["a"])).await;
    let step = &job.steps[0];
    assert_eq!((step.state, step.code.as_str()), (StepState::Failed, "UNPARSEABLE_ANSWER"));
    assert_eq!((running.mesh.count("ask a"), action(&job)), (2, Action::ManualReview));
}

#[tokio::test]
async fn prose_is_an_answer_that_nobody_can_weigh() {
    let running = Running::start(Fake::new(|_, _| Say::Text("Looks fine to me.")));
    let job = running.job(parallel(&["prose"])).await;
    assert_eq!((job.steps[0].state, job.steps[0].review.clone()), (StepState::Succeeded, None));
    assert_eq!(action(&job), Action::ManualReview);
}

#[tokio::test]
async fn a_fault_of_ours_costs_one_step_and_not_the_job() {
    let running = Running::start(Fake::new(|agent, _| if agent == "a" { Say::Panic } else { APPROVE }));
    let job = running.job(parallel(&["a", "b"])).await;
    assert_eq!(job.step("a").unwrap().code, "INTERNAL");
    assert_eq!((job.step("b").unwrap().state, action(&job)), (StepState::Succeeded, Action::ManualReview));
}

#[tokio::test]
async fn a_sequence_that_stops_skips_what_follows_the_failure() {
    let running = Running::start(Fake::new(|agent, _| match agent {
        "b" => Say::Refuse(Code::NotFound, "MODEL_NOT_FOUND"),
        _ => APPROVE,
    }));
    let job = running.job(sequential(&["a", "b", "c"])).await;
    let states: Vec<_> = job.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Succeeded, StepState::Failed, StepState::Skipped]);
    assert_eq!((running.mesh.count("ask c"), action(&job)), (0, Action::ManualReview));
}

#[tokio::test]
async fn at_its_deadline_a_job_is_decided_without_what_is_missing() {
    let running = Running::start(Fake::new(|agent, _| if agent == "a" { APPROVE } else { Say::Hang }));
    let strategy = Strategy { deadline_seconds: 2, ..parallel(&["a", "b"]) };
    let job = running.job(strategy).await;
    assert_eq!(job.step("b").unwrap().code, "DEADLINE_EXCEEDED");
    assert_eq!((job.step("a").unwrap().state, action(&job)), (StepState::Succeeded, Action::ManualReview));
}

#[tokio::test]
async fn the_same_head_is_decided_once_but_a_failure_may_be_mended() {
    let running = Running::start(Fake::new(|_, nth| match nth {
        1 => Say::Refuse(Code::NotFound, "MODEL_NOT_FOUND"),
        3 => Say::Review("approve", 8.0),
        _ => APPROVE,
    }));
    let failed = running.job(parallel(&["a"])).await;
    let approved = running.job(parallel(&["a"])).await;
    let late = running.job(parallel(&["a"])).await;
    assert_eq!((action(&failed), action(&approved)), (Action::ManualReview, Action::ApproveAndMerge));
    let (first, second) = (approved.decision.unwrap(), late.decision.unwrap());
    assert_eq!(
        (second.action, &second.id),
        (Action::ApproveAndMerge, &first.id),
        "one decision for one head"
    );
    assert!(late.notes[0].contains(&format!("job {} decided the same", approved.id)), "{:?}", late.notes);
    assert!(second.evidence[0].detail.contains("score 8/10"), "the evidence is the job's own: {second:?}");
    let (report, _) = running.engine.journal().report(late.id).await.unwrap().unwrap();
    assert!(report.contains("score 8/10"), "{report}");
}

#[tokio::test]
async fn a_recorded_approval_never_overrules_what_a_later_job_finds() {
    let running = Running::start(Fake::new(|agent, nth| match (agent, nth) {
        ("a", 2) => Say::Review("block", 1.0),
        _ => APPROVE,
    }));
    let approved = running.job(parallel(&["a"])).await;
    let stopped = running.job(parallel(&["a"])).await;
    assert_eq!(action(&approved), Action::ApproveAndMerge);
    assert_ne!(action(&stopped), Action::ApproveAndMerge);
    assert_ne!(stopped.decision.unwrap().id, approved.decision.unwrap().id);
    assert!(stopped.notes[0].contains(&format!("job {} decided before", approved.id)), "{:?}", stopped.notes);
    let (report, _) = running.engine.journal().report(stopped.id).await.unwrap().unwrap();
    assert!(report.contains("says block"), "{report}");
}

#[tokio::test]
async fn what_fewer_agents_approved_says_nothing_for_more_of_them() {
    let running = Running::start(Fake::new(|_, _| APPROVE));
    let thin = running.job(Strategy { event: "default".into(), ..sequential(&["a"]) }).await;
    let whole = running.job(parallel(&["a", "b", "c"])).await;
    assert_ne!(thin.decision.unwrap().id, whole.decision.unwrap().id);
    assert_eq!(whole.notes, Vec::<String>::new());
}

#[tokio::test]
async fn a_report_whose_file_cannot_be_written_is_in_the_journal() {
    let running = Running::start(Fake::new(|_, _| APPROVE));
    std::fs::remove_dir(running.dir.path().join("reports")).unwrap();
    let job = running.job(parallel(&["a"])).await;
    assert_eq!((job.state, job.report_file.clone()), (JobState::Succeeded, None));
    let (markdown, file) = running.engine.journal().report(job.id).await.unwrap().unwrap();
    assert!(markdown.starts_with("# Report") && file.is_none());
}
