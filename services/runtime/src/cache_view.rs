//! A cache as operators see it, whatever it holds.

use std::{fmt, hash::Hash};

use bsm_stack::cache::{Cache, Stampede, Stats};

/// What [`Guards`](crate::guards::Guards) keeps of each cache.
pub trait CacheView: fmt::Debug + Send + Sync {
    /// Its name, such as `agents`.
    fn name(&self) -> &str;
    /// What it has done and holds.
    fn stats(&self) -> Stats;
    /// Forgets everything: no later read sees a value loaded before.
    fn clear(&self);
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

    fn set_stampede_protection(&self, on: bool) {
        self.set_stampede(if on { Stampede::Prevented } else { Stampede::Allowed });
    }
}
