//! What a role is given to run: its settings, its guards, its way to the others, and its end.

use std::{
    io,
    path::PathBuf,
    sync::Arc,
    time::{Instant, SystemTime},
};

use crate::{
    audit_log::AuditLog,
    client::{self, BadUrl, Edge, Traffic},
    degraded::Degraded,
    drain::Drain,
    egress_audit,
    flags::{self, Flag, Flags, Percent},
    folder::{self, Folder},
    guards::Guards,
    metrics::Metrics,
    neighbours::Neighbours,
    ops::transitions::Transitions,
    readiness::Readiness,
    role::Role,
    settings::Settings,
};

/// One role in a process. In `bsm up` six of these share the drain and nothing else: the views of operators
/// are per role, whether it has a process of its own or not.
#[derive(Clone, Debug)]
pub struct Process {
    /// Which role.
    pub role: Role,
    /// Settings of the whole process.
    pub settings: Arc<Settings>,
    /// Where it counts.
    pub metrics: Metrics,
    /// Its breakers, bulkheads, caches and flags.
    pub guards: Guards,
    /// How those changed.
    pub transitions: Transitions,
    /// What operators changed.
    pub audit: AuditLog,
    /// Its tasks and their end.
    pub drain: Drain,
    /// Whether it may be sent work.
    pub readiness: Readiness,
    /// What it does worse than it should.
    pub degraded: Degraded,
    /// The other roles of this process, if it has several.
    pub neighbours: Neighbours,
    /// When it was made, by the clock on the wall.
    pub started_at: SystemTime,
    /// When it was made, to count from.
    pub started: Instant,
}

impl Process {
    /// A role of a new process, with the flags of the settings.
    pub fn new(role: Role, settings: Arc<Settings>, drain: Drain, metrics: Metrics) -> Process {
        let guards = Guards::ruled(Flags::new(settings.flags), settings.egress.clone());
        metrics.watch_guards(guards.clone());
        let audit = AuditLog::keyed(state(&settings, role).join("audit.jsonl"), settings.audit_key.as_ref());
        egress_audit::keep(guards.egress(), audit.clone(), role);
        Process {
            role,
            metrics,
            guards,
            transitions: Transitions::new(role),
            audit,
            settings,
            drain,
            readiness: Readiness::default(),
            degraded: Degraded::default(),
            neighbours: Neighbours::default(),
            started_at: SystemTime::now(),
            started: Instant::now(),
        }
    }

    /// The same among the other roles of this process, which call each other without a connection.
    #[must_use]
    pub fn among(self, neighbours: &Neighbours) -> Process {
        Process { neighbours: neighbours.clone(), ..self }
    }

    /// Takes up the flags that were changed at run time before, and keeps further changes. Blocks on the disk.
    ///
    /// # Errors
    /// When the file that holds them is not what this program writes.
    pub fn restore_flags(&self) -> Result<(), flags::Error> {
        self.guards.flags().restore(state(&self.settings, self.role).join("flags.json"))
    }

    /// A way to another role.
    ///
    /// # Errors
    /// When its URL is malformed.
    pub fn edge(&self, to: Role) -> Result<Edge, BadUrl> {
        self.way(to, Traffic::Calls, &self.guards)
    }

    /// A way to another role for server streams.
    ///
    /// # Errors
    /// When its URL is malformed.
    pub fn stream_edge(&self, to: Role) -> Result<Edge, BadUrl> {
        self.way(to, Traffic::Streams, &self.guards)
    }

    /// A way to another role for what operators ask and change. It has no breaker, no bulkhead and does not try again:
    /// what is wrong with the others is what they look at, and mend.
    ///
    /// # Errors
    /// When its URL is malformed.
    pub fn operations_edge(&self, to: Role) -> Result<Edge, BadUrl> {
        self.way(to, Traffic::Calls, &unguarded())
    }

    /// A way to another role for one stream that is followed for as long as the process runs. It has no breaker, is not
    /// hedged and not tried again by the way itself: who follows calls again anyhow, after pauses of its own, and a
    /// breaker's rest would only make it hear later that the role is back.
    ///
    /// # Errors
    /// When its URL is malformed.
    pub fn watch_edge(&self, to: Role) -> Result<Edge, BadUrl> {
        self.way(to, Traffic::Streams, &unguarded())
    }

    fn way(&self, to: Role, traffic: Traffic, guards: &Guards) -> Result<Edge, BadUrl> {
        client::edge_among(&self.neighbours, self.role, to, traffic, self.settings.url(to), guards)
    }

    /// The role's folder for state, made and not locked: for what several processes of the role may share.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn shared_folder(&self) -> io::Result<PathBuf> {
        let path = state(&self.settings, self.role);
        folder::make(&path)?;
        Ok(path)
    }

    /// Where the role keeps its state, whether or not the folder is there yet.
    pub fn state(&self) -> PathBuf {
        state(&self.settings, self.role)
    }

    /// The role's folder for state, made and locked.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be written.
    pub fn folder(&self) -> Result<Folder, folder::Error> {
        Folder::open(&state(&self.settings, self.role))
    }
}

/// Guards that guard nobody and that nobody sees.
fn unguarded() -> Guards {
    Guards::new(Flags::new([Percent::NONE; Flag::ALL.len()]))
}

/// Where a role keeps its state.
fn state(settings: &Settings, role: Role) -> PathBuf {
    settings.data_dir.join(role.name())
}
