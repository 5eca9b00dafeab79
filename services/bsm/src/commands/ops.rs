//! `bsm ops`: what guards the calls of a running mesh, shown and changed from a terminal.

mod answer;
mod json;
mod table;
mod target;
mod watch;

use bsm_runtime::{admin_token, role::Role};

use crate::{
    cli::{OpsArgs, OpsCommand, Options},
    exit::{self, Exit, Failure},
    out, settings,
};
use answer::Answer;
use target::Target;

/// Asks the gateway, or the one service of `--url`, and prints what it says. With `--json`, standard output is JSON even
/// when that is why there is no answer.
pub(crate) fn run(options: &Options, args: &OpsArgs) -> anyhow::Result<Exit> {
    let ended = asked(options, args);
    if let (true, Err(err)) = (args.json, &ended) {
        let _ = out::line(exit::json_of(err)); // a closed pipe must not hide the error
    }
    ended
}

fn asked(options: &Options, args: &OpsArgs) -> anyhow::Result<Exit> {
    let (settings, _) = settings::read(options)?;
    let url = args.url.clone().unwrap_or_else(|| settings.url(Role::Gateway).to_owned());
    if args.token.as_deref().is_some_and(|token| !admin_token::can_be_sent(token)) {
        return Err(Failure::error(
            Exit::Usage,
            "the token of --token holds what cannot be sent in a header",
        ));
    }
    let token = args.token.clone().map(Into::into).or(settings.admin_token);
    super::block_on(async move {
        let mut target = Target::connect(&url, token).await?;
        if let OpsCommand::Watch = args.what {
            return watch::print(&mut target, args.json).await;
        }
        let answer = ask(&mut target, &args.what).await?;
        out::line(if args.json { format!("{:#}", answer.json()?) } else { answer.text() })?;
        if answer.unreached.is_empty() { Ok(Exit::Done) } else { Ok(partly(&answer)) }
    })
}

async fn ask(target: &mut Target, what: &OpsCommand) -> anyhow::Result<Answer> {
    match what {
        OpsCommand::Breakers => target.breakers().await,
        OpsCommand::Bulkheads => target.bulkheads().await,
        OpsCommand::Limits => target.limits().await,
        OpsCommand::Budgets => target.budgets().await,
        OpsCommand::Caches => target.caches().await,
        OpsCommand::Flags => target.flags().await,
        OpsCommand::Reset { name } => target.reset(name).await,
        OpsCommand::Mode { name, mode } => target.set_mode(name, mode).await,
        OpsCommand::Flag { name, percent } => target.set_flag(name, *percent).await,
        OpsCommand::Clear { cache } => target.clear(cache).await,
        OpsCommand::Watch => Err(Failure::error(Exit::Software, "watching has no single answer")),
    }
}

/// Some processes did not answer: told apart, because a table of the others looks complete.
fn partly(answer: &Answer) -> Exit {
    for role in &answer.unreached {
        anstream::eprintln!("bsm: {} did not answer: {}", role.service, role.error);
    }
    Exit::Changes
}
