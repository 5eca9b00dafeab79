//! Every role as its own process, on free ports, with state in a temporary folder.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::atomic::{AtomicU16, Ordering::Relaxed},
};

use bsm_runtime::role::Role;
use tempfile::TempDir;

use crate::{Node, Rest, github};

/// Six processes that find each other by URL.
pub struct Mesh {
    nodes: BTreeMap<Role, Node>,
    ports: BTreeMap<Role, u16>,
    env: Vec<(String, String)>,
    data: TempDir,
}

impl Mesh {
    /// Starts every role; `env` goes to all of them.
    pub fn start(env: &[(&str, &str)]) -> Mesh {
        let data = tempfile::tempdir().unwrap();
        let mut all: Vec<(String, String)> = vec![
            ("BSM_DATA_DIR".into(), data.path().display().to_string()),
            ("GITHUB_WEBHOOK_SECRET".into(), github::SECRET.into()),
            ("LOG_LEVEL".into(), "debug".into()),
        ];
        all.extend(env.iter().map(|(k, v)| (k.to_string(), v.to_string())));
        let ports: BTreeMap<_, _> = Role::ALL.into_iter().map(|role| (role, free_ports())).collect();
        for (role, port) in &ports {
            let name = role.name().to_uppercase();
            all.push((format!("BSM_{name}_PORT"), port.to_string()));
            all.push((format!("BSM_{name}_URL"), format!("http://127.0.0.1:{port}")));
        }
        let mut mesh = Mesh { nodes: BTreeMap::new(), ports, env: all, data };
        for role in Role::ALL {
            mesh.restart(role);
        }
        mesh
    }

    /// Starts a role again, on the port it had.
    pub fn restart(&mut self, role: Role) {
        self.nodes.remove(&role); // ends the old one first, if it still runs
        let env: Vec<_> = self.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let node = Node::start(&["serve", role.name()], &env);
        node.serving();
        self.nodes.insert(role, node);
    }

    /// A role's process.
    pub fn node(&mut self, role: Role) -> &mut Node {
        self.nodes.get_mut(&role).unwrap()
    }

    /// Where a role listens.
    pub fn url(&self, role: Role) -> String {
        format!("http://127.0.0.1:{}", self.ports[&role])
    }

    /// Where a role's metrics are.
    pub fn ops_url(&self, role: Role) -> String {
        format!("http://127.0.0.1:{}", Role::ops_port(self.ports[&role]))
    }

    /// A client of the gateway.
    pub fn rest(&self) -> Rest {
        Rest::new(&self.url(Role::Gateway))
    }

    /// The folder for state of a role.
    pub fn folder(&self, role: Role) -> std::path::PathBuf {
        self.data.path().join(role.name())
    }
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
