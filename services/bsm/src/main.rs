//! `bsm`: the whole mesh in one binary. See `bsm --help`.

mod cli;
mod commands;
mod defaults;
mod exit;
mod mesh;
mod out;
mod review;
mod roles;
mod settings;

use std::process::ExitCode;

use cli::{Cli, Command};
use exit::Exit;

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(err) => return exit::of_usage(&err),
    };
    // The ring provider must be installed before the first TLS connection; a second install is a no-op.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(err) => exit::of_failure(&err),
    }
}

fn run(cli: Cli) -> anyhow::Result<Exit> {
    let options = cli.options;
    match cli.command {
        Command::Up => commands::up::run(&options),
        Command::Serve { roles } => commands::serve::run(&options, roles),
        Command::Review(args) => commands::review::run(&options, &args),
        Command::Validate(args) => commands::validate::run(&options, &args),
        Command::Ops(args) => commands::ops::run(&options, &args),
        Command::Usage(args) => commands::usage::run(&options, &args),
        Command::Keys(args) => commands::keys::run(&options, &args),
        Command::Audit(args) => commands::audit::run(&options, &args),
        Command::Authz { json } => commands::authz::run(json),
        Command::Bench(args) => commands::bench::run(&args),
        Command::Config { json, models: true } => commands::config::models(&options, json),
        Command::Config { json, models: false } => commands::config::run(&options, json),
        Command::Healthcheck { url, timeout } => commands::healthcheck::run(&url, timeout),
    }
}
