//! How many jobs run at once, and what the others are told.

use super::*;

#[tokio::test]
async fn jobs_beyond_the_bound_wait_in_order_and_say_for_what() {
    let mesh = Fake::new(|_, _| APPROVE).held();
    let running = Running::with(mesh, 2);
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(running.submit(new_job(parallel(&["a"]))).await);
    }
    running.happened(ids[0], "step.started", "a").await;
    running.happened(ids[1], "step.started", "a").await;
    let waiting = |id| running.engine.waiting_for(id, JobState::Queued);
    assert_eq!(waiting(ids[2]), "a place among the 2 jobs that run at once");
    assert_eq!(waiting(ids[3]), "a place among the 2 jobs that run at once, with 1 ahead of it");
    assert_eq!(running.engine.journal().state(ids[2]).await.unwrap(), JobState::Queued);

    running.mesh.answers.add_permits(4);
    for id in ids {
        assert_eq!(running.ended(id).await.state, JobState::Succeeded);
        assert_eq!(running.engine.waiting_for(id, JobState::Succeeded), "");
    }
}

#[tokio::test]
async fn an_event_is_kept_although_its_caller_leaves() {
    let running = Running::start(Fake::new(|_, _| APPROVE));
    let job = new_job(parallel(&["a"]));
    let id = job.id;
    {
        let engine = running.engine.clone();
        let mut submitting = Box::pin(async move { engine.submit(job, Delivery::default()).await });
        // One poll, then the caller is gone.
        let _ = futures_util::poll!(&mut submitting);
    }
    while running.engine.journal().state(id).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.ended(id).await.state, JobState::Succeeded);
}
