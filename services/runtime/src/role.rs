//! The six roles of the mesh, their names and ports: the one table that the CLI, the settings and the tests read.

use std::{fmt, str::FromStr};

/// What a process, or a part of `bsm up`, does in the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Which agents exist and whether one may be used.
    Registry,
    /// The documents that reviewers rest on.
    Knowledge,
    /// Past reviews and decisions.
    Memory,
    /// The way to the model providers.
    Models,
    /// Events, jobs, policy.
    Orchestrator,
    /// REST, webhooks, server-sent events.
    Gateway,
}

/// A name that is no role.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not a role; use one of registry, knowledge, memory, models, orchestrator, gateway")]
pub struct UnknownRole(pub String);

impl Role {
    /// Every role, in the order in which `bsm up` opens them: a role comes after those it calls.
    pub const ALL: [Role; 6] =
        [Role::Registry, Role::Knowledge, Role::Memory, Role::Models, Role::Orchestrator, Role::Gateway];

    /// The name used on the command line, in settings, folders, logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Registry => "registry",
            Role::Knowledge => "knowledge",
            Role::Memory => "memory",
            Role::Models => "models",
            Role::Orchestrator => "orchestrator",
            Role::Gateway => "gateway",
        }
    }

    /// The port of the role's API unless settings say otherwise.
    pub const fn default_port(self) -> u16 {
        match self {
            Role::Registry => 50051,
            Role::Knowledge => 50052,
            Role::Memory => 50053,
            Role::Models => 50054,
            Role::Orchestrator => 50055,
            Role::Gateway => 8080,
        }
    }

    /// The last port that an API may have: there are none 1000 above those beyond.
    pub const LAST_PORT: u16 = u16::MAX - 1000;

    /// The port of `/metrics` and `/healthz` beside an API port of at most [`LAST_PORT`](Role::LAST_PORT): 1000 above,
    /// or any free one (0) when the API port is any free one.
    pub const fn ops_port(port: u16) -> u16 {
        match port {
            0 => 0,
            port => port.saturating_add(1000),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Role::ALL.into_iter().find(|role| role.name() == name).ok_or_else(|| UnknownRole(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_ports_do_not_collide() {
        let mut ports: Vec<u16> =
            Role::ALL.iter().flat_map(|r| [r.default_port(), Role::ops_port(r.default_port())]).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 12);
        for role in Role::ALL {
            assert_eq!(role.name().parse::<Role>().unwrap(), role);
        }
    }

    #[test]
    fn metrics_stand_a_thousand_above_unless_any_port_will_do() {
        assert_eq!(Role::ops_port(Role::LAST_PORT), u16::MAX);
        assert_eq!(Role::ops_port(0), 0);
    }
}
