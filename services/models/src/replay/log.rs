//! What a run has brought so far, for as many readers as there are, each at its own place.
//!
//! A log keeps everything until it is told to [`spill`](Log::spill): from then on it keeps what its readers have not
//! read yet, and its writer waits for the slowest of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

/// What of a spilled log may wait for its slowest reader, in bytes.
const WINDOW: usize = 256 * 1024;

/// What a run brings.
pub(super) trait Item: Clone + Send + 'static {
    /// Bytes, about.
    fn weight(&self) -> usize;

    /// Whether nothing follows. Where an item cannot tell, the end of the run does.
    fn is_last(&self) -> bool {
        false
    }
}

/// The log of a run.
#[derive(Debug)]
pub(super) struct Log<T: Item, E> {
    state: Mutex<State<T, E>>,
    /// Sent to whenever there is more, or the end.
    news: watch::Sender<()>,
    /// A spilled log has room again.
    room: Notify,
}

#[derive(Debug)]
struct State<T: Item, E> {
    /// The number of the first item that is there.
    first: u64,
    items: VecDeque<T>,
    bytes: usize,
    end: Option<Result<(), E>>,
    spilled: bool,
    /// Which item each reader wants next.
    places: BTreeMap<u64, u64>,
    next_reader: u64,
}

/// Reads a log from some place on.
#[derive(Debug)]
pub(super) struct Reader<T: Item, E> {
    log: Arc<Log<T, E>>,
    id: u64,
    news: watch::Receiver<()>,
    ended: bool,
}

/// Why a log cannot be read from some place on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Some of the items are not there any more.
    Gone,
    /// The place is none that the log has come to.
    Beyond,
}

// === impl Log ===

impl<T: Item, E: Clone> Log<T, E> {
    pub(super) fn new() -> Self {
        let state = State {
            first: 0,
            items: VecDeque::new(),
            bytes: 0,
            end: None,
            spilled: false,
            places: BTreeMap::new(),
            next_reader: 0,
        };
        Self { state: Mutex::new(state), news: watch::Sender::new(()), room: Notify::new() }
    }

    /// Adds an item.
    pub(super) fn push(&self, item: T) {
        {
            let mut state = self.state();
            state.bytes += item.weight();
            state.items.push_back(item);
        }
        self.news.send_replace(());
    }

    /// Nothing follows; only the first end counts.
    pub(super) fn end(&self, end: Result<(), E>) {
        {
            let mut state = self.state();
            state.end.get_or_insert(end);
            state.items.shrink_to_fit();
        }
        self.news.send_replace(());
    }

    /// Keeps no more than readers need from now on.
    pub(super) fn spill(&self) {
        let mut state = self.state();
        state.spilled = true;
        state.trim();
    }

    /// Returns once a spilled log has room; at once for any other. Cancel safe.
    pub(super) async fn room(&self) {
        loop {
            let room = self.room.notified();
            {
                let state = self.state();
                if !state.spilled || state.bytes <= WINDOW {
                    return;
                }
            }
            room.await;
        }
    }

    /// A reader of the items from that number on, which is at most that of the next one to come.
    pub(super) fn read(self: &Arc<Self>, from: u64) -> Result<Reader<T, E>, Unread> {
        let mut state = self.state();
        if from < state.first {
            return Err(Unread::Gone);
        }
        if from > state.first + state.items.len() as u64 {
            return Err(Unread::Beyond);
        }
        let id = state.next_reader;
        state.next_reader += 1;
        state.places.insert(id, from);
        drop(state);
        Ok(Reader { log: Arc::clone(self), id, news: self.news.subscribe(), ended: false })
    }
}

impl<T: Item, E> Log<T, E> {
    /// The item of that number, if it is there.
    pub(super) fn item(&self, number: u64) -> Option<T> {
        let state = self.state();
        let index = usize::try_from(number.checked_sub(state.first)?).ok()?;
        state.items.get(index).cloned()
    }

    fn state(&self) -> MutexGuard<'_, State<T, E>> {
        // Never left half-changed: a panic elsewhere while it was held spoils nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl<T: Item, E> State<T, E> {
    /// Drops what every reader has read, if the log is spilled.
    fn trim(&mut self) {
        if !self.spilled {
            return;
        }
        let needed = self.places.values().min().copied().unwrap_or(u64::MAX);
        while self.first < needed {
            let Some(item) = self.items.pop_front() else { return };
            self.bytes -= item.weight();
            self.first += 1;
        }
    }
}

// === impl Reader ===

impl<T: Item, E: Clone> Reader<T, E> {
    /// The first item of the log, whatever this reader has read, if it is there.
    pub(super) fn first(&self) -> Option<T> {
        self.log.item(0)
    }

    /// The next item and its number; then the failure if there is one, then nothing. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Result<(u64, T), E>> {
        loop {
            self.news.borrow_and_update();
            if let Some(step) = self.step() {
                return step;
            }
            if self.news.changed().await.is_err() {
                return None; // the log is held by this reader, so its sender is there
            }
        }
    }

    /// What is there now; `None` when there is nothing yet.
    fn step(&mut self) -> Option<Option<Result<(u64, T), E>>> {
        if self.ended {
            return Some(None);
        }
        let mut state = self.log.state();
        let place = state.places.get_mut(&self.id).expect("a reader has its place until it is dropped");
        let at = *place;
        let index = usize::try_from(at.saturating_sub(state.first)).unwrap_or(usize::MAX);
        if let Some(item) = state.items.get(index).cloned() {
            state.places.insert(self.id, at + 1);
            state.trim();
            let spilled = state.spilled;
            drop(state);
            if spilled {
                self.log.room.notify_one();
            }
            return Some(Some(Ok((at, item))));
        }
        let end = state.end.clone()?;
        self.ended = true;
        Some(end.err().map(Err))
    }
}

impl<T: Item, E> Drop for Reader<T, E> {
    fn drop(&mut self) {
        let mut state = self.log.state();
        state.places.remove(&self.id);
        state.trim(); // it may have been the slowest
        drop(state);
        self.log.room.notify_one();
    }
}
