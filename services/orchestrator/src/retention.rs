//! How long jobs are kept: some time after their end they go, a few at once, so that neither the disk fills nor the
//! writing of others waits. Decisions stay.

use std::{io::ErrorKind, path::Path, time::Duration};

use bsm_runtime::clock;
use tokio::{fs, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    job::JobId,
    journal::{Error, Journal},
    report,
};

/// Jobs that go in one transaction. Each may have megabytes.
const BATCH: u32 = 20;
/// The rest between two batches, for those who write.
const REST: Duration = Duration::from_millis(250);
/// How often it is looked for jobs that have become old.
const ROUND: Duration = Duration::from_secs(60 * 60);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Forgets jobs `keep_days` after their end, until `stop`. What fails is told and tried again in the next round.
///
/// # Errors
/// Never; the type is that of a task of the process.
pub(crate) async fn run(
    journal: Journal,
    reports: impl AsRef<Path>,
    keep_days: u32,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        let before = clock::unix_ms() - i64::from(keep_days) * DAY_MS;
        let forgotten = forget(&journal, reports.as_ref(), before).await.unwrap_or_else(|err| {
            warn!(error = %err, "old jobs are still there");
            0
        });
        if forgotten > 0 {
            info!(jobs = forgotten, "jobs that ended long ago are forgotten");
        }
        let wait = if forgotten == BATCH as usize { REST } else { ROUND };
        tokio::select! {
            () = sleep(wait) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Forgets one batch of the jobs that ended before a time in ms since 1970; says how many.
///
/// The files go first: after a crash between the two, the jobs are still there to be found.
///
/// # Errors
/// Those of the journal.
async fn forget(journal: &Journal, reports: &Path, before: i64) -> Result<usize, Error> {
    let old = journal.ended_before(before, BATCH).await?;
    for job in &old {
        remove_report(reports, *job).await;
    }
    let forgotten = old.len();
    if forgotten > 0 {
        journal.forget(old).await?;
    }
    Ok(forgotten)
}

async fn remove_report(reports: &Path, job: JobId) {
    match fs::remove_file(reports.join(report::file_name(job))).await {
        Err(err) if err.kind() != ErrorKind::NotFound => {
            warn!(error = %err, job = %job, "the report's file of an old job is still there");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fake::{new_job, strategy},
        job::{Action, Decision, JobState},
        journal::{Delivery, Report},
        strategy::{Execution, OnFailure},
    };

    const NOW: i64 = 1_700_000_000_000;

    fn decision(id: &str) -> Decision {
        Decision {
            id: id.into(),
            action: Action::BlockPr,
            reason: "because".into(),
            rule: "r".into(),
            automated: true,
            evidence: Vec::new(),
            decided_at: NOW,
            policy_version: "p".into(),
        }
    }

    fn delivery() -> Delivery {
        Delivery { key: Some("k".into()), body_hash: "h".into(), ..Delivery::default() }
    }

    /// A job that is decided, and ended at `end` if there is one.
    async fn job(journal: &Journal, reports: &Path, end: Option<i64>, key: Delivery) -> JobId {
        let new = new_job(strategy(Execution::Parallel, OnFailure::Continue, &["a"]));
        let id = journal.accept(new, key).await.unwrap().job_id;
        journal.begin(id, NOW).await.unwrap();
        journal.note(id, "a note", NOW).await.unwrap();
        journal.decide(id, Some("head".into()), decision(&id.to_string())).await.unwrap();
        let name = report::file_name(id);
        std::fs::write(reports.join(&name), "# Report").unwrap();
        if let Some(end) = end {
            let report = Report { markdown: "# Report".into(), file: Some(name) };
            journal.finish(id, JobState::Succeeded, report, end).await.unwrap();
        }
        id
    }

    #[tokio::test]
    async fn a_job_goes_some_time_after_its_end_with_its_report_and_its_decision_stays() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let old = job(&journal, dir.path(), Some(NOW), delivery()).await;
        let young = job(&journal, dir.path(), Some(NOW + 10), Delivery::default()).await;
        let open = job(&journal, dir.path(), None, Delivery::default()).await;

        assert_eq!(forget(&journal, dir.path(), NOW + 10).await.unwrap(), 1);
        assert!(matches!(journal.job(old).await, Err(Error::UnknownJob(_))));
        assert!(matches!(journal.events(old, 0, 9).await, Err(Error::UnknownJob(_))));
        assert!(!dir.path().join(report::file_name(old)).exists());
        for kept in [young, open] {
            assert_eq!(journal.job(kept).await.unwrap().notes[0], "a note");
            assert!(dir.path().join(report::file_name(kept)).exists());
        }
        let shared = journal.job(young).await.unwrap().decision.unwrap();
        assert_eq!(shared.id, old.to_string(), "the decision that the forgotten job made first");
        assert_eq!(forget(&journal, dir.path(), NOW + 10).await.unwrap(), 0);

        let again = job(&journal, dir.path(), None, delivery()).await;
        assert_ne!(again, old, "its delivery is forgotten, too");
        assert_eq!(journal.job(again).await.unwrap().decision.unwrap().id, old.to_string());
    }

    #[tokio::test]
    async fn an_open_job_is_never_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let open = job(&journal, dir.path(), None, Delivery::default()).await;
        assert_eq!(forget(&journal, dir.path(), i64::MAX).await.unwrap(), 0);
        assert!(matches!(journal.forget(vec![open]).await, Err(Error::Misplaced { .. })));
    }

    #[tokio::test]
    async fn many_old_jobs_go_in_small_batches_until_none_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        for _ in 0..BATCH + 3 {
            job(&journal, dir.path(), Some(NOW), Delivery::default()).await;
        }
        assert_eq!(forget(&journal, dir.path(), NOW + 1).await.unwrap(), BATCH as usize);
        assert_eq!(forget(&journal, dir.path(), NOW + 1).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn what_ended_longer_ago_than_it_is_kept_goes_without_being_asked_to() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let now = clock::unix_ms();
        let old = job(&journal, dir.path(), Some(now - 2 * DAY_MS - 1), Delivery::default()).await;
        let young = job(&journal, dir.path(), Some(now - 2 * DAY_MS + 600_000), Delivery::default()).await;
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(journal.clone(), dir.path().to_owned(), 2, stop.clone()));
        while journal.state(old).await.is_ok() {
            tokio::task::yield_now().await;
        }
        stop.cancel();
        task.await.unwrap().unwrap();
        assert_eq!(journal.state(young).await.unwrap(), JobState::Succeeded);
    }
}
