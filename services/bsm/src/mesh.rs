//! Several roles in one process, each with its own ports and its own guards, speaking gRPC with each other.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use bsm_runtime::{
    audit_log::Broken,
    drain::Drain,
    listen,
    metrics::Metrics,
    neighbours::Neighbours,
    process::Process,
    role::Role,
    server::{self, Listeners},
    settings::Settings,
    signals,
};

use crate::roles;

/// A running mesh, or a part of one.
pub(crate) struct Mesh {
    /// What runs, in the order it was opened.
    pub parts: Vec<Part>,
    /// Settings as they turned out, with the ports and URLs in use.
    pub settings: Arc<Settings>,
    drain: Drain,
}

/// One role and where it listens.
pub(crate) struct Part {
    /// What it was given.
    pub process: Process,
    /// Its API.
    pub api: SocketAddr,
    /// Its `/metrics` and `/healthz`.
    pub ops: SocketAddr,
}

impl Mesh {
    /// Binds all ports first, then opens role after role: a taken port is found before any work starts. Returns
    /// when every role serves.
    ///
    /// # Errors
    /// The first thing that keeps a role from serving; what was started is drained.
    pub(crate) async fn start(roles: &[Role], mut settings: Settings) -> anyhow::Result<Mesh> {
        let mut bound = Vec::with_capacity(roles.len());
        for role in roles {
            bound.push((*role, listen::bind(*role, &facing(*role, roles, &settings)).await?));
        }
        if roles.len() > 1 {
            point_at_each_other(&mut settings, &bound)?;
        }
        let drain = Drain::new(settings.grace);
        let mut mesh = Mesh { parts: Vec::new(), settings: Arc::new(settings), drain };
        match mesh.open(bound).await {
            Ok(()) => Ok(mesh),
            Err(err) => {
                let _ = mesh.stop().await; // the first error is the one to tell
                Err(err)
            }
        }
    }

    async fn open(&mut self, bound: Vec<(Role, Listeners)>) -> anyhow::Result<()> {
        let neighbours = Neighbours::default();
        for (role, listeners) in bound {
            let process = Process::new(role, self.settings.clone(), self.drain.clone(), Metrics::default())
                .among(&neighbours);
            check(&process);
            process.restore_flags().with_context(|| format!("{role} cannot start"))?;
            let (api, ops) = (listeners.api.local_addr()?, listeners.ops.local_addr()?);
            let service = roles::open(&process).await.with_context(|| format!("{role} cannot start"))?;
            server::serve(&process, listeners, service);
            process.readiness.set(true);
            tracing::info!(role = role.name(), %api, %ops, "serving");
            self.parts.push(Part { process, api, ops });
        }
        Ok(())
    }

    /// Serves until SIGTERM or SIGINT, or until a part fails.
    ///
    /// # Errors
    /// What failed.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let drain = self.drain.clone();
        drain
            .run_until(async {
                let signal = signals::shutdown().await;
                self.not_ready(); // watchers of health are the first to learn it
                signal
            })
            .await
    }

    /// Drains now.
    ///
    /// # Errors
    /// What failed while running.
    pub(crate) async fn stop(&self) -> anyhow::Result<()> {
        self.not_ready();
        self.drain.finish().await
    }

    /// Where the others reach a role.
    pub(crate) fn url(&self, role: Role) -> &str {
        self.settings.url(role)
    }

    fn not_ready(&self) {
        for part in &self.parts {
            part.process.readiness.set(false);
        }
    }
}

/// Says whether the role's audit log is as it was written. It is begun anew with the next line if it is not.
fn check(process: &Process) {
    let role = process.role.name();
    match process.audit.verify() {
        Ok(None) => {}
        Ok(Some(Ok(lines))) => tracing::debug!(role, lines, "the audit log is as it was written"),
        Ok(Some(Err(Broken::Unchained))) => {}
        Ok(Some(Err(problem))) => {
            tracing::error!(role, %problem, "the audit log is not as it was written; `bsm audit verify` tells of all");
        }
        Err(error) => tracing::error!(role, %error, "the audit log cannot be read"),
    }
}

/// Where a role listens: of several in one process only the gateway, if it is one of them, faces the outside, since
/// the others are called by it and know no keys yet.
fn facing(role: Role, roles: &[Role], settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    if roles.contains(&Role::Gateway) && role != Role::Gateway {
        settings.host = Ipv4Addr::LOCALHOST.into();
    }
    settings
}

/// Roles of one process meet at the ports they really have, whatever the settings say about other machines.
fn point_at_each_other(settings: &mut Settings, bound: &[(Role, Listeners)]) -> io::Result<()> {
    for (role, listeners) in bound {
        let address = reachable(listeners.api.local_addr()?);
        settings.ports[*role as usize] = address.port();
        settings.urls[*role as usize] = format!("http://{address}");
    }
    Ok(())
}

/// An address that can be called: "any address" is not one.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
