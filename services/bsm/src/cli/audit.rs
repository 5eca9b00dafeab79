//! The command line of `bsm audit`.

use bsm_runtime::role::Role;
use clap::{Args, Subcommand};

const EXAMPLES: &str = "Examples:
  bsm audit verify                              whether every log is as it was written
  bsm audit list --since 24h --action flag.set  who changed flags in the last day
  bsm audit list --actor admin --json           one JSON object a line

The logs are those below the data folder (--data-dir, BSM_DATA_DIR), one for each role; nothing needs to run. Their hashes are \
keyed with BSM_AUDIT_KEY, or with the secret beside each log. Who can read that key can write a log that fits, and who can \
put back older files of all kinds can go back to what was then: keep the key, or a copy of the logs, elsewhere.

Exit codes: 0 done; 1 a log is not as it was written; 64 wrong usage; 66 a log cannot be read.";

/// What to do with the audit logs.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub what: AuditCommand,
    /// As JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Check every log: edits, deletions, reorderings and lines cut off at the end are found
    Verify,
    /// Print lines, the newest last
    List(Wanted),
}

/// Which lines.
#[derive(Args, Debug)]
pub(crate) struct Wanted {
    /// Of this role
    #[arg(long)]
    pub role: Option<Role>,
    /// Of this actor: admin, local or the id of a key
    #[arg(long)]
    pub actor: Option<String>,
    /// With this action, such as flag.set
    #[arg(long)]
    pub action: Option<String>,
    /// About this target
    #[arg(long)]
    pub target: Option<String>,
    /// Of the call with this correlation id
    #[arg(long, value_name = "ID")]
    pub correlation_id: Option<String>,
    /// Since then: a date such as 2026-01-31, a span such as 30m, 24h or 7d, or ms since 1970
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before then
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Lines at most, the newest
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub limit: usize,
}
