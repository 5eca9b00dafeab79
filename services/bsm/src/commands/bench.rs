//! `bsm bench`: an open-loop load generator, for a mesh or whatever else speaks HTTP or gRPC on this machine.
//!
//! - `plan`: when each call is due; `ramp`: which rate to try next; `ending`: how the command ends. Pure.
//! - `origin`, `request`, `rpc`: whom to call, and with what.
//! - `pace`, `launch`, `wire`: the beat, the calls, the connections.
//! - `tally`, `usage`, `report`: what it came to.
//! - `run`, `overload`: one load, and the series that finds the overload figure.

mod ending;
mod launch;
mod origin;
mod outcome;
mod overload;
mod pace;
mod plan;
mod progress;
mod ramp;
mod report;
mod request;
mod rpc;
mod run;
mod tally;
#[cfg(test)]
mod tests;
mod usage;
mod wire;

use crate::{
    cli::BenchArgs,
    exit::{Exit, Failure},
    out,
};
use origin::{Origin, Place, Reach};
use plan::Plan;
use report::{Report, Target};
use request::Template;
pub(crate) use request::header;
use run::Bench;
use usage::Watch;
use wire::Connections;

/// Sends the load and prints the report, also when it was interrupted.
pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<Exit> {
    let place = Place::read(&args.url)?;
    let template = Template::new(&place, args)?;
    check(args)?;
    let plan = Plan { rate: args.rate, warmup: args.warmup, duration: args.duration, timeout: args.timeout };
    super::block_on(async move {
        let origin = reach(&place, args).await?;
        let most = args.connections.map_or_else(|| template.version.usual(args.overload), usize::from);
        let connections = Connections::new(origin, template.clone(), most);
        let target = Target::new(&args.url, &template, connections.most(), plan.timeout);
        let bench = Bench::new(connections, args.pid);
        let report = match args.overload {
            None => Report::load(target, bench.run(plan, "load").await?),
            Some(factor) => Report::overload(target, overload::measure(&bench, plan, factor).await?),
        };
        out::line(if args.json { report.json()? } else { report.text() })?;
        ending::of(&report)
    })
}

/// What clap cannot know.
fn check(args: &BenchArgs) -> anyhow::Result<()> {
    let Some(pid) = args.pid else { return Ok(()) };
    if cfg!(target_os = "linux") && Watch::of(pid).is_none() {
        return Err(Failure::error(Exit::Usage, format!("--pid {pid} is no process that can be watched")));
    }
    Ok(())
}

/// Makes sure that somebody is there before a load is sent at nobody.
async fn reach(place: &Place, args: &BenchArgs) -> anyhow::Result<Origin> {
    let reach = if args.allow_remote { Reach::Anywhere } else { Reach::Loopback };
    let origin = Origin::of(place, reach).await?;
    let connected = tokio::time::timeout(args.timeout, origin.connect()).await;
    let why = match connected {
        Ok(Ok(_)) => return Ok(origin),
        Ok(Err(err)) => err.to_string(),
        Err(_) => format!("no connection within {:?}", args.timeout),
    };
    let sentence = format!("nobody answers at {}: {why}; is it running?", place.authority);
    Err(Failure::error(Exit::Unavailable, sentence))
}
