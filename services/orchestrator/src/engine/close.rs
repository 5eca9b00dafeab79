//! The end of a job: the policy decides, the decision is recorded, the memory and the report are written.

use std::path::Path;

use bsm_runtime::{call::Call, clock};
use futures_util::future::join_all;
use tokio::{fs, io};
use tokio_util::sync::CancellationToken;
use tracing::warn;
use uuid::Uuid;

use super::{Shared, failure::Failure, key, persist::persist, remember as memory, supplies::Supplies};
use crate::{
    job::{Decision, Job, JobState},
    journal::{Recorded, Report},
    policy::{Facts, Verdict},
    report,
};

/// Lets the policy decide and records what it says, once for the decision's key.
pub(super) async fn decide(
    engine: &Shared,
    stop: &CancellationToken,
    job: &mut Job,
) -> Result<Recorded, Failure> {
    let facts = {
        let job = job.clone();
        // A large diff takes its time to read.
        let facts = tokio::task::spawn_blocking(move || Facts::of(&job, Vec::new())).await;
        facts.map_err(|err| Failure::of_task("the weighing of the facts", &err))?
    };
    let policy = engine.rules.policy();
    let decision = decision(policy.decide(&facts), policy.version(), clock::unix_ms());
    let key = key::of(job, &decision);
    let recorded = persist(stop, || engine.journal.decide(job.id, key.clone(), decision.clone())).await?;
    job.notes.extend(recorded.note.clone());
    job.decision = Some(recorded.decision.clone());
    Ok(recorded)
}

/// Gives the memory what later jobs may learn from; what it does not take is noted.
pub(super) async fn remember(
    engine: &Shared,
    stop: &CancellationToken,
    call: &Call,
    job: &mut Job,
    supplies: &Supplies,
    recorded: &Recorded,
) -> Result<(), Failure> {
    let mut refused = None;
    let reviews = memory::reviews(job, supplies.change());
    let stored = join_all(reviews.into_iter().map(|review| engine.mesh.store_review(call, review))).await;
    refused = stored.into_iter().find_map(Result::err).or(refused);
    if recorded.first.is_none() {
        let decision = memory::decision(job, &recorded.decision, supplies.change());
        refused = engine.mesh.store_decision(call, decision).await.err().or(refused);
    }
    match refused {
        None => Ok(()),
        Some(err) => note(engine, stop, job, format!("the memory did not keep everything: {err}")).await,
    }
}

/// Writes the report and ends the job with it.
pub(super) async fn finish(engine: &Shared, stop: &CancellationToken, job: &mut Job) -> Result<(), Failure> {
    let now = clock::unix_ms();
    (job.state, job.finished_at) = (JobState::Succeeded, Some(now));
    let name = report::file_name(job.id);
    job.report_file = Some(name.clone());
    let markdown = report::markdown(job);
    let file = match write(&engine.reports.join(&name), &markdown).await {
        Ok(()) => Some(name),
        Err(err) => {
            warn!(error = %err, "the report's file was not written; the journal has the report");
            None
        }
    };
    let report = Report { markdown, file };
    Ok(persist(stop, || engine.journal.finish(job.id, JobState::Succeeded, report.clone(), now)).await?)
}

/// Notes something that the agents could not be given, or that could not be kept.
pub(super) async fn note(
    engine: &Shared,
    stop: &CancellationToken,
    job: &mut Job,
    note: String,
) -> Result<(), Failure> {
    let now = clock::unix_ms();
    persist(stop, || engine.journal.note(job.id, &note, now)).await?;
    job.notes.push(note);
    Ok(())
}

fn decision(verdict: Verdict, policy_version: &str, now: i64) -> Decision {
    Decision {
        id: Uuid::now_v7().to_string(),
        action: verdict.action,
        reason: verdict.reason,
        rule: verdict.rule,
        automated: verdict.automated,
        evidence: verdict.evidence,
        decided_at: now,
        policy_version: policy_version.to_owned(),
    }
}

/// A reader of the folder sees the whole report or none.
async fn write(path: &Path, markdown: &str) -> io::Result<()> {
    let unfinished = path.with_extension("md.tmp");
    fs::write(&unfinished, markdown).await?;
    fs::rename(&unfinished, path).await
}
