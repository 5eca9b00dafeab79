//! What the provider remembers of its calls. A [`Ticket`] settles its call however that ends.

use std::{sync::Arc, time::Instant};

use serde::{Deserialize, Serialize};

use super::{Asked, Call, End};
use crate::watched::Watched;

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

pub(super) struct Log {
    record: Record,
    state: Watched<State>,
}

#[derive(Debug, Default)]
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
        Log { record, state: Watched::default() }
    }

    /// Notes a call. `asked` is given its number, so that numbers follow the order of the log.
    pub(super) fn arrive(self: &Arc<Log>, mut asked: Asked) -> (Asked, Ticket) {
        self.state.change(|State { calls, tally }| {
            asked.number = tally.arrived;
            tally.arrived += 1;
            tally.open += 1;
            tally.peak = tally.peak.max(tally.open);
            if self.record == Record::Everything {
                let asked = asked.clone();
                calls.push(Call { asked, headers_at: None, sent: 0, chunks: 0, end: End::Open });
            }
        });
        let ticket = Ticket { log: self.clone(), number: asked.number, settled: false };
        (asked, ticket)
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.state.read(|state| state.calls.clone())
    }

    pub(super) fn tally(&self) -> Tally {
        self.state.read(|state| state.tally)
    }

    pub(super) async fn until(&self, mut done: impl FnMut(&[Call]) -> bool) -> Vec<Call> {
        self.state.until(|state| done(&state.calls)).await;
        self.calls()
    }
}

// === impl Ticket ===

impl Ticket {
    /// The headers of the answer are made.
    pub(super) fn headers(&self) {
        self.note(|call| call.headers_at = Some(Instant::now()), |_| {});
    }

    /// So many bytes are handed to the connection.
    pub(super) fn sent(&self, bytes: usize) {
        let bytes = bytes as u64;
        let note = |call: &mut Call| {
            call.sent += bytes;
            call.chunks += 1;
        };
        self.note(note, |tally| tally.sent += bytes);
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
        self.note(|call| call.end = end, |tally| tally.settle(end));
    }

    fn note(&self, call: impl FnOnce(&mut Call), tally: impl FnOnce(&mut Tally)) {
        self.log.state.change(|state| {
            tally(&mut state.tally);
            if let Some(noted) = state.calls.get_mut(self.number as usize) {
                call(noted);
            }
        });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(End::Left(Instant::now()));
    }
}

// === impl Tally ===

impl Tally {
    fn settle(&mut self, end: End) {
        self.open -= 1;
        match end {
            End::Open => {}
            End::Answered(_) => self.answered += 1,
            End::Left(_) => self.left += 1,
            End::Broken(_) => self.broken += 1,
        }
    }
}
