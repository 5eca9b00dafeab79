//! All agents: what each is and what governs it.

use std::collections::HashMap;

use bsm_runtime::versions::Versioned;

use crate::{definition::Definition, governance::Governance};

mod join;

pub(crate) use join::join;

/// The agents of one reading of the files. Never changes; a new reading makes a new one.
#[derive(Debug)]
pub struct Catalog {
    /// In the order in which they are listed.
    agents: Vec<Agent>,
    by_id: HashMap<String, usize>,
    /// Those with an entry, in the order of registry.yaml.
    registered: Vec<usize>,
    version: String,
}

/// A definition and its entry in the registry.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// What it is.
    pub definition: Definition,
    /// What governs it; an agent without is listed but never run.
    pub governance: Option<Governance>,
}

// === impl Catalog ===

impl Catalog {
    /// Every agent, in the order of the index.
    pub fn agents(&self) -> &[Agent] {
        &self.agents
    }

    /// The agent of this id.
    pub fn get(&self, id: &str) -> Option<&Agent> {
        self.by_id.get(id).map(|index| &self.agents[*index])
    }

    /// Every agent that has an entry, with it, in the order of registry.yaml.
    pub fn registered(&self) -> impl Iterator<Item = (&Definition, &Governance)> {
        let agents = self.registered.iter().map(|index| &self.agents[*index]);
        agents.filter_map(|agent| agent.governance.as_ref().map(|governance| (&agent.definition, governance)))
    }
}

impl Versioned for Catalog {
    /// Sixteen hexadecimal digits that stand for the content of the files.
    fn version(&self) -> &str {
        &self.version
    }
}

#[cfg(test)]
mod tests;
