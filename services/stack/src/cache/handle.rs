//! [`Cache`]: where the shelf meets the clock, the loader, the tasks and the callers.

use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::time::Instant;

use super::flight::{Flight, Landing, Outcome, Takeoff};
use super::shelf::{Claim, Shelf, Ticket};
use super::stats::{Stats, Totals};
use super::{Config, Got, LoadError, Source, Stampede};
use crate::{dice, interleave};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Fetches the value of a key.
pub(super) type Loader<K, V, E> = dyn Fn(K) -> BoxFuture<Result<V, E>> + Send + Sync;

/// A cache with one loader; clones are handles to the same one. See the [module](super) for its rules.
///
/// `V` is cloned for every caller, so it should be an `Arc` or as cheap as one.
pub struct Cache<K, V, E> {
    inner: Arc<Inner<K, V, E>>,
}

pub(super) struct Inner<K, V, E> {
    name: Arc<str>,
    config: Config,
    shelf: Shelf<K, V, E>,
    totals: Totals,
    loader: Arc<Loader<K, V, E>>,
    world: World,
    stampede_allowed: AtomicBool,
}

/// What a cache takes from its surroundings.
pub(crate) struct World {
    /// A number in [0, 1), for jitter.
    pub(crate) roll: Box<dyn Fn() -> f64 + Send + Sync>,
    /// Runs a load to its end.
    pub(crate) spawn: Box<dyn Fn(BoxFuture<()>) + Send + Sync>,
}

// === impl Cache ===

impl<K, V, E> Cache<K, V, E>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    /// An empty cache that fetches what it does not have with `loader`.
    ///
    /// The loader bounds its own time: a load that never ends keeps its waiters until they go.
    #[must_use]
    pub fn new<L, F>(name: impl Into<Arc<str>>, config: Config, loader: L) -> Self
    where
        L: Fn(K) -> F + Send + Sync + 'static,
        F: Future<Output = Result<V, E>> + Send + 'static,
    {
        Self::in_world(World::default(), name, config, loader)
    }

    pub(crate) fn in_world<L, F>(world: World, name: impl Into<Arc<str>>, config: Config, loader: L) -> Self
    where
        L: Fn(K) -> F + Send + Sync + 'static,
        F: Future<Output = Result<V, E>> + Send + 'static,
    {
        let config = config.clamped();
        let inner = Inner {
            name: name.into(),
            shelf: Shelf::new(&config),
            config,
            totals: Totals::default(),
            loader: Arc::new(move |key| Box::pin(loader(key))),
            world,
            stampede_allowed: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The value of `key`: from the cache, from a load that is under way, or loaded now.
    ///
    /// Cancel safe: dropping the future leaves the load running, unless the key was invalidated meanwhile and nobody
    /// else waits.
    ///
    /// # Errors
    /// What the load ended with, now or within the last second, if there is no old value to stand in.
    ///
    /// # Panics
    /// If it has to load and there is no tokio runtime around it.
    pub async fn get(&self, key: &K) -> Result<Got<V>, Arc<LoadError<E>>> {
        self.get_under(key, self.stampede()).await
    }

    /// Like [`get`](Self::get), for a call about which it was decided separately whether it may share a load.
    /// Reloads of stale values are shared in any case, because nobody waits for them.
    ///
    /// # Errors
    /// As [`get`](Self::get). With [`Stampede::Allowed`], dropping the future also drops its load.
    pub async fn get_under(&self, key: &K, stampede: Stampede) -> Result<Got<V>, Arc<LoadError<E>>> {
        let verdict = self.inner.shelf.look(key, Instant::now());
        if !verdict.wants_load()
            && let Some(answer) = verdict.answer()
        {
            self.inner.totals.taken(&answer);
            return answer;
        }
        interleave::point();
        match self.inner.shelf.claim(key, Instant::now(), stampede) {
            Claim::Take(answer, reload) => {
                self.inner.totals.taken(&answer);
                reload.into_iter().for_each(|takeoff| self.launch(takeoff));
                answer
            }
            Claim::Join(flight) => self.wait(key, flight, Source::Joined).await,
            Claim::Lead(takeoff, flight) => {
                self.launch(takeoff);
                self.wait(key, flight, Source::Loaded).await
            }
        }
    }

    /// The value of `key` if it is there, fresh or stale; loads nothing and counts nowhere.
    #[must_use]
    pub fn peek(&self, key: &K) -> Option<Got<V>> {
        self.inner.shelf.peek(key, Instant::now()).answer()?.ok()
    }

    /// Keeps a value that came by itself, such as from a watch stream. It is newer than whatever is being loaded:
    /// loads under way still answer their waiters, but nothing of them is kept.
    pub fn put(&self, key: K, value: V) {
        interleave::point();
        self.inner.shelf.put(key, value, Instant::now(), (self.inner.world.roll)());
    }

    /// Forgets the key. Once this has returned, no [`get`](Self::get) sees a value that was loaded before it. Tells
    /// whether there was anything to forget.
    pub fn invalidate(&self, key: &K) -> bool {
        interleave::point();
        self.inner.shelf.invalidate(key)
    }

    /// Doubts everything it holds, because something may have changed and nobody can say what: from now on each value
    /// is stale, whatever its time, and is used as stale values are. What is being loaded answers its waiters and is
    /// not kept; what is loaded from now on is as fresh as ever.
    pub fn doubt(&self) {
        self.inner.shelf.doubt();
    }

    /// Begins to load a key, unless it is fresh or being loaded. Nobody waits for it, and it counts as a load only.
    ///
    /// # Panics
    /// If there is no tokio runtime around it.
    pub fn warm(&self, key: &K) {
        match self.inner.shelf.claim(key, Instant::now(), Stampede::Prevented) {
            Claim::Take(_, Some(takeoff)) | Claim::Lead(takeoff, _) => self.launch(takeoff),
            Claim::Take(_, None) | Claim::Join(_) => {}
        }
    }

    /// The keys of at most `most` values that might still be served, in no order. Walks through the entries.
    #[must_use]
    pub fn keys(&self, most: usize) -> Vec<K> {
        self.inner.shelf.keys(most, Instant::now())
    }

    /// Forgets everything, as [`invalidate`](Self::invalidate) does one key. Tells how many entries there were,
    /// expired ones and remembered failures included.
    pub fn clear(&self) -> usize {
        interleave::point();
        self.inner.shelf.clear()
    }

    /// Says whether calls share loads from now on. [`Stampede::Prevented`] at first.
    pub fn set_stampede(&self, stampede: Stampede) {
        self.inner.stampede_allowed.store(stampede == Stampede::Allowed, Relaxed);
    }

    /// Whether calls share loads.
    #[must_use]
    pub fn stampede(&self) -> Stampede {
        if self.inner.stampede_allowed.load(Relaxed) { Stampede::Allowed } else { Stampede::Prevented }
    }

    /// What it holds and has done. Walks through all entries.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let inner = &*self.inner;
        let ages = inner.shelf.ages(Instant::now());
        inner.totals.stats(Arc::clone(&inner.name), inner.config.capacity, inner.config.ttl, &ages)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.inner.name
    }

    #[cfg(test)]
    pub(super) fn epochs(&self) -> usize {
        self.inner.shelf.epochs()
    }

    fn launch(&self, takeoff: Takeoff<K, V, E>) {
        self.inner.totals.load_started();
        let landing = Landing::of(takeoff, &self.inner);
        (self.inner.world.spawn)(Box::pin(landing.fly(Arc::clone(&self.inner.loader))));
    }

    async fn wait(&self, key: &K, flight: Flight<V, E>, source: Source) -> Result<Got<V>, Arc<LoadError<E>>> {
        self.inner.totals.waits(source);
        let got = match flight.land().await {
            Ok(value) => Got { value, stale: None, source },
            Err(error) => self.inner.shelf.stand_in(key, Instant::now()).ok_or(error)?,
        };
        self.inner.totals.told(got.source);
        Ok(got)
    }
}

impl<K, V, E> Clone for Cache<K, V, E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<K, V, E> fmt::Debug for Cache<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cache").field(&self.inner.name).finish()
    }
}

// === impl Inner ===

impl<K: Hash + Eq + Clone, V: Clone, E> Inner<K, V, E> {
    pub(super) fn settle(&self, ticket: Ticket<K>, outcome: &Outcome<V, E>) {
        if outcome.is_err() {
            self.totals.load_failed();
        }
        self.shelf.settle(ticket, outcome, Instant::now(), (self.world.roll)());
    }

    pub(super) fn abandon(&self, ticket: &Ticket<K>) {
        self.shelf.abandon(ticket);
    }
}

// === impl World ===

impl Default for World {
    fn default() -> Self {
        Self { roll: Box::new(dice::roll), spawn: Box::new(|load| drop(tokio::spawn(load))) }
    }
}
