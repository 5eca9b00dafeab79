//! The endpoints there are: read by every call, changed by whoever finds them.

use std::fmt;
use std::sync::{Arc, Weak};

use tokio::sync::watch;
use tokio::time::Instant;

use super::load::Load;

/// One place that calls can go to: its name, its service and what it has to do.
pub struct Endpoint<S> {
    name: Arc<str>,
    pub(super) service: S,
    pub(super) load: Arc<Load>,
}

/// The endpoints of an edge. Clones share them.
pub struct Endpoints<S> {
    known: Arc<watch::Sender<Known<S>>>,
}

/// The same, without keeping them: gone with the last edge that uses them.
pub struct WeakEndpoints<S> {
    known: Weak<watch::Sender<Known<S>>>,
}

/// A list that calls hold while they are made.
pub(super) type List<S> = Arc<[Arc<Endpoint<S>>]>;

/// `None` until somebody has looked.
type Known<S> = Option<List<S>>;

// === impl Endpoint ===

impl<S> Endpoint<S> {
    /// An endpoint with nothing to do. Calls clone `service`, which must not have been polled.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, service: S) -> Arc<Self> {
        Arc::new(Self { name: name.into(), service, load: Arc::new(Load::new(Instant::now())) })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl<S> fmt::Debug for Endpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("name", &self.name).field("load", &self.load).finish_non_exhaustive()
    }
}

// === impl Endpoints ===

impl<S> Default for Endpoints<S> {
    fn default() -> Self {
        Self { known: Arc::new(watch::Sender::new(None)) }
    }
}

impl<S> Endpoints<S> {
    /// Nobody has looked yet: calls wait for the first [`set`](Self::set).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These are the endpoints from now on. Calls that are out go on where they are. An empty list means that there
    /// are none: calls fail at once.
    pub fn set(&self, endpoints: Vec<Arc<Endpoint<S>>>) {
        self.known.send_replace(Some(endpoints.into()));
    }

    /// The endpoints there are now; none before anybody has looked.
    #[must_use]
    pub fn get(&self) -> Vec<Arc<Endpoint<S>>> {
        self.list().map(|list| list.to_vec()).unwrap_or_default()
    }

    /// A handle that does not keep them.
    #[must_use]
    pub fn downgrade(&self) -> WeakEndpoints<S> {
        WeakEndpoints { known: Arc::downgrade(&self.known) }
    }

    pub(super) fn list(&self) -> Known<S> {
        self.known.borrow().clone()
    }

    /// Waits until somebody has looked; `None` if nobody will. Cancel safe.
    pub(super) fn first(&self) -> impl Future<Output = Known<S>> + use<S> {
        let mut known = self.known.subscribe();
        async move { known.wait_for(Option::is_some).await.ok()?.clone() }
    }
}

impl<S> Clone for Endpoints<S> {
    fn clone(&self) -> Self {
        Self { known: Arc::clone(&self.known) }
    }
}

impl<S> fmt::Debug for Endpoints<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoints").field(&self.list()).finish()
    }
}

// === impl WeakEndpoints ===

impl<S> WeakEndpoints<S> {
    /// The endpoints, while an edge uses them.
    #[must_use]
    pub fn upgrade(&self) -> Option<Endpoints<S>> {
        Some(Endpoints { known: self.known.upgrade()? })
    }
}

impl<S> fmt::Debug for WeakEndpoints<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakEndpoints").field(&self.upgrade()).finish()
    }
}
