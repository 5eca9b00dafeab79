//! A process that dies and another that starts on what it left: nothing is lost and nothing is paid for twice.

use super::*;

#[tokio::test]
async fn after_a_crash_finished_steps_are_not_asked_again_and_the_job_ends() {
    let first = Running::start(Fake::new(|agent, _| if agent == "b" { Say::Hang } else { APPROVE }));
    let id = first.submit(new_job(parallel(&["a", "b", "c"]))).await;
    first.happened(id, "step.succeeded", "a").await;
    first.happened(id, "step.succeeded", "c").await;
    first.happened(id, "step.started", "b").await;

    let dir = first.copied();
    let mesh = Arc::new(Fake::new(|_, _| APPROVE));
    let engine = engine(dir.path(), &mesh, 16);
    assert_eq!(engine.recover().await.unwrap(), 1);
    let second = Running::run(dir, mesh, engine);
    let job = second.ended(id).await;
    assert_eq!(action(&job), Action::ApproveAndMerge);
    let asked: Vec<_> = second.mesh.log().into_iter().filter(|entry| entry.starts_with("ask")).collect();
    assert_eq!(asked, ["ask b"], "only what was cut off");
    assert_eq!(job.steps.iter().map(|step| step.attempts).collect::<Vec<_>>(), [1, 2, 1]);
    second.happened(id, "job.recovered", "").await;
}

#[tokio::test]
async fn a_crash_at_any_event_ends_in_the_same_decision_made_once() {
    let first = Running::start(Fake::new(|_, _| APPROVE));
    let strategy = sequential(&["a", "b"]);
    let expected = first.job(strategy.clone()).await;
    let events = first.engine.journal().events(expected.id, 0, 100).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| (event.kind.clone(), event.agent_id.clone())).collect();

    for (kind, agent) in kinds {
        // The copy is taken at the event or a little later: every such moment must do.
        let running = Running::start(Fake::new(|_, _| APPROVE));
        let id = running.submit(new_job(strategy.clone())).await;
        running.happened(id, &kind, &agent).await;
        let dir = running.copied();

        let mesh = Arc::new(Fake::new(|_, _| APPROVE));
        let engine = engine(dir.path(), &mesh, 16);
        engine.recover().await.unwrap();
        let finished: Vec<_> = {
            let job = engine.journal().job(id).await.unwrap();
            let finished = job.steps.iter().filter(|step| step.state == StepState::Succeeded);
            finished.map(|step| format!("ask {}", step.agent_id)).collect()
        };
        let second = Running::run(dir, mesh, engine);
        let job = second.ended(id).await;
        assert_eq!(
            (job.state, action(&job)),
            (JobState::Succeeded, Action::ApproveAndMerge),
            "at {kind} {agent}"
        );
        assert!(finished.iter().all(|step| second.mesh.count(step) == 0), "at {kind} {agent}");
        let events = second.engine.journal().events(id, 0, 100).await.unwrap();
        let made = events.iter().filter(|event| event.kind == "decision.made").count();
        assert_eq!(made, 1, "at {kind} {agent}");
    }
}

#[tokio::test]
async fn draining_lets_steps_end_begins_none_and_leaves_the_rest_for_the_next_start() {
    let mesh = Fake::new(|_, _| APPROVE).held();
    let running = Running::start(mesh);
    let id = running.submit(new_job(sequential(&["a", "b"]))).await;
    running.happened(id, "step.started", "a").await;
    running.stop.cancel();
    running.mesh.answers.add_permits(1);
    running.happened(id, "step.succeeded", "a").await;
    running.task.await.unwrap().unwrap();
    let left = running.engine.journal().job(id).await.unwrap();
    assert_eq!((left.state, left.steps[1].state), (JobState::Running, StepState::Pending));

    let dir = copy(running.dir.path());
    let mesh = Arc::new(Fake::new(|_, _| APPROVE));
    let engine = engine(dir.path(), &mesh, 16);
    engine.recover().await.unwrap();
    let next = Running::run(dir, mesh, engine);
    assert_eq!(action(&next.ended(id).await), Action::ApproveAndMerge);
    assert_eq!(next.mesh.count("ask a"), 0);
}

#[tokio::test]
async fn a_draining_engine_does_not_wait_for_another_attempt() {
    let running = Running::start(Fake::new(|_, _| Say::Refuse(Code::Unavailable, "UNREACHABLE")));
    let strategy = parallel(&["a"]);
    let strategy = Strategy {
        step: crate::strategy::StepRules { max_attempts: 10, ..strategy.step.clone() },
        ..strategy
    };
    let id = running.submit(new_job(strategy)).await;
    running.happened(id, "step.retrying", "a").await;
    running.stop.cancel();
    running.task.await.unwrap().unwrap();
    assert_eq!(running.engine.journal().state(id).await.unwrap(), JobState::Running);
}
