//! The journal's promises, each on a real file.

mod crash;
mod files;
mod moves;
mod properties;
mod sameness;

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::{Accepted, Answer, Delivery, Ending, Error, Journal, NewJob, Recorded, Report, Setback};
use crate::{
    answer::{Opinion, Review},
    job::{Action, Decision, Job, JobId, JobState, Step, StepState, Usage},
    strategy::{Execution, StepRules, Strategy},
};

const NOW: i64 = 1_700_000_000_000;

fn open() -> (TempDir, Journal) {
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    (dir, journal)
}

/// Opens a copy of the journal's files as they are now, as a machine finds them that lost power.
fn reopen_as_after_a_crash(folder: &Path) -> (TempDir, Journal) {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        // The index of the log in shared memory does not survive a crash.
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
        }
    }
    let journal = Journal::open(dir.path()).unwrap();
    (dir, journal)
}

async fn set(journal: &Journal, pragma: &'static str, value: i64) {
    let set = move |tx: &mut super::Tx<'_>| {
        // Some pragmas answer with a row, others do not.
        let mut statement = tx.db().prepare(&format!("PRAGMA {pragma} = {value}")).unwrap();
        let _ = statement.query([]).unwrap().next().unwrap();
        Ok(())
    };
    journal.write(set).await.unwrap();
}

fn new_job(agents: &[&str]) -> NewJob {
    let agents: Vec<_> = agents.iter().map(|agent| (*agent).to_owned()).collect();
    NewJob {
        id: JobId::new(),
        event: "pull_request.opened".into(),
        source: "api".into(),
        subject: "acme/shop#12".into(),
        correlation_id: "c-1".into(),
        traceparent: None,
        caller: "anonymous".into(),
        created_at: NOW,
        strategy: Strategy {
            event: "pull_request.opened".into(),
            description: "reviews".into(),
            context: "github".into(),
            execution: Execution::Parallel,
            required: agents.clone(),
            agents,
            deadline_seconds: 600,
            step: StepRules::default(),
        },
        payload: json!({"repo": "acme/shop", "prNumber": 12}),
        context: json!({}),
        rerun_of: None,
    }
}

async fn running(journal: &Journal, agents: &[&str]) -> JobId {
    let job = new_job(agents);
    let id = job.id;
    journal.accept(job, Delivery::default()).await.unwrap();
    journal.begin(id, NOW + 1).await.unwrap();
    id
}

fn review() -> Review {
    Review { decision: Opinion::Approve, score: 9.5, summary: "good".into(), findings: vec![] }
}

fn usage(input_tokens: u32) -> Usage {
    Usage { provider: "offline".into(), model: "rules".into(), input_tokens, output_tokens: 1 }
}

fn answered() -> Ending {
    Ending::Succeeded { answer: Answer::Review(review()), usage: usage(10) }
}

fn decision(id: &str, action: Action) -> Decision {
    Decision {
        id: id.into(),
        action,
        reason: "because".into(),
        rule: "otherwise".into(),
        automated: false,
        evidence: vec![],
        decided_at: NOW + 5,
        policy_version: "p1".into(),
    }
}

async fn kinds(journal: &Journal, job: JobId) -> Vec<String> {
    let events = journal.events(job, 0, 1000).await.unwrap();
    assert!(
        events.iter().zip(1..).all(|(event, sequence)| event.sequence == sequence),
        "no gaps: {events:?}"
    );
    events.into_iter().map(|event| event.kind).collect()
}
