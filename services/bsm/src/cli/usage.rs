//! What follows `bsm usage`.

use clap::{Args, ValueEnum};

const EXAMPLES: &str = "Examples:
  bsm usage                                    by day, key, agent and model
  bsm usage --by key --since 7d                what each key took in the last seven days
  bsm usage --by model --key 0123456789ab --since 2026-01-01 --until 2026-02-01
  bsm usage --budgets                          what is left of the budgets in use

Exit codes: 0 done; 64 wrong usage; 69 the models service cannot be reached; 77 it does not let the caller in.";

/// What to sum up, and how to show it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct UsageArgs {
    /// Keep sums apart by these
    #[arg(long, value_delimiter = ',', value_name = "WHAT", default_values_t = [By::Day, By::Key, By::Agent, By::Model])]
    pub by: Vec<By>,
    /// Calls since then: a date such as 2026-01-31, a span such as 30m, 24h or 7d, or ms since 1970
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Calls before then
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Calls of this caller: a key's id, admin, github or anonymous
    #[arg(long, value_name = "ID")]
    pub key: Option<String>,
    /// Calls of this agent
    #[arg(long, value_name = "ID")]
    pub agent: Option<String>,
    /// Calls of this job
    #[arg(long, value_name = "ID")]
    pub job: Option<String>,
    /// Calls to this provider
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Calls to this model
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Lines at most
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Show the budgets in use instead, and what is left of them
    #[arg(long)]
    pub budgets: bool,
    /// The models service [default: models.url of the settings]
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// What sums are kept apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// The day, in UTC
    Day,
    /// Who called
    Key,
    /// The agent that asked
    Agent,
    /// The job that it belongs to
    Job,
    /// Who was asked
    Provider,
    /// The model that answered
    Model,
}

// === impl By ===

impl By {
    /// Its word in the contract.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            By::Day => "day",
            By::Key => "key",
            By::Agent => "agent",
            By::Job => "job",
            By::Provider => "provider",
            By::Model => "model",
        }
    }
}

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}
