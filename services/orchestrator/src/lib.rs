//! The orchestrator: events become jobs, jobs run agents, a policy decides.
//!
//! Everything that moves a job goes through the [`journal`], so that a crash at any point loses nothing and
//! repeats no finished step. What is to happen next is decided by pure functions (`engine/plan.rs`, [`policy`]).

pub mod answer;
pub mod change;
pub mod ci;
pub mod clients;
mod digest;
pub mod engine;
pub mod error;
#[cfg(test)]
mod fake;
pub mod github;
pub mod grpc;
pub mod job;
pub mod journal;
pub mod policy;
pub mod prompt;
pub mod report;
mod retention;
pub mod rules;
mod status;
pub mod strategy;
pub mod validate;
mod version;
mod visible;

use std::{path::PathBuf, sync::Arc};

use bsm_proto::orchestrator::v1::orchestrator_service_server::OrchestratorServiceServer;
use bsm_runtime::{
    drain::Drain,
    folder::Folder,
    process::Process,
    server::{MESSAGE_LIMIT, Service},
    settings::OrchestratorSettings,
};

use crate::{
    clients::Edges,
    engine::{Engine, Parts},
    error::OpenError,
    github::GitHub,
    grpc::Orchestrator,
    journal::Journal,
    rules::Rules,
};

/// The folder of reports in the orchestrator's own.
const REPORTS: &str = "reports";

/// Opens the orchestrator: its rules are checked, its journal is opened, the jobs that an earlier process left open
/// are queued, and jobs run as tasks of `process.drain`. What comes back is ready to be served.
///
/// # Errors
/// When the rules have a mistake, or the journal or its folder cannot be used.
pub async fn open(process: &Process) -> Result<Service, OpenError> {
    let settings = &process.settings;
    // The rules first: with a mistake in them nothing is touched.
    let agents = settings.agents_dir.clone();
    let rules = blocking(move || Rules::load(&agents).map_err(OpenError::Rules)).await?;
    let mesh = Edges::new(process, engine::wanted(rules.strategies()))?;
    let github = outside(process)?;
    let folder = process.folder()?;
    let reports = folder.path().join(REPORTS);
    let journal = {
        let reports = reports.clone();
        blocking(move || open_journal(folder, reports)).await?
    };
    watch(&process.drain, journal.clone());
    let (mesh, rules) = (Arc::new(mesh), Arc::new(rules));
    let OrchestratorSettings { max_jobs, keep_days } = settings.orchestrator.clone();
    let (kept, folder) = (journal.clone(), reports.clone());
    process.drain.spawn("retention", |stop| retention::run(kept, folder, keep_days, stop));
    let engine = Engine::new(Parts { journal, mesh, github, rules, reports, max_jobs });
    engine.recover().await?;
    let running = engine.clone();
    process.drain.spawn("jobs", |stop| running.run(stop));
    let orchestrator = Orchestrator::new(engine, settings.max_agent_input, process.drain.stopping());
    let server = OrchestratorServiceServer::new(orchestrator)
        .max_decoding_message_size(MESSAGE_LIMIT)
        .max_encoding_message_size(MESSAGE_LIMIT);
    Ok(Service::new().add(server))
}

/// A way to GitHub, where a token is set and safe mode does not keep everything inside.
fn outside(process: &Process) -> Result<Option<GitHub>, OpenError> {
    let settings = &process.settings;
    if settings.safe_mode {
        return Ok(None);
    }
    Ok(GitHub::open(&settings.github, &process.guards)?)
}

/// A process that can write nothing down is no orchestrator: it drains, and the next one goes on.
fn watch(drain: &Drain, journal: Journal) {
    drain.spawn("journal writer", |stop| async move {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = journal.ended() => anyhow::bail!("the thread that writes the journal has ended"),
        }
    });
}

fn open_journal(folder: Folder, reports: PathBuf) -> Result<Journal, OpenError> {
    std::fs::create_dir_all(&reports).map_err(|source| OpenError::Reports { path: reports, source })?;
    Ok(Journal::open_locked(folder)?)
}

/// Files are read and databases opened away from the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, OpenError> {
    // Such work is never aborted, so what is not done has panicked.
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|err| std::panic::resume_unwind(err.into_panic()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bsm_runtime::{
        metrics::Metrics,
        role::Role,
        settings::{Layers, Settings},
    };

    use super::*;

    #[tokio::test]
    async fn github_is_asked_with_a_token_and_never_in_safe_mode() {
        for (settings, asked) in [
            (&[][..], false),
            (&[("github.token", "ghp_x")], true),
            (&[("github.token", "ghp_x"), ("safe_mode", "true")], false),
        ] {
            let flags: Vec<_> =
                settings.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
            let settings = Settings::from_layers(&Layers::read(None, |_| None, &flags)).unwrap();
            let drain = Drain::new(Duration::from_secs(1));
            let process = Process::new(Role::Orchestrator, Arc::new(settings), drain, Metrics::default());
            assert_eq!(outside(&process).unwrap().is_some(), asked, "{flags:?}");
        }
    }

    #[tokio::test]
    async fn a_process_whose_journal_writer_ends_drains_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path()).unwrap();
        let drain = Drain::new(Duration::from_secs(10));
        watch(&drain, journal.clone());
        journal.kill_writer().await;
        drain.stopping().cancelled().await;
        let err = drain.finish().await.unwrap_err();
        assert!(format!("{err:#}").contains("the thread that writes the journal has ended"), "{err:#}");
    }
}
