//! The entries, the loads under way, and the epochs between them.
//!
//! A key has an *epoch* while loads for it are under way. Invalidation ends it by forgetting it, so that a load knows
//! by the absence of its own epoch that its answer is too old to keep. All writes to the entries happen under the
//! lock of the epochs; that is what makes "insert unless invalidated" one step. Reading an entry takes no part in it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache as Storage;
use tokio::time::Instant;

use super::entry::{Entry, Rules, Verdict};
use super::flight::{Flight, Takeoff};
use super::{Answer, Config, Got, LoadError, Stampede};

/// What is kept, and what is being fetched.
pub(super) struct Shelf<K, V, E> {
    rules: Rules,
    entries: Storage<K, Entry<V, E>>,
    epochs: Mutex<Epochs<K, V, E>>,
}

struct Epochs<K, V, E> {
    current: HashMap<K, Epoch<V, E>>,
    last: u64,
}

/// One key, between two invalidations, while loads for it are under way.
struct Epoch<V, E> {
    number: u64,
    /// Loads that began in it and have not ended.
    loads: usize,
    /// The one among them that callers may join. Holding it here keeps that load alive without any waiter.
    shared: Option<Flight<V, E>>,
}

/// A load's claim to a place on the shelf.
#[derive(Debug)]
pub(super) struct Ticket<K> {
    key: K,
    epoch: u64,
    shared: bool,
}

/// What a caller has to do.
pub(super) enum Claim<K, V, E> {
    /// Take this, and start the load if there is one.
    Take(Answer<V, E>, Option<Takeoff<K, V, E>>),
    /// Wait for somebody's load.
    Join(Flight<V, E>),
    /// Start this load and wait for it.
    Lead(Takeoff<K, V, E>, Flight<V, E>),
}

// === impl Shelf ===

impl<K, V, E> Shelf<K, V, E>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    pub(super) fn new(config: &Config) -> Self {
        let epochs = Epochs { current: HashMap::new(), last: 0 };
        Self { rules: Rules::new(config), entries: Storage::new(config.capacity), epochs: Mutex::new(epochs) }
    }

    /// What a caller who asks now is due. Takes no lock of ours; counts as a use when something has to go.
    pub(super) fn look(&self, key: &K, now: Instant) -> Verdict<V, E> {
        self.entries.get(key).map_or(Verdict::Expired, |entry| entry.judge(now, &self.rules))
    }

    /// The same again, in one step with joining or starting the load it may need.
    pub(super) fn claim(&self, key: &K, now: Instant, stampede: Stampede) -> Claim<K, V, E> {
        let mut epochs = self.lock();
        let verdict = self.look(key, now); // it may have landed since the caller looked
        let reload = verdict.wants_load();
        match verdict.answer() {
            Some(answer) => Claim::Take(answer, reload.then(|| epochs.start_unless_shared(key)).flatten()),
            None => match (stampede, epochs.shared(key)) {
                (Stampede::Prevented, Some(flight)) => Claim::Join(flight),
                (Stampede::Prevented, None) => epochs.lead_shared(key),
                (Stampede::Allowed, _) => epochs.lead_alone(key),
            },
        }
    }

    /// What a caller whose load has failed gets instead of the error, if anything.
    pub(super) fn stand_in(&self, key: &K, now: Instant) -> Option<Got<V>> {
        self.entries.get(key)?.stand_in(now, &self.rules)
    }

    /// What is there, without counting as a use.
    pub(super) fn peek(&self, key: &K, now: Instant) -> Verdict<V, E> {
        self.entries.peek(key).map_or(Verdict::Expired, |entry| entry.judge(now, &self.rules))
    }

    /// A load has ended: keeps what it brought, unless its epoch is over.
    pub(super) fn settle(
        &self,
        ticket: Ticket<K>,
        outcome: &Result<V, Arc<LoadError<E>>>,
        now: Instant,
        roll: f64,
    ) {
        let mut epochs = self.lock();
        if !epochs.end(&ticket) {
            return;
        }
        let entry = match outcome {
            Ok(value) => Entry::loaded(value.clone(), now, roll, &self.rules),
            Err(error) => Entry::failed(self.entries.peek(&ticket.key), Arc::clone(error), now, &self.rules),
        };
        self.entries.insert(ticket.key, entry);
    }

    /// A load was dropped because nobody could use it.
    pub(super) fn abandon(&self, ticket: &Ticket<K>) {
        self.lock().end(ticket);
    }

    /// Ends the key's epoch and keeps `value`, which is newer than whatever is being loaded.
    pub(super) fn put(&self, key: K, value: V, now: Instant, roll: f64) {
        let mut epochs = self.lock();
        epochs.current.remove(&key);
        self.entries.insert(key, Entry::loaded(value, now, roll, &self.rules));
    }

    /// Ends the key's epoch and forgets its entry.
    pub(super) fn invalidate(&self, key: &K) -> bool {
        let mut epochs = self.lock();
        epochs.current.remove(key);
        self.entries.remove(key).is_some()
    }

    /// Ends every epoch and forgets every entry; tells how many there were.
    pub(super) fn clear(&self) -> usize {
        let mut epochs = self.lock();
        epochs.current.clear();
        let entries = self.entries.len();
        self.entries.clear();
        entries
    }

    /// Ends every epoch and the time of every value, and forgets failures.
    pub(super) fn doubt(&self) {
        let mut epochs = self.lock();
        epochs.current.clear();
        for (key, entry) in self.entries.iter() {
            match entry.doubted() {
                Some(doubted) => self.entries.insert(key, doubted),
                None => _ = self.entries.remove(&key),
            }
        }
    }

    /// The keys of at most `most` values that might still be served, in no order.
    pub(super) fn keys(&self, most: usize, now: Instant) -> Vec<K> {
        let held = self.entries.iter().filter(|(_, entry)| entry.age(now, &self.rules).is_some());
        held.map(|(key, _)| key).take(most).collect()
    }

    /// The ages of all values that might still be served. Walks through all entries.
    pub(super) fn ages(&self, now: Instant) -> Vec<Duration> {
        self.entries.iter().filter_map(|(_, entry)| entry.age(now, &self.rules)).collect()
    }

    /// Epochs under way.
    #[cfg(test)]
    pub(super) fn epochs(&self) -> usize {
        self.lock().current.len()
    }

    /// The epochs are never left half-changed, so a panic elsewhere while they were held does not spoil them.
    fn lock(&self) -> MutexGuard<'_, Epochs<K, V, E>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Epochs ===

impl<K: Hash + Eq + Clone, V, E> Epochs<K, V, E> {
    fn shared(&self, key: &K) -> Option<Flight<V, E>> {
        self.current.get(key)?.shared.clone()
    }

    fn lead_shared(&mut self, key: &K) -> Claim<K, V, E> {
        let (takeoff, flight) = self.start(key, true);
        Claim::Lead(takeoff, flight)
    }

    fn lead_alone(&mut self, key: &K) -> Claim<K, V, E> {
        let (takeoff, flight) = self.start(key, false);
        Claim::Lead(takeoff, flight)
    }

    fn start_unless_shared(&mut self, key: &K) -> Option<Takeoff<K, V, E>> {
        self.shared(key).is_none().then(|| self.start(key, true).0)
    }

    fn start(&mut self, key: &K, shared: bool) -> (Takeoff<K, V, E>, Flight<V, E>) {
        let Self { current, last } = self;
        let epoch = current.entry(key.clone()).or_insert_with(|| {
            *last += 1;
            Epoch { number: *last, loads: 0, shared: None }
        });
        let ticket = Ticket { key: key.clone(), epoch: epoch.number, shared };
        let (takeoff, flight) = Takeoff::new(ticket);
        epoch.loads += 1;
        if shared {
            epoch.shared = Some(flight.clone());
        }
        (takeoff, flight)
    }

    /// Strikes a load off; false if its epoch is over.
    fn end(&mut self, ticket: &Ticket<K>) -> bool {
        let Some(epoch) = self.current.get_mut(&ticket.key) else { return false };
        if epoch.number != ticket.epoch {
            return false;
        }
        epoch.loads -= 1;
        if ticket.shared {
            epoch.shared = None;
        }
        if epoch.loads == 0 {
            self.current.remove(&ticket.key);
        }
        true
    }
}

// === impl Ticket ===

impl<K> Ticket<K> {
    pub(super) fn key(&self) -> &K {
        &self.key
    }
}
