//! Every role as its own process, on free ports, with state in a temporary folder.

use std::{collections::BTreeMap, path::PathBuf};

use bsm_runtime::role::Role;

use crate::{Node, Plan, Rest};

/// Processes that find each other by URL.
pub struct Mesh {
    nodes: BTreeMap<(Role, usize), Node>,
    plan: Plan,
}

impl Mesh {
    /// One process a role; `env` goes to all of them.
    pub fn start(env: &[(&str, &str)]) -> Mesh {
        Plan::new().env(env).start()
    }

    pub(crate) fn of(plan: Plan) -> Mesh {
        let mut mesh = Mesh { nodes: BTreeMap::new(), plan };
        for (role, replica) in mesh.plan.processes() {
            mesh.begin(role, replica);
        }
        mesh.nodes.values().for_each(|node| drop(node.serving()));
        mesh
    }

    /// Starts a role again, on the port it had.
    pub fn restart(&mut self, role: Role) {
        self.restart_replica(role, 0);
    }

    /// Starts one of a role's processes again, on the port it had.
    pub fn restart_replica(&mut self, role: Role, replica: usize) {
        self.begin(role, replica).serving();
    }

    fn begin(&mut self, role: Role, replica: usize) -> &Node {
        self.nodes.remove(&(role, replica)); // ends the old one first, if it still runs
        let env = self.plan.environment(role, replica);
        let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.nodes.entry((role, replica)).or_insert(Node::start(&["serve", role.name()], &env))
    }

    /// A role's process, the first if there are several.
    pub fn node(&mut self, role: Role) -> &mut Node {
        self.replica(role, 0)
    }

    /// One of a role's processes.
    pub fn replica(&mut self, role: Role, replica: usize) -> &mut Node {
        self.nodes.get_mut(&(role, replica)).unwrap()
    }

    /// Where a role listens.
    pub fn url(&self, role: Role) -> String {
        self.url_of(role, 0)
    }

    /// Where one of a role's processes listens.
    pub fn url_of(&self, role: Role, replica: usize) -> String {
        format!("http://127.0.0.1:{}", self.plan.port(role, replica))
    }

    /// Where a role's metrics are.
    pub fn ops_url(&self, role: Role) -> String {
        format!("http://127.0.0.1:{}", Role::ops_port(self.plan.port(role, 0)))
    }

    /// A client of the gateway.
    pub fn rest(&self) -> Rest {
        Rest::new(&self.url(Role::Gateway))
    }

    /// The folder for state of a role.
    pub fn folder(&self, role: Role) -> PathBuf {
        self.plan.data(0).join(role.name())
    }
}
