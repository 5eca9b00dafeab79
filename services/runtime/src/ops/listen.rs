//! Hears the breakers of a role: each change becomes a log line, a count and a transition.

use bsm_stack::breaker::{State, Transition};
use futures_util::StreamExt as _;
use tokio_stream::{StreamMap, wrappers::BroadcastStream};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    show::{cause_name, mode_name, state_name},
    transitions::Change,
};
use crate::process::Process;

/// Runs until `stop`. Breakers that are made later are heard, too.
pub(crate) async fn breakers(process: Process, stop: CancellationToken) -> anyhow::Result<()> {
    let mut heard = StreamMap::new();
    let mut made = 0_usize;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            changes = process.guards.unheard() => for changes in changes {
                heard.insert(made, BroadcastStream::new(changes));
                made += 1;
            },
            Some((_, change)) = heard.next(), if !heard.is_empty() => match change {
                Ok(change) => tell(&process, &change),
                // More than the breaker keeps for us: the state is right wherever it is asked for.
                Err(lagged) => warn!(%lagged, "changes of a breaker were missed"),
            },
        }
    }
}

fn tell(process: &Process, heard: &Transition) {
    let Transition { from, to, mode, cause, .. } = *heard;
    let (breaker, role) = (&*heard.breaker, process.role.name());
    let (was, is, why) = (state_name(from), state_name(to), cause_name(cause));
    match to {
        State::Open => {
            warn!(role, breaker, from = was, to = is, mode = mode_name(mode), cause = why, "circuit open")
        }
        State::HalfOpen | State::Closed => {
            info!(role, breaker, from = was, to = is, mode = mode_name(mode), cause = why, "circuit changed");
        }
    }
    if from != to {
        process.metrics.breaker_changed(breaker, is);
    }
    process.transitions.record(breaker, Change::Breaker { from, to, mode, cause });
}
