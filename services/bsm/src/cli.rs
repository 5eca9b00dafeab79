//! What can be typed after `bsm`, and the help that explains it.

mod audit;
mod bench;
mod keys;
mod usage;
mod validate;

use std::path::PathBuf;

use bsm_runtime::{
    flags::{NoShare, Percent},
    role::Role,
};
use clap::{Arg, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub(crate) use audit::{AuditArgs, AuditCommand, Wanted};
pub(crate) use bench::{BenchArgs, FASTEST};
pub(crate) use keys::{KeysArgs, KeysCommand};
pub(crate) use usage::{By, UsageArgs};
pub(crate) use validate::ValidateArgs;

const ABOUT: &str = "A governed mesh for AI agents: a change goes in, a decision comes out.

An event (a pull request, a chat message, a REST call) chooses agents; the agents ask models; a policy that no \
model can talk its way around decides approve_and_merge, request_changes, block_pr or manual_review. Without a \
provider key the built-in rule-based reviewer answers, so everything below works on a fresh machine.";

const EXAMPLES: &str = "Examples:
  bsm up                        the whole mesh: REST at http://127.0.0.1:8080
  git diff main | bsm review -  findings and a decision for a change
  bsm validate .                every mistake in ./agents, with its place and fix
  bsm config                    all settings in force, and where each came from
  bsm config --models           providers, models, prices, limits and routes in force
  bsm ops breakers              what guards the calls of a running mesh
  bsm usage --by key --since 7d what each caller took and cost
  bsm keys create ci --scope read,invoke    a key for a client of the mesh
  bsm bench http://127.0.0.1:8080/api/agents --rate 500    how it does under load
  bsm serve registry            one service, as containers run it
  bsm serve registry,models,gateway    a gateway to models alone, in one process

Settings come from defaults, then the file of --config, then the environment, then --set; the strongest wins.

Exit codes: 0 done; 64 wrong usage; 65 unusable data; 66 unreadable input; 70 a part of bsm failed; 74 output not written; 78 wrong \
settings. `review`, `validate`, `ops`, `usage`, `keys`, `audit` and `bench` say more with theirs.";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "bsm", version, about = ABOUT, after_help = EXAMPLES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub options: Options,
}

/// Options that mean nothing to a command: taken, since they are of the whole program, and not shown in its help.
const IDLE: [(&str, &[&str]); 6] = [
    ("authz", &["config", "set", "data_dir", "agents_dir", "knowledge_dir"]),
    ("review", &["data_dir"]),
    ("validate", &["config", "set", "data_dir", "knowledge_dir"]),
    ("ops", &["data_dir", "agents_dir", "knowledge_dir"]),
    ("bench", &["config", "set", "data_dir", "agents_dir", "knowledge_dir"]),
    ("healthcheck", &["config", "set", "data_dir", "agents_dir", "knowledge_dir"]),
];

impl Cli {
    /// What was typed.
    ///
    /// # Errors
    /// What clap says to it; help and version are among that.
    pub(crate) fn read() -> Result<Cli, clap::Error> {
        Cli::from_arg_matches(&command().try_get_matches()?)
    }
}

fn command() -> clap::Command {
    IDLE.into_iter().fold(Cli::command(), |command, (name, idle)| {
        let is_idle = |arg: &&Arg| idle.contains(&arg.get_id().as_str());
        let hidden: Vec<Arg> =
            command.get_arguments().filter(is_idle).map(|arg| arg.clone().hide(true)).collect();
        command.mut_subcommand(name, |subcommand| subcommand.args(hidden))
    })
}

/// Options of every command that reads settings.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Options {
    /// Read settings from this YAML file [env: BSM_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set a setting, such as gateway.port=9000; `bsm config` lists them all
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// Keep state in this folder [default: ./data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Read registry.yaml, events.yaml, policy.yaml and definitions/ from this folder [default: ./agents, or the
    /// built-in ones where there is none; for `review` always the built-in ones]
    #[arg(long, global = true, value_name = "DIR")]
    pub agents_dir: Option<PathBuf>,
    /// Read documents from this folder [default: ./knowledge, or the built-in ones where there is none; for
    /// `review` always the built-in ones]
    #[arg(long, global = true, value_name = "DIR")]
    pub knowledge_dir: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole mesh in this process, with real gRPC between the services
    ///
    /// Prints a table of roles, ports and URLs when everything is ready. Ctrl-C or SIGTERM drains: work in flight
    /// gets a few seconds, jobs that are not done go on at the next start.
    Up,
    /// Run one service, or some in one process: registry, knowledge, memory, models, orchestrator, gateway
    ///
    /// Finds the others at their URLs, e.g. BSM_REGISTRY_URL=http://registry:50051. The port after the service's
    /// own, 1000 above, serves /metrics and /healthz.
    ///
    /// Services of one process call each other without a wire. Beside a gateway they listen on loopback alone.
    /// registry,models,gateway is a gateway to models with API keys, and no more.
    Serve {
        /// Which ones, with commas between
        #[arg(required = true, value_delimiter = ',', value_name = "ROLE")]
        roles: Vec<Role>,
    },
    /// Review a unified diff: print findings and the decision
    Review(ReviewArgs),
    /// Check agents, events and policy: every mistake at once, with file, line, column and the fix
    Validate(ValidateArgs),
    /// Show and change a running mesh: breakers, bulkheads, retry budgets, caches, flags
    Ops(OpsArgs),
    /// Show what calls to models took and cost, by day, key, agent, job, provider and model, and what budgets have left
    Usage(UsageArgs),
    /// Make, list and revoke API keys
    Keys(KeysArgs),
    /// Check and read the audit logs of a data folder
    Audit(AuditArgs),
    /// Print who may call what: every rpc, its routes, the right it needs, and who holds that
    Authz {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Send load at a fixed rate and report how the target does: REST, or any rpc of the contract
    Bench(BenchArgs),
    /// Print every setting in force and where its value came from; secrets are masked
    Config {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Print the models file in force instead: what is built in, as BSM_MODELS_FILE and the environment change it,
        /// and which variables hold keys. A file with mistakes is told with all of them, exit code 78
        #[arg(long)]
        models: bool,
    },
    /// Exit 0 if a URL answers with success, 1 if not: for container health checks
    Healthcheck {
        /// For example http://127.0.0.1:51051/healthz
        url: String,
        /// Wait at most this many seconds
        #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
        timeout: f64,
    },
}

const REVIEW_CODES: &str = "Exit codes: 0 approve_and_merge; 1 request_changes; 2 block_pr; 3 manual_review; 64 \
wrong usage; 65 no readable change in the input; 66 the input cannot be read; 70 the review could not be run.

The agents and the policy are the built-in ones unless --agents-dir (or BSM_AGENTS_DIR) names others: they are \
never taken from the folder under review, because a change must not choose its own judges.";

/// What to review, and how to show it.
#[derive(Args, Debug)]
#[command(after_help = REVIEW_CODES)]
pub(crate) struct ReviewArgs {
    /// A unified diff, such as `git diff` prints; - is standard input
    #[arg(default_value = "-", value_name = "FILE")]
    pub file: PathBuf,
    /// Print the job as JSON
    #[arg(long)]
    pub json: bool,
    /// Review as this event of events.yaml
    #[arg(long, default_value = "pull_request.opened", value_name = "EVENT")]
    pub event: String,
    /// What the change is called in the report
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Give up after this many seconds
    #[arg(long, default_value_t = 600.0, value_name = "SECONDS")]
    pub timeout: f64,
    /// Print the rules of the built-in reviewer instead
    #[arg(long)]
    pub rules: bool,
}

const OPS_CODES: &str = "Examples:
  bsm ops breakers
  bsm ops mode 'gateway->memory' forced_open
  bsm ops flag hedging 10                        a tenth of the calls
  bsm ops watch --json
  bsm ops caches --url http://127.0.0.1:50055    one service

Changes, and what the gateway shows of flags and transitions, need the operator's token; in the development \
profile without a token, a caller on the same machine is enough.

Exit codes: 0 done; 1 done, but not in every process; 64 wrong usage, unknown names included; 69 the mesh cannot be \
reached or does not do it; 77 the token is missing or wrong.";

/// What to show or change, and where.
#[derive(Args, Debug)]
#[command(after_help = OPS_CODES)]
pub(crate) struct OpsArgs {
    #[command(subcommand)]
    pub what: OpsCommand,
    /// The gateway, or one service [default: gateway.url of the settings]
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,
    /// The operator's token; better given as ADMIN_TOKEN, which nobody sees in the list of processes
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// As JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to show or change.
#[derive(Debug, Subcommand)]
pub(crate) enum OpsCommand {
    /// Circuit breakers: state, mode, counts
    Breakers,
    /// Bulkheads: calls in flight and waiting
    Bulkheads,
    /// Limits: how many calls are taken on at once, how often clients may call
    Limits,
    /// Retry budgets: what may still be retried
    Budgets,
    /// Caches: hits, loads, age
    Caches,
    /// Flags: which share of calls runs under which guard
    Flags,
    /// Print changes of breakers and flags as they happen, until interrupted
    Watch,
    /// Close a breaker and forget what led to its state
    Reset {
        /// Its name, as `bsm ops breakers` shows it
        name: String,
    },
    /// Say what a breaker does from now on
    Mode {
        /// Its name
        name: String,
        /// normal, forced_open, disabled or metrics_only
        mode: String,
    },
    /// Change the share of calls inside a flag
    Flag {
        /// circuit_breaker, cache_stampede_protection, bulkhead, retry or hedging
        name: String,
        /// 0 to 100
        #[arg(value_parser = share, allow_negative_numbers = true)]
        percent: u32,
    },
    /// Forget what a cache holds
    Clear {
        /// agents, knowledge, registry, providers, responses, idempotency or all
        cache: String,
    },
}

fn share(text: &str) -> Result<u32, NoShare> {
    text.parse::<Percent>().map(|share| share.get().into())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as gateway.port=9000")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_shows_the_options_that_mean_something_to_it() {
        let mut whole = command();
        whole.build();
        let shown = |path: &[&str]| {
            let find = |command: &clap::Command, name: &&str| {
                let found = command.find_subcommand(name);
                found.unwrap_or_else(|| panic!("{name}")).clone()
            };
            let found = path.iter().fold(whole.clone(), |command, name| find(&command, name));
            let of_program =
                |arg: &&Arg| Cli::command().get_arguments().any(|own| own.get_id() == arg.get_id());
            let arguments = found.get_arguments().filter(of_program).filter(|arg| !arg.is_hide_set());
            arguments.filter_map(|arg| arg.get_long().map(str::to_owned)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(&["healthcheck"]), "");
        assert_eq!(shown(&["bench"]), "");
        assert_eq!(shown(&["validate"]), "agents-dir");
        assert_eq!(shown(&["ops", "breakers"]), "config set");
        assert_eq!(shown(&["up"]), "config set data-dir agents-dir knowledge-dir");
        let taken =
            command().try_get_matches_from(["bsm", "validate", "--data-dir", "x", "--agents-dir", "y"]);
        assert_eq!(Cli::from_arg_matches(&taken.unwrap()).unwrap().options.agents_dir, Some("y".into()));
    }
}
