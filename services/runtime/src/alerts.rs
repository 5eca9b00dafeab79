//! Posts the changes of breakers to the URL of the settings, if there is one.
//!
//! It follows the kept transitions like any other client, so it holds up nobody: when the receiver is slow, the
//! oldest are missed. What is posted goes to that URL and nowhere else: no proxy, no redirect. The receiver is behind a
//! breaker of its own, whose changes are not posted.

mod dedup;
mod post;
#[cfg(test)]
mod tests;

use bsm_proto::ops::v1::WatchTransitionsResponse;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    ops::transitions::{Change, Since},
    process::Process,
};
use dedup::Dedup;
use post::Receiver;

/// The breaker in front of the receiver.
const BREAKER: &str = "alert webhook";

/// Runs until `stop`; at once when no URL is set.
pub(crate) async fn run(process: Process, stop: CancellationToken) -> anyhow::Result<()> {
    let Some(url) = &process.settings.alerts_url else { return Ok(()) };
    let mut receiver = Receiver::new(url.clone(), &process.guards)?;
    let mut dedup = Dedup::default();
    let mut changes = Box::pin(process.transitions.follow(Since::Number(0)));
    while let Some(change) = stop.run_until_cancelled(changes.next()).await.flatten() {
        let Change::Breaker { from, to, .. } = change.change else { continue };
        let is_new = from != to && dedup.admits(&change.name, to, Instant::now());
        if is_new && change.name != BREAKER {
            let body = body(&process.transitions.show(&change));
            if stop.run_until_cancelled(receiver.post(&body)).await.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// What is posted. `text` is what chat services show.
fn body(change: &WatchTransitionsResponse) -> Value {
    let WatchTransitionsResponse { service, name, from, to, cause, .. } = change;
    json!({
        "text": format!("Circuit {name} of {service} went from {from} to {to} ({cause})."),
        "event": change.event_type, "id": change.event_id, "timestamp": change.timestamp as i64,
        "service": service, "breaker": name, "from": from, "to": to, "cause": cause, "mode": change.mode,
    })
}
