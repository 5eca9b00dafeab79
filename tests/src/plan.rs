//! How a mesh is set up before it starts: settings for all or for one role, replicas, ways through fault proxies.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering::Relaxed},
};

use bsm_runtime::role::Role;
use tempfile::TempDir;

use crate::{Mesh, github};

/// Every role as processes of its own, on ports that are known before anything runs.
pub struct Plan {
    ports: BTreeMap<Role, Vec<u16>>,
    all: Vec<(String, String)>,
    own: BTreeMap<Role, Vec<(String, String)>>,
    data: TempDir,
}

// === impl Plan ===

impl Default for Plan {
    fn default() -> Plan {
        let all = [("GITHUB_WEBHOOK_SECRET", github::SECRET), ("LOG_LEVEL", "debug")];
        Plan {
            ports: Role::ALL.into_iter().map(|role| (role, vec![free_ports()])).collect(),
            all: all.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            own: BTreeMap::new(),
            data: tempfile::tempdir().unwrap(),
        }
    }
}

impl Plan {
    /// One process a role.
    pub fn new() -> Plan {
        Plan::default()
    }

    /// So many processes of each role, all of which know all addresses of the others. Each has its own folder for
    /// state: what one replica of a store or of the orchestrator keeps, the others do not see.
    #[must_use]
    pub fn replicas(mut self, count: usize) -> Plan {
        for ports in self.ports.values_mut() {
            ports.resize_with(count, free_ports);
        }
        self
    }

    /// Settings for every process.
    #[must_use]
    pub fn env(mut self, env: &[(&str, &str)]) -> Plan {
        self.all.extend(owned(env));
        self
    }

    /// Settings for the processes of one role, stronger than those for all.
    #[must_use]
    pub fn env_of(mut self, role: Role, env: &[(&str, &str)]) -> Plan {
        self.own.entry(role).or_default().extend(owned(env));
        self
    }

    /// The way from one role to another leads to this URL, for instance that of a fault proxy. No other way does.
    #[must_use]
    pub fn via(self, from: Role, to: Role, url: &str) -> Plan {
        self.env_of(from, &[(&variable(to, "URL"), url)])
    }

    /// Where the first process of a role will listen.
    pub fn address(&self, role: Role) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.ports[&role][0]).into()
    }

    /// Starts all processes at once; returns when all of them serve.
    pub fn start(self) -> Mesh {
        Mesh::of(self)
    }

    /// All roles, and how many processes each has.
    pub(crate) fn processes(&self) -> impl Iterator<Item = (Role, usize)> + use<> {
        let counts: Vec<_> = self.ports.iter().map(|(role, ports)| (*role, ports.len())).collect();
        counts.into_iter().flat_map(|(role, count)| (0..count).map(move |replica| (role, replica)))
    }

    pub(crate) fn port(&self, role: Role, replica: usize) -> u16 {
        self.ports[&role][replica]
    }

    /// The folder for the state of a process; that of its role is in it.
    pub(crate) fn data(&self, replica: usize) -> std::path::PathBuf {
        match replica {
            0 => self.data.path().to_owned(),
            other => self.data.path().join(format!("replica-{other}")),
        }
    }

    /// What one process is started with; later settings are stronger.
    pub(crate) fn environment(&self, role: Role, replica: usize) -> Vec<(String, String)> {
        let mut env = vec![("BSM_DATA_DIR".to_owned(), self.data(replica).display().to_string())];
        for (other, ports) in &self.ports {
            let urls: Vec<_> = ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect();
            // Nobody in the mesh calls the gateway; its URL is the one that clients are told.
            let urls = if *other == Role::Gateway { &urls[..1] } else { &urls };
            env.push((variable(*other, "PORT"), ports[if *other == role { replica } else { 0 }].to_string()));
            env.push((variable(*other, "URL"), urls.join(",")));
        }
        env.extend(self.all.iter().cloned());
        env.extend(self.own.get(&role).into_iter().flatten().cloned());
        env
    }
}

fn owned(env: &[(&str, &str)]) -> Vec<(String, String)> {
    env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn variable(role: Role, what: &str) -> String {
    format!("BSM_{}_{what}", role.name().to_uppercase())
}

/// A port that is free, with the one for metrics free as well: below the range that systems hand out to
/// outgoing connections, and never the same twice in this process.
fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let step = (std::process::id() as u16).wrapping_mul(37).wrapping_add(NEXT.fetch_add(1, Relaxed));
        let port = 10_000 + step % 20_000;
        let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(Role::ops_port(port)) {
            return port;
        }
    }
}
