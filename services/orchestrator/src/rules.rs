//! The rules in force: `events.yaml` and `policy.yaml`, read together and held against the agents there are.

use std::path::Path;

use bsm_runtime::diagnostic::{Diagnostic, Strictness};

use crate::{policy::Policy, strategy::Strategies, validate};

/// Strategies and policy of one start.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    strategies: Strategies,
    policy: Policy,
}

impl Rules {
    /// Rules made elsewhere.
    #[must_use]
    pub fn new(strategies: Strategies, policy: Policy) -> Self {
        Self { strategies, policy }
    }

    /// Reads both files in `folder`, blocking. Where `registry.yaml` beside them can be read, every agent they name
    /// must be in it, and allowed in the context it is used in.
    ///
    /// # Errors
    /// Every finding, when one of the two files cannot be used.
    pub fn load(folder: &Path) -> Result<Self, Vec<Diagnostic>> {
        let checked = validate::read(folder, Strictness::Strict);
        match (checked.strategies, checked.policy) {
            (Some(strategies), Some(policy)) => Ok(Self { strategies, policy }),
            _ => Err(checked.diagnostics),
        }
    }

    /// What is done about which event.
    #[must_use]
    pub fn strategies(&self) -> &Strategies {
        &self.strategies
    }

    /// What decides.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Identifies both files.
    #[must_use]
    pub fn version(&self) -> String {
        format!("{}-{}", self.strategies.version(), self.policy.version())
    }
}
