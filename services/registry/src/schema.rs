//! The files as JSON Schema, for editors: what they can complete, explain and underline while somebody writes.
//!
//! It says as much of the rules as JSON Schema can. Ids that must be unique, paths that must hold the agent's own id,
//! entries that need a definition, prompts that must be templates and days that must exist are beyond it: `bsm validate`
//! and every start check those. A test holds both to the same files.

mod definition;
mod part;
mod registry;

use serde_json::Value;

/// A file that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// registry.yaml.
    Registry,
    /// definitions/*.yaml.
    Definition,
}

/// The schema of a file, in draft 7, which editors know best.
pub fn schema(of: Kind) -> Value {
    match of {
        Kind::Registry => registry::schema(),
        Kind::Definition => definition::schema(),
    }
}

#[cfg(test)]
mod tests;
