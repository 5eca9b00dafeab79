//! What the provider remembers of its calls. A [`Ticket`] settles its call however that ends.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Asked, Call, End};

/// What is kept of each call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// All of it, for tests.
    #[default]
    Everything,
    /// Only the [`Tally`], for load.
    Counts,
}

/// Counts over all calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Calls that came in.
    pub arrived: u64,
    /// Calls whose whole answer was sent.
    pub answered: u64,
    /// Calls whose client left before that.
    pub left: u64,
    /// Calls that were broken off as scripted.
    pub broken: u64,
    /// Calls that are open now.
    pub open: u64,
    /// Calls that were open at once, at most.
    pub peak: u64,
    /// Bytes of bodies that were handed to connections.
    pub sent: u64,
}

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Log {
    record: Record,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    tally: Tally,
}

/// An open call. Dropped unsettled, its client has left.
pub(super) struct Ticket {
    log: Arc<Log>,
    number: u64,
    settled: bool,
}

// === impl Log ===

impl Log {
    pub(super) fn new(record: Record) -> Log {
        Log { record, state: Mutex::default(), changed: watch::Sender::new(()) }
    }

    /// Notes a call. `asked` is given its number, so that numbers follow the order of the log.
    pub(super) fn arrive(self: &Arc<Log>, mut asked: Asked) -> (Asked, Ticket) {
        let mut state = self.lock();
        asked.number = state.tally.arrived;
        state.tally.arrived += 1;
        state.tally.open += 1;
        state.tally.peak = state.tally.peak.max(state.tally.open);
        if self.record == Record::Everything {
            let asked = asked.clone();
            state.calls.push(Call { asked, headers_at: None, sent: 0, chunks: 0, end: End::Open });
        }
        drop(state);
        self.changed.send_replace(());
        let ticket = Ticket { log: self.clone(), number: asked.number, settled: false };
        (asked, ticket)
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    pub(super) fn tally(&self) -> Tally {
        self.lock().tally
    }

    pub(super) async fn until(&self, mut done: impl FnMut(&[Call]) -> bool) -> Vec<Call> {
        let mut changed = self.changed.subscribe();
        let wait = async {
            loop {
                if done(&self.lock().calls) {
                    return;
                }
                // The sender lives in `self`, so this only ends with a change.
                let _ = changed.changed().await;
            }
        };
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(()) => self.calls(),
            Err(_) => panic!("the awaited calls never came; there were {:#?}", self.calls()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Ticket ===

impl Ticket {
    /// The headers of the answer are made.
    pub(super) fn headers(&self) {
        self.note(|call| call.headers_at = Some(Instant::now()));
    }

    /// So many bytes are handed to the connection.
    pub(super) fn sent(&self, bytes: usize) {
        let bytes = bytes as u64;
        self.log.lock().tally.sent += bytes;
        self.note(|call| {
            call.sent += bytes;
            call.chunks += 1;
        });
    }

    pub(super) fn answered(&mut self) {
        self.settle(End::Answered(Instant::now()));
    }

    pub(super) fn broken(&mut self) {
        self.settle(End::Broken(Instant::now()));
    }

    fn settle(&mut self, end: End) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let mut state = self.log.lock();
        state.tally.open -= 1;
        match end {
            End::Open => {}
            End::Answered(_) => state.tally.answered += 1,
            End::Left(_) => state.tally.left += 1,
            End::Broken(_) => state.tally.broken += 1,
        }
        drop(state);
        self.note(|call| call.end = end);
        self.log.changed.send_replace(());
    }

    fn note(&self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.log.lock().calls.get_mut(self.number as usize) {
            change(call);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(End::Left(Instant::now()));
    }
}
