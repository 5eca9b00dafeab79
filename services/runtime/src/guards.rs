//! Every breaker, bulkhead, limit, retry budget and cache of a role, and its flags, so that operators can see and change them.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
};

use bsm_stack::{
    breaker::{self, Breaker, Transition},
    bulkhead::{self, Bulkhead},
    concurrency::{self, Limiter},
    rate_limit::{self, RateLimiter},
    retry::{self, Budget, BudgetConfig},
};
use tokio::sync::{Notify, broadcast::Receiver};

use crate::{
    cache_view::CacheView,
    flags::{self, Flag, Flags, Percent},
    outside::egress::{Egress, Rules},
};

/// The guards of a role, in the order they were made. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    flags: Flags,
    egress: Egress,
    breakers: List<Breaker>,
    bulkheads: List<Bulkhead>,
    limiters: List<Limiter>,
    rate_limiters: List<RateLimiter>,
    budgets: List<Budget>,
    caches: List<Arc<dyn CacheView>>,
    /// Changes of breakers that nobody listens to yet.
    unheard: Mutex<Vec<Receiver<Transition>>>,
    made: Notify,
}

#[derive(Debug)]
struct List<T>(RwLock<Vec<T>>);

// === impl List ===

impl<T> Default for List<T> {
    fn default() -> List<T> {
        List(RwLock::default())
    }
}

impl<T> List<T> {
    fn push(&self, item: T) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(item);
    }

    fn retain(&self, stays: impl FnMut(&T) -> bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).retain(stays);
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Guards ===

impl Guards {
    /// No guards yet, to be switched by these flags.
    pub fn new(flags: Flags) -> Guards {
        Guards::ruled(flags, Rules::default())
    }

    /// The same, and whom requests may leave the mesh for.
    pub fn ruled(flags: Flags, egress: Rules) -> Guards {
        let egress = Egress::new(egress);
        Guards { shared: Arc::new(Shared { flags, egress, ..Shared::default() }) }
    }

    /// Whom requests may leave the mesh for, and how many were kept in.
    pub fn egress(&self) -> &Egress {
        &self.shared.egress
    }

    /// Which calls run under which of them.
    pub fn flags(&self) -> &Flags {
        &self.shared.flags
    }

    /// Changes a flag and whatever it switches by itself; returns what it was. Blocks on the disk.
    ///
    /// # Errors
    /// When it cannot be written; then nothing has changed.
    pub fn set_flag(&self, flag: Flag, percent: Percent) -> Result<Percent, flags::Error> {
        let old = self.shared.flags.set(flag, percent)?;
        self.shared.caches.read().iter().for_each(|cache| self.switch(&**cache));
        Ok(old)
    }

    /// Makes a breaker and lists it. The name says what it guards, e.g. `gateway->registry` or `openai`.
    pub fn breaker(&self, name: impl Into<Arc<str>>, config: breaker::Config) -> Breaker {
        let breaker = Breaker::new(name, config);
        let changes = breaker.subscribe(); // before anybody can use it, so that no change is missed
        self.shared.unheard.lock().unwrap_or_else(PoisonError::into_inner).push(changes);
        self.shared.made.notify_one();
        self.shared.breakers.push(breaker.clone());
        breaker
    }

    /// Makes a bulkhead and lists it.
    pub fn bulkhead(&self, name: impl Into<Arc<str>>, config: bulkhead::Config) -> Bulkhead {
        let bulkhead = Bulkhead::new(name, config);
        self.shared.bulkheads.push(bulkhead.clone());
        bulkhead
    }

    /// Makes an adaptive limit and lists it.
    pub fn limiter(&self, name: impl Into<Arc<str>>, config: concurrency::Config) -> Limiter {
        let limiter = Limiter::new(name, config);
        self.shared.limiters.push(limiter.clone());
        limiter
    }

    /// Makes a rate limit and lists it.
    pub fn rate_limiter(&self, name: impl Into<Arc<str>>, config: rate_limit::Config) -> RateLimiter {
        let limiter = RateLimiter::new(name, config);
        self.shared.rate_limiters.push(limiter.clone());
        limiter
    }

    /// Makes a retry budget and lists it.
    pub fn retry_budget(&self, name: impl Into<Arc<str>>, config: BudgetConfig) -> Budget {
        let budget = Budget::new(name, config);
        self.shared.budgets.push(budget.clone());
        budget
    }

    /// Takes the breakers and bulkheads of that name off the lists: what they guarded is gone. Calls that are out go
    /// on under them.
    pub(crate) fn unlist(&self, name: &str) {
        self.shared.breakers.retain(|breaker| &*breaker.snapshot().name != name);
        self.shared.bulkheads.retain(|bulkhead| &*bulkhead.snapshot().name != name);
    }

    /// Takes everything off the lists whose name says that it is gone: breakers, bulkheads, limits and retry budgets.
    /// Calls that are out go on under them.
    pub fn unlist_all(&self, gone: impl Fn(&str) -> bool) {
        self.shared.breakers.retain(|breaker| !gone(&breaker.snapshot().name));
        self.shared.bulkheads.retain(|bulkhead| !gone(&bulkhead.snapshot().name));
        self.shared.rate_limiters.retain(|limiter| !gone(&limiter.snapshot().name));
        self.shared.budgets.retain(|budget| !gone(&budget.snapshot().name));
    }

    /// Lists a cache. Those called `agents`, `knowledge` and `registry` are shown by `/api/cache/stats`.
    pub fn cache<C: CacheView + Clone + 'static>(&self, cache: C) -> C {
        self.switch(&cache);
        self.shared.caches.push(Arc::new(cache.clone()));
        cache
    }

    /// What each breaker looks like now.
    pub fn breakers(&self) -> Vec<breaker::Snapshot> {
        self.shared.breakers.read().iter().map(Breaker::snapshot).collect()
    }

    /// The breakers of that name.
    pub fn breakers_named(&self, name: &str) -> Vec<Breaker> {
        let breakers = self.shared.breakers.read();
        breakers.iter().filter(|breaker| &*breaker.snapshot().name == name).cloned().collect()
    }

    /// What each bulkhead looks like now.
    pub fn bulkheads(&self) -> Vec<bulkhead::Snapshot> {
        self.shared.bulkheads.read().iter().map(Bulkhead::snapshot).collect()
    }

    /// What each adaptive limit looks like now.
    pub fn limiters(&self) -> Vec<concurrency::Snapshot> {
        self.shared.limiters.read().iter().map(Limiter::snapshot).collect()
    }

    /// What each rate limit looks like now.
    pub fn rate_limiters(&self) -> Vec<rate_limit::Snapshot> {
        self.shared.rate_limiters.read().iter().map(RateLimiter::snapshot).collect()
    }

    /// What each retry budget looks like now.
    pub fn retry_budgets(&self) -> Vec<retry::Snapshot> {
        self.shared.budgets.read().iter().map(Budget::snapshot).collect()
    }

    /// The caches.
    pub fn caches(&self) -> Vec<Arc<dyn CacheView>> {
        self.shared.caches.read().clone()
    }

    /// The changes of breakers made since this was last asked; waits until there is one. Cancel safe.
    pub(crate) async fn unheard(&self) -> Vec<Receiver<Transition>> {
        loop {
            let new = mem::take(&mut *self.shared.unheard.lock().unwrap_or_else(PoisonError::into_inner));
            if !new.is_empty() {
                return new;
            }
            self.shared.made.notified().await;
        }
    }

    /// A load is shared by many calls, so there is no share of calls here: on unless no call is to have it.
    fn switch(&self, cache: &dyn CacheView) {
        cache.set_stampede_protection(self.shared.flags.get(Flag::CacheStampedeProtection) > Percent::NONE);
    }
}
