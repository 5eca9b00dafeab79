//! What follows `bsm validate`.

use std::path::PathBuf;

use bsm_registry::schema::Kind;
use clap::{Args, ValueEnum};

const MORE: &str = "Examples:
  bsm validate .                            what ./agents holds
  bsm validate --agents-only ../shop        registry.yaml and definitions of another repository
  bsm validate --lenient --json ../shop     the same for machines, old fields allowed
  bsm validate --github .                   in a GitHub workflow: findings stand at their lines of the change
  bsm validate --schema > registry.schema.json
  bsm validate --schema=definition > definition.schema.json

With the first line of a file naming its schema, editors that have the YAML language server complete and check while you \
write: # yaml-language-server: $schema=registry.schema.json

Before each commit: write `exec bsm validate .` into .git/hooks/pre-commit and make that file executable.

Exit codes: 0 no mistakes (warnings are allowed); 1 mistakes; 64 wrong usage; 74 output not written.";

/// What to check, and how to tell.
#[derive(Args, Debug)]
#[command(after_help = MORE)]
pub(crate) struct ValidateArgs {
    /// The folder that holds agents/, that folder itself, or a file in it
    #[arg(default_value = ".", value_name = "DIR")]
    pub dir: PathBuf,
    /// Unknown fields are warnings, not errors: for files of older systems
    #[arg(long)]
    pub lenient: bool,
    /// Check registry.yaml and the definitions alone: for a folder without events.yaml and policy.yaml
    #[arg(long)]
    pub agents_only: bool,
    /// Print the findings as JSON
    #[arg(long, conflicts_with = "github")]
    pub json: bool,
    /// Print the findings as annotations of a GitHub workflow
    #[arg(long)]
    pub github: bool,
    /// Check nothing; print the JSON Schema of registry.yaml, or of a definition
    #[arg(
        long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "registry",
        conflicts_with_all = ["lenient", "agents_only", "json", "github"]
    )]
    pub schema: Option<SchemaOf>,
}

/// A file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// registry.yaml
    Registry,
    /// definitions/*.yaml
    Definition,
}

impl From<SchemaOf> for Kind {
    fn from(of: SchemaOf) -> Kind {
        match of {
            SchemaOf::Registry => Kind::Registry,
            SchemaOf::Definition => Kind::Definition,
        }
    }
}
