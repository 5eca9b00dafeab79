//! Every breaker and bulkhead of a process, so that operators can see them.

use std::sync::{Arc, PoisonError, RwLock};

use bsm_stack::{
    breaker::{self, Breaker},
    bulkhead::{self, Bulkhead},
};

/// The guards of a process, in the order they were made. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Guards {
    breakers: Arc<RwLock<Vec<Breaker>>>,
    bulkheads: Arc<RwLock<Vec<Bulkhead>>>,
}

impl Guards {
    /// Makes a breaker and lists it. The name says what it guards, e.g. `gateway->registry` or `openai`.
    pub fn breaker(&self, name: impl Into<Arc<str>>, config: breaker::Config) -> Breaker {
        let breaker = Breaker::new(name, config);
        self.breakers.write().unwrap_or_else(PoisonError::into_inner).push(breaker.clone());
        breaker
    }

    /// Makes a bulkhead and lists it.
    pub fn bulkhead(&self, name: impl Into<Arc<str>>, config: bulkhead::Config) -> Bulkhead {
        let bulkhead = Bulkhead::new(name, config);
        self.bulkheads.write().unwrap_or_else(PoisonError::into_inner).push(bulkhead.clone());
        bulkhead
    }

    /// What each breaker looks like now.
    pub fn breakers(&self) -> Vec<breaker::Snapshot> {
        let list = self.breakers.read().unwrap_or_else(PoisonError::into_inner);
        list.iter().map(Breaker::snapshot).collect()
    }

    /// What each bulkhead looks like now.
    pub fn bulkheads(&self) -> Vec<bulkhead::Snapshot> {
        let list = self.bulkheads.read().unwrap_or_else(PoisonError::into_inner);
        list.iter().map(Bulkhead::snapshot).collect()
    }
}
