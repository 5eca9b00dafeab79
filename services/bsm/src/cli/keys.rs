//! What follows `bsm keys`.

use clap::{Args, Subcommand};

const EXAMPLES: &str = "Examples:
  bsm keys create ci --scope read,invoke --days 90
  bsm keys list
  bsm keys revoke 0123456789ab

A key is shown to the gateway as `Authorization: Bearer bsm_...` or `x-api-key: bsm_...`. Its text is printed when it is \
made and kept nowhere. What is done here needs the operator's token (ADMIN_TOKEN); in the development profile without \
one, a caller on the same machine is enough.

Exit codes: 0 done; 64 wrong usage, unknown keys included; 69 the registry cannot be reached; 77 the token is missing or \
wrong.";

/// What to do with API keys, and where.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub what: KeysCommand,
    /// The registry [default: registry.url of the settings]
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// The operator's token; better given as ADMIN_TOKEN, which nobody sees in the list of processes
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// As JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print its text, once
    Create {
        /// What it is for
        name: String,
        /// What it may do: read, invoke, publish, admin; none includes another
        #[arg(long = "scope", required = true, value_delimiter = ',', value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Days until it ends; without, it does not
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
    },
    /// List the keys, newest first
    List,
    /// Revoke a key for good; doing it again changes nothing
    Revoke {
        /// Its id: what stands between the first and the second _ of its text
        id: String,
    },
}
