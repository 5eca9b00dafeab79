//! `bsm-testkit`: the servers and faults of the test kit as processes, for trials by hand and load tests.

mod behaviour;
mod cli;
mod control;
mod github;
mod help;
mod provider;
mod proxy;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use cli::{Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("bsm-testkit: {err:#}"); // on one line, and never with a backtrace
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let ((listening, control), help) = match cli.command {
        Command::Provider(args) => (provider::start(args).await?, help::PROVIDER),
        Command::Github(args) => (github::start(args).await?, help::GITHUB),
        Command::Proxy(args) => (proxy::start(args).await?, help::PROXY),
    };
    let control = control::serve(cli.control_port, control, help)
        .await
        .with_context(|| cannot_listen(cli.control_port))?;
    // One line for whoever started this and wants to know the ports.
    println!("{}", json!({"listening": listening.to_string(), "control": control.to_string()}));
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

/// What to say, before the reason, when a port cannot be had.
fn cannot_listen(port: u16) -> String {
    format!("cannot listen on 127.0.0.1:{port}; name another port, or 0 for a free one")
}
