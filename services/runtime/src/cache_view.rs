//! A cache as operators see it, whatever it holds.

use std::{fmt, hash::Hash};

use bsm_stack::cache::{Cache, Stampede, Stats};

/// How many keys are loaded again after a change; the others wait for somebody who asks.
const RENEWED: usize = 64;

/// What [`Guards`](crate::guards::Guards) keeps of each cache.
pub trait CacheView: fmt::Debug + Send + Sync {
    /// Its name, such as `agents`.
    fn name(&self) -> &str;
    /// What it has done and holds.
    fn stats(&self) -> Stats;
    /// Forgets everything: no later read sees a value loaded before.
    fn clear(&self);
    /// Forgets everything because something has changed, and begins to load again what was held.
    fn renew(&self);
    /// Trusts nothing it holds any more, and begins to load it again. Should that fail, there is still something to go
    /// on with, as far as the cache trusts stale values.
    fn refresh(&self);
    /// Trusts nothing it holds any more, because changes cannot be heard of.
    fn doubt(&self);
    /// Whether callers of a cold key share one load.
    fn set_stampede_protection(&self, on: bool);
}

impl<K, V, E> CacheView for Cache<K, V, E>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: Send + Sync + 'static,
{
    fn name(&self) -> &str {
        Cache::name(self)
    }

    fn stats(&self) -> Stats {
        Cache::stats(self)
    }

    fn clear(&self) {
        Cache::clear(self);
    }

    fn renew(&self) {
        let held = self.keys(RENEWED);
        Cache::clear(self);
        held.iter().for_each(|key| self.warm(key));
    }

    fn refresh(&self) {
        let held = self.keys(RENEWED);
        Cache::doubt(self);
        held.iter().for_each(|key| self.warm(key));
    }

    fn doubt(&self) {
        Cache::doubt(self);
    }

    fn set_stampede_protection(&self, on: bool) {
        self.set_stampede(if on { Stampede::Prevented } else { Stampede::Allowed });
    }
}
