//! What is kept, as operators see it: a cache for each kind, which can be cleared.

use std::fmt;
use std::sync::Arc;

use bsm_runtime::cache_view::CacheView;
use bsm_stack::cache::Stats;

use super::key::Kind;
use super::store::Store;

/// One kind of what is kept. Both kinds share one bound of bytes.
#[derive(Clone)]
pub(super) struct View {
    store: Arc<Store>,
    kind: Kind,
}

// === impl View ===

impl View {
    /// One of each kind.
    pub(super) fn all(store: &Arc<Store>) -> [View; Kind::ALL.len()] {
        Kind::ALL.map(|kind| View { store: Arc::clone(store), kind })
    }
}

impl CacheView for View {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn stats(&self) -> Stats {
        let (counts, limits) = (self.store.counts(self.kind), self.store.limits());
        let ttl = match self.kind {
            Kind::Repeat => limits.repeats,
            Kind::Exact => limits.answers,
        };
        Stats {
            name: self.kind.name().into(),
            entries: counts.entries,
            capacity: usize::MAX, // bytes are what is bounded
            ttl,
            hits: counts.hits,
            misses: counts.misses,
            failures_recalled: 0,
            loads: counts.begun,
            load_failures: counts.failed,
            coalesced: counts.joined,
            stale_served: 0,
            oldest: counts.oldest,
            newest: counts.newest,
            held_bytes: Some(counts.bytes),
            most_bytes: Some(limits.bytes),
            evicted: Some(counts.evicted),
        }
    }

    fn clear(&self) {
        self.store.clear(self.kind);
    }

    /// Nothing can be loaded ahead: only a caller knows the question.
    fn renew(&self) {
        self.clear();
    }

    fn refresh(&self) {
        self.clear();
    }

    fn doubt(&self) {
        self.clear();
    }

    /// Whoever repeats a call means the same call, so sharing it is no matter of protection.
    fn set_stampede_protection(&self, _on: bool) {}
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("kind", &self.kind).finish_non_exhaustive()
    }
}
