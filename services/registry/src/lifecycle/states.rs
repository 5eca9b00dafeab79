//! The states of all agents, and how they are changed: the audit log's line first, then the change, so that there is no
//! change without a line. A refused change has a line, too.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bsm_runtime::{audit_log::Entry, caller::Caller, clock, process::Process};
use serde_json::Value;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::{
    Misfit, State,
    store::{self, Store},
};
use crate::{error::Error, rules::Forbidden, status, vocabulary::Context};

/// What is done to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Somebody starts an agent.
    Start,
    /// Somebody stops it, or the registry does.
    Stop,
}

impl Action {
    /// As the audit log calls it.
    const fn name(self) -> &'static str {
        match self {
            Action::Start => "agent.start",
            Action::Stop => "agent.stop",
        }
    }

    /// The state that was asked for.
    const fn aim(self) -> &'static str {
        match self {
            Action::Start => "running",
            Action::Stop => "stopped",
        }
    }
}

/// The most characters of an id in the audit log; no agent has a longer one.
const MOST_ID: usize = 63;

/// The states that a process keeps. The file is opened when first needed, and again after that failed: a registry whose
/// folder cannot be written still knows its agents. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct States {
    process: Process,
    open: Arc<Mutex<Option<Store>>>,
}

/// A change that somebody asks for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) agent: String,
    pub(crate) action: Action,
    pub(crate) caller: Caller,
    pub(crate) correlation_id: String,
}

// === impl States ===

impl States {
    pub(crate) fn new(process: &Process) -> States {
        States { process: process.clone(), open: Arc::default() }
    }

    /// Every agent that was ever started.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) async fn all(&self) -> Result<HashMap<String, State>, Error> {
        // Where there is no file nothing was started, and none has to be made to say so.
        if !self.process.state().join(store::FILE).exists() {
            return Ok(HashMap::new());
        }
        self.work(|_, store| Ok(store.all()?)).await
    }

    /// Changes a state, if `decide` does; the old and the new one.
    ///
    /// # Errors
    /// What `decide` says; when the state or the audit log cannot be written.
    pub(crate) async fn change(
        &self,
        asked: &Asked,
        decide: impl FnOnce(&State) -> Result<State, Misfit> + Send + 'static,
    ) -> Result<(State, State), Error> {
        let asked = asked.clone();
        self.work(move |states, store| {
            let mut line = None;
            let changed = store.change(&asked.agent, |old| {
                let new =
                    decide(old).map_err(|misfit| Error::Misfit { agent: asked.agent.clone(), misfit })?;
                let entry = states.entry(&asked, old.audited(), new.audited());
                states.process.audit.append(&entry)?;
                line = Some(entry);
                Ok(new)
            });
            match (&changed, line) {
                (Ok(_), Some(line)) => told(&line),
                (Err(problem), Some(line)) => states.undone(line, problem),
                (_, None) => {}
            }
            changed
        })
        .await
    }

    /// Writes down that a change was refused. Where that cannot be written, the refusal holds all the same.
    pub(crate) async fn refused(&self, asked: &Asked, refusal: &Error) {
        let failed = format!("{}: {refusal}", status::reason(refusal));
        info!(
            action = asked.action.name(),
            agent = asked.agent,
            actor = asked.caller.actor,
            address = asked.caller.address,
            correlation_id = asked.correlation_id,
            refusal = failed,
            "refused"
        );
        let entry =
            Entry { failed: Some(failed), ..self.entry(asked, Value::Null, asked.action.aim().into()) };
        let audit = self.process.audit.clone();
        let written = tokio::task::spawn_blocking(move || audit.append(&entry)).await;
        if let Ok(Err(problem)) = written {
            error!(error = %problem, "the audit log does not say that the above was refused");
        }
    }

    /// Stops what is running and forbidden by now: `verdict` says so of an agent and what it was started for.
    ///
    /// # Errors
    /// When the states cannot be read, or one of them cannot be written.
    pub(crate) async fn recheck(
        &self,
        verdict: impl Fn(&str, Context) -> Result<(), Forbidden>,
    ) -> Result<(), Error> {
        let correlation_id = Uuid::new_v4().to_string();
        for (agent, state) in self.all().await? {
            let State::Running { context, .. } = state else { continue };
            let Err(rule) = verdict(&agent, context) else { continue };
            let caller = Caller { actor: "registry".to_owned(), address: "-".to_owned(), via: None };
            let asked = Asked { agent, action: Action::Stop, caller, correlation_id: correlation_id.clone() };
            let forbid = move |state: &State| state.forbid(rule, clock::unix_ms());
            match self.change(&asked, forbid).await {
                Ok(_) => {
                    warn!(agent = asked.agent, %rule, "an agent that was running is forbidden by now, and stopped")
                }
                Err(Error::Misfit { .. }) => {} // somebody was faster
                Err(problem) => return Err(problem),
            }
        }
        Ok(())
    }

    fn entry(&self, asked: &Asked, old: Value, new: Value) -> Entry {
        Entry {
            at_ms: clock::unix_ms(),
            role: self.process.role,
            caller: asked.caller.clone(),
            correlation_id: asked.correlation_id.clone(),
            action: asked.action.name(),
            target: asked.agent.chars().take(MOST_ID).collect(),
            old,
            new,
            failed: None,
        }
    }

    /// Says of a line in the audit log that it did not come true.
    fn undone(&self, line: Entry, problem: &Error) {
        let line = Entry { failed: Some(problem.to_string()), ..line };
        if let Err(problem) = self.process.audit.append(&line) {
            error!(error = %problem, "the audit log does not say that a change of it failed");
        }
    }

    /// Runs to its end on a thread that may wait for the disk, whether or not the caller still waits.
    async fn work<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&States, &mut Store) -> Result<T, Error> + Send + 'static,
    {
        let states = self.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut open = states.open.lock().unwrap_or_else(PoisonError::into_inner);
            if open.is_none() {
                *open = Some(Store::open(&states.process.shared_folder()?)?);
            }
            work(&states, open.as_mut().expect("it was opened above"))
        });
        let done = done.await.map_err(|_| Error::CutOff)?;
        done.inspect_err(|err| {
            if let Error::Store(_) | Error::Folder(_) | Error::Audit(_) = err {
                let cause = std::error::Error::source(err).map(ToString::to_string);
                error!(error = %err, cause, "what agents are doing is not to be had");
            }
        })
    }
}

fn told(line: &Entry) {
    let Caller { actor, address, .. } = &line.caller;
    info!(
        action = line.action, agent = line.target, actor, address, correlation_id = line.correlation_id,
        old = %line.old, new = %line.new, "changed"
    );
}
