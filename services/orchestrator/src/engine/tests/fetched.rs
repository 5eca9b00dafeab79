//! Changes that an event only names, fetched from a GitHub on loopback.

use bsm_runtime::{flags::Flags, guards::Guards, settings::GitHubSettings};
use bsm_testkit::github::{Access, GitHub as FakeGitHub, NewPull};
use serde_json::Value;

use super::*;
use crate::{
    fake::{engine_with, payload},
    github::GitHub,
};

const TOKEN: &str = "ghp_of-a-test";

/// A GitHub where the change of [`payload`] is found.
async fn fake_github() -> FakeGitHub {
    let fake = FakeGitHub::start().await.unwrap();
    fake.token(TOKEN, "bsm", Access::Read);
    let diff = payload()["diff"].as_str().unwrap().to_owned();
    fake.open("acme/shop", NewPull { head: "abc".into(), diff, ..NewPull::default() });
    fake
}

fn way(fake: &FakeGitHub) -> Option<GitHub> {
    let settings = GitHubSettings { token: Some(TOKEN.into()), url: fake.url() };
    GitHub::open(&settings, &Guards::new(Flags::default())).unwrap()
}

fn running(dir: TempDir, fake: &FakeGitHub, mesh: Fake) -> Running {
    let mesh = Arc::new(mesh);
    let engine = engine_with(dir.path(), &mesh, 16, way(fake));
    Running::run(dir, mesh, engine)
}

/// An event that names a change and does not carry it.
fn without_its_diff() -> NewJob {
    let mut job = new_job(parallel(&["a"]));
    job.payload.as_object_mut().unwrap().remove("diff");
    job
}

async fn kinds(running: &Running, id: JobId) -> Vec<String> {
    let events = running.engine.journal().events(id, 0, 1000).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

#[tokio::test]
async fn a_change_that_the_event_only_names_is_fetched_before_any_agent_is_asked() {
    let github = fake_github().await;
    let running = running(tempfile::tempdir().unwrap(), &github, Fake::new(|_, _| APPROVE));
    let id = running.submit(without_its_diff()).await;
    let job = running.ended(id).await;
    assert_eq!(action(&job), Action::ApproveAndMerge, "{:?}", job.decision);
    assert_eq!(job.payload["diff"], payload()["diff"]);
    let shown = &running.mesh.prompts()[0].messages;
    assert!(shown.iter().any(|message| message.content.contains("+fn hello()")), "{shown:?}");
    assert_eq!(kinds(&running, id).await[..4], ["job.queued", "job.running", "job.supplied", "step.started"]);
    assert_eq!(github.calls().len(), 3);
}

#[tokio::test]
async fn a_change_that_cannot_be_fetched_is_never_approved_and_the_job_says_why() {
    let github = fake_github().await;
    github.push("acme/shop", 12, "def");
    let fake = running(tempfile::tempdir().unwrap(), &github, Fake::new(|_, _| APPROVE));
    let moved = fake.submit(without_its_diff()).await;
    let mut named_badly = without_its_diff();
    named_badly.payload["repo"] = "acme/../shop".into();
    let named_badly = fake.submit(named_badly).await;
    for (id, why) in [
        (moved, "its head has moved from abc to def"),
        (named_badly, "payload.repo is not the name of a repository on GitHub"),
    ] {
        let job = fake.ended(id).await;
        assert_eq!(action(&job), Action::ManualReview);
        let note = &job.notes[0];
        assert!(note.starts_with("the change could not be fetched") && note.contains(why), "{note}");
        assert_eq!(job.payload.get("diff"), None);
    }
    assert_eq!(github.calls().len(), 1);
}

#[tokio::test]
async fn after_a_crash_the_job_goes_on_with_the_diff_that_its_agents_saw() {
    let github = fake_github().await;
    let first = running(tempfile::tempdir().unwrap(), &github, Fake::new(|_, _| APPROVE).held());
    let id = first.submit(without_its_diff()).await;
    first.happened(id, "step.started", "a").await;
    github.push("acme/shop", 12, "def"); // it could not be fetched any more
    let second = running(first.copied(), &github, Fake::new(|_, _| APPROVE));
    second.engine.recover().await.unwrap();
    let job = second.ended(id).await;
    assert_eq!((action(&job), &job.payload["diff"]), (Action::ApproveAndMerge, &payload()["diff"]));
    assert_eq!(github.calls().len(), 3);
}

#[tokio::test]
async fn a_job_whose_agents_began_without_a_diff_is_not_given_one_later() {
    let github = fake_github().await;
    let blind = Running::start(Fake::new(|_, _| APPROVE).held());
    let id = blind.submit(without_its_diff()).await;
    blind.happened(id, "step.started", "a").await;
    let second = running(blind.copied(), &github, Fake::new(|_, _| APPROVE));
    second.engine.recover().await.unwrap();
    assert_eq!(action(&second.ended(id).await), Action::ManualReview);
    assert_eq!(github.calls().len(), 0);
    let supplied = blind.engine.journal().supply(id, "late".into(), 1).await;
    assert!(supplied.unwrap_err().to_string().contains("with a step that has begun"));
}

#[tokio::test]
async fn github_is_asked_for_nothing_else() {
    let github = fake_github().await;
    let running = running(tempfile::tempdir().unwrap(), &github, Fake::new(|_, _| APPROVE));
    let mut other_event = without_its_diff();
    other_event.event = "check_suite.completed".into();
    let mut no_head = without_its_diff();
    no_head.payload["headSha"] = Value::Null;
    for job in [new_job(parallel(&["a"])), other_event, no_head] {
        let id = running.submit(job).await;
        running.ended(id).await;
    }
    assert_eq!(github.calls().len(), 0);
}
