//! What a role is given to run: its settings, its guards, its way to the others, and its end.

use std::sync::Arc;

use crate::{
    client::{self, BadUrl, Edge},
    drain::Drain,
    folder::{self, Folder},
    guards::Guards,
    metrics::Metrics,
    readiness::Readiness,
    role::Role,
    settings::Settings,
};

/// One role in a process. In `bsm up` six of these share metrics and drain, but not guards and readiness: the
/// views of operators are per role, whether it has a process of its own or not.
#[derive(Clone, Debug)]
pub struct Process {
    /// Which role.
    pub role: Role,
    /// Settings of the whole process.
    pub settings: Arc<Settings>,
    /// Where it counts.
    pub metrics: Metrics,
    /// Its breakers and bulkheads.
    pub guards: Guards,
    /// Its tasks and their end.
    pub drain: Drain,
    /// Whether it may be sent work.
    pub readiness: Readiness,
}

impl Process {
    /// A role of a new process.
    pub fn new(role: Role, settings: Arc<Settings>, drain: Drain, metrics: Metrics) -> Process {
        let guards = Guards::default();
        metrics.watch_guards(guards.clone());
        Process { role, settings, metrics, guards, drain, readiness: Readiness::default() }
    }

    /// A way to another role.
    ///
    /// # Errors
    /// When its URL is malformed.
    pub fn edge(&self, to: Role) -> Result<Edge, BadUrl> {
        client::edge(self.role, to, self.settings.url(to), &self.guards)
    }

    /// The role's folder for state, made and locked.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be written.
    pub fn folder(&self) -> Result<Folder, folder::Error> {
        Folder::open(&self.settings.data_dir.join(self.role.name()))
    }
}
