//! `bsm review`: a diff goes in, findings, a decision and an exit code come out.

use std::time::Duration;

use crate::{
    cli::{Options, ReviewArgs},
    defaults::{self, Builtin},
    exit::{Exit, Failure},
    out,
    review::{embedded, input, rules, show},
    settings,
};

/// Runs the review strategy in a mesh that lives as long as the command.
pub(crate) fn run(options: &Options, args: &ReviewArgs) -> anyhow::Result<Exit> {
    if args.rules {
        out::line(rules::table())?;
        return Ok(Exit::Done);
    }
    let patience = Duration::try_from_secs_f64(args.timeout).map_err(|_| {
        Failure::error(Exit::Usage, format!("--timeout {} is not a number of seconds", args.timeout))
    })?;
    let (mut settings, layers) = settings::read(options)?;
    let change = input::read(&args.file)?;
    for note in &change.notes {
        anstream::eprintln!("bsm: {note}");
    }
    let state = tempfile::tempdir()?; // a review leaves nothing behind
    settings.data_dir = state.path().join("data");
    defaults::apply(&mut settings, &layers, Builtin::UnlessChosen, state.path())?;
    let quiet =
        options.set.iter().all(|(key, _)| key != "log.level") && std::env::var_os("BSM_LOG").is_none();
    if quiet {
        "error".clone_into(&mut settings.log_level); // the job tells what went wrong; the mesh's log would repeat it
    }
    let payload = change.payload(args.title.as_deref());
    let job = super::block_on(embedded::run(settings, &args.event, payload, patience))?;
    out::line(if args.json { show::json(&job) } else { show::text(&job) }.trim_end())?;
    Ok(show::exit(&job))
}
