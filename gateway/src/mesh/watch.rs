//! The changes of all processes as one stream. A service that goes away is followed again when it is back, from
//! where it was left.

use std::{pin::Pin, time::Duration};

use bsm_proto::ops::v1::{
    WatchMeshTransitionsResponse, WatchTransitionsRequest, WatchTransitionsResponse,
    ops_service_client::OpsServiceClient,
};
use bsm_runtime::{call::Call, client::Edge, clock, ops, process::Process, role::Role};
use futures_util::{Stream, StreamExt as _, future, stream};
use tonic::{Status, Streaming};

use super::cursor::Cursor;
use crate::upstream::Edges;

/// How long one call to a service lasts before it is made again.
const LAPS: Duration = Duration::from_secs(3600);

/// Between two attempts to follow a service.
const PAUSE: Duration = Duration::from_millis(500);

/// "Everything that is kept", as a last event.
const BEGINNING: &str = "0";

pub(super) type Transitions =
    Pin<Box<dyn Stream<Item = Result<WatchMeshTransitionsResponse, Status>> + Send>>;

/// A service that is followed.
struct Followed {
    edge: Edge,
    call: Call,
    /// The last event seen.
    last: Option<String>,
    /// What happened before is not told to a watcher who has seen nothing of this role.
    began_ms: f64,
    first: bool,
    open: Option<Streaming<WatchTransitionsResponse>>,
}

/// Follows every role; ends as the gateway drains. Cancelled: the calls to the services end, too.
pub(super) fn everything(
    process: &Process,
    edges: &Edges,
    call: &Call,
    last_event_id: Option<&str>,
) -> Transitions {
    let mut cursor = last_event_id.map(Cursor::parse).unwrap_or_default();
    let own = ops::watch(process, cursor.of(process.role)).filter_map(|change| future::ready(change.ok()));
    let mut all = vec![(process.role, own.boxed())];
    for (role, edge) in edges.watches() {
        let last = cursor.of(role).map(str::to_owned);
        let call = Call::background(call.correlation_id());
        let followed =
            Followed { edge, call, last, began_ms: clock::unix_ms() as f64, first: true, open: None };
        all.push((role, stream::unfold(followed, Followed::next).boxed()));
    }
    let tagged = all.into_iter().map(|(role, changes)| changes.map(move |change| (role, change)).boxed());
    let merged = stream::select_all(tagged).map(move |(role, change)| Ok(shown(&mut cursor, role, change)));
    Box::pin(merged.take_until(process.drain.stopping().cancelled_owned()))
}

fn shown(cursor: &mut Cursor, role: Role, change: WatchTransitionsResponse) -> WatchMeshTransitionsResponse {
    cursor.saw(role, &change.event_id);
    let WatchTransitionsResponse { event_type, timestamp, service, name, from, to, cause, mode, .. } = change;
    let event_id = cursor.to_string();
    WatchMeshTransitionsResponse { event_id, event_type, timestamp, service, name, from, to, cause, mode }
}

// === impl Followed ===

impl Followed {
    /// The next change, however often the service has to be called for it.
    async fn next(mut self) -> Option<(WatchTransitionsResponse, Followed)> {
        loop {
            let Some(open) = &mut self.open else {
                self.reopen().await;
                continue;
            };
            match open.message().await {
                Ok(Some(change)) => {
                    let is_new = self.last.is_some() || change.timestamp >= self.began_ms;
                    if is_new {
                        self.last = Some(change.event_id.clone());
                        return Some((change, self));
                    }
                }
                Ok(None) | Err(_) => self.open = None, // it drains, is gone, or the call was long enough
            }
        }
    }

    async fn reopen(&mut self) {
        if !self.first {
            tokio::time::sleep(PAUSE).await;
        }
        self.first = false;
        // A watcher who has seen nothing yet misses nothing either: what is new is told by its time.
        let last = Some(self.last.clone().unwrap_or_else(|| BEGINNING.to_owned()));
        let request = self.call.within(LAPS).request(WatchTransitionsRequest { last_event_id: last });
        let answer = OpsServiceClient::new(self.edge.clone()).watch_transitions(request).await;
        self.open = answer.ok().map(tonic::Response::into_inner);
    }
}
