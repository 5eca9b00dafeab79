//! One load, from its start to its landing.
//!
//! The task of a load holds the only sender; whoever can still use the answer holds a receiver: the waiters, and the
//! epoch while callers may join. When the last of them goes, so does the load. The task holds the cache weakly, so a
//! cache that is dropped takes its loads with it.

use std::hash::Hash;
use std::sync::{Arc, Weak};

use tokio::sync::watch;

use super::LoadError;
use super::handle::{Inner, Loader};
use super::shelf::Ticket;
use crate::interleave;

/// What a load brings.
pub(super) type Outcome<V, E> = Result<V, Arc<LoadError<E>>>;

/// A load under way, as seen by those who wait for it.
pub(super) struct Flight<V, E> {
    outcome: watch::Receiver<Option<Outcome<V, E>>>,
}

/// A load that has its place in an epoch and has to be started.
#[must_use = "callers wait for it"]
pub(super) struct Takeoff<K, V, E> {
    ticket: Ticket<K>,
    outcome: watch::Sender<Option<Outcome<V, E>>>,
}

/// The duty to tell how a load ended. Dropping it says that it ended without an answer: a panic, or the end of the
/// runtime, whether or not the load ever began.
pub(super) struct Landing<K, V, E>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    cache: Weak<Inner<K, V, E>>,
    takeoff: Option<Takeoff<K, V, E>>,
}

// === impl Flight ===

impl<V: Clone, E> Flight<V, E> {
    /// Waits for the answer. Cancel safe: the load does not notice.
    pub(super) async fn land(mut self) -> Outcome<V, E> {
        match self.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().expect("that is what was waited for"),
            Err(_no_sender) => Err(Arc::new(LoadError::Lost)),
        }
    }
}

impl<V, E> Clone for Flight<V, E> {
    fn clone(&self) -> Self {
        Self { outcome: self.outcome.clone() }
    }
}

// === impl Takeoff ===

impl<K, V, E> Takeoff<K, V, E> {
    pub(super) fn new(ticket: Ticket<K>) -> (Self, Flight<V, E>) {
        let (sender, receiver) = watch::channel(None);
        (Self { ticket, outcome: sender }, Flight { outcome: receiver })
    }
}

// === impl Landing ===

impl<K, V, E> Landing<K, V, E>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    pub(super) fn of(takeoff: Takeoff<K, V, E>, cache: &Arc<Inner<K, V, E>>) -> Self {
        Self { cache: Arc::downgrade(cache), takeoff: Some(takeoff) }
    }

    /// Loads, as long as anybody can use the answer, and tells how it went.
    pub(super) async fn fly(self, loader: Arc<Loader<K, V, E>>) {
        let Some(Takeoff { ticket, outcome }) = &self.takeoff else { return };
        let load = async { loader(ticket.key().clone()).await }; // if the call itself panics, that is here too
        tokio::select! {
            biased; // what nobody wants is not even begun
            () = outcome.closed() => self.abandon(),
            loaded = load => self.land(loaded),
        }
    }

    fn land(mut self, loaded: Result<V, E>) {
        interleave::point();
        self.settle(loaded.map_err(|error| Arc::new(LoadError::Failed(error))));
    }

    fn abandon(mut self) {
        interleave::point();
        if let Some((cache, takeoff)) = self.cache.upgrade().zip(self.takeoff.take()) {
            cache.abandon(&takeoff.ticket);
        }
    }

    /// Keeps the answer before anyone is told, so that who was told finds it there.
    fn settle(&mut self, outcome: Outcome<V, E>) {
        let Some(takeoff) = self.takeoff.take() else { return };
        if let Some(cache) = self.cache.upgrade() {
            cache.settle(takeoff.ticket, &outcome);
        }
        takeoff.outcome.send_replace(Some(outcome));
    }
}

impl<K, V, E> Drop for Landing<K, V, E>
where
    K: Hash + Eq + Clone,
    V: Clone,
{
    fn drop(&mut self) {
        self.settle(Err(Arc::new(LoadError::Lost)));
    }
}
