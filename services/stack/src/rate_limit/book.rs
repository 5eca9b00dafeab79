//! The state of many keys in bounded memory.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::gcra::{Gcra, PaidOff};
use super::{Config, Key, Refused, Remaining};

/// Looking for idle keys is a walk over all of them; a full book does it no oftener than this.
const WALK: Duration = Duration::from_secs(1);

/// Below this many keys nobody looks for idle ones.
const FEW: usize = 1024;

/// Which key has used how much.
#[derive(Debug)]
pub(super) struct Book {
    gcra: Gcra,
    max_keys: usize,
    keys: HashMap<Key, PaidOff>,
    newcomers: Option<PaidOff>, // what those share who come when the book is full
    walk_at: usize,
    walked: Option<Instant>,
}

// === impl Book ===

impl Book {
    pub(super) fn new(config: Config) -> Self {
        let max_keys = config.max_keys.max(1);
        let gcra = Gcra::new(config.quota);
        Self {
            gcra,
            max_keys,
            keys: HashMap::new(),
            newcomers: None,
            walk_at: FEW.min(max_keys),
            walked: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) const fn max_keys(&self) -> usize {
        self.max_keys
    }

    /// Decides about one call of `key`, and writes it down.
    pub(super) fn decide(&mut self, key: &Key, now: Instant) -> Result<Remaining, Refused> {
        if let Some(state) = self.keys.get_mut(key) {
            let (remaining, after) = self.gcra.decide(Some(*state), now)?;
            *state = after;
            return Ok(remaining);
        }
        if self.keys.len() >= self.walk_at {
            self.forget_the_idle(now);
        }
        if self.keys.len() >= self.max_keys {
            let (remaining, after) = self.gcra.decide(self.newcomers, now)?;
            self.newcomers = Some(after);
            return Ok(remaining);
        }
        let (remaining, after) = self.gcra.decide(None, now)?;
        self.keys.insert(key.clone(), after);
        Ok(remaining)
    }

    /// Whether one call of `key` would be allowed.
    pub(super) fn check(&self, key: &Key, now: Instant) -> Result<(), Refused> {
        let full = self.keys.len() >= self.max_keys;
        let state = self.keys.get(key).copied().or(if full { self.newcomers } else { None });
        self.gcra.decide(state, now).map(drop)
    }

    /// Walks over all keys when their number has doubled since the last walk, so that it costs each newcomer no more
    /// than a few steps; and over a full book once in a while.
    fn forget_the_idle(&mut self, now: Instant) {
        let full = self.keys.len() >= self.max_keys;
        if full && self.walked.is_some_and(|at| now.saturating_duration_since(at) < WALK) {
            return;
        }
        self.keys.retain(|_, state| !state.is_idle(now));
        self.walk_at = (self.keys.len() * 2).max(FEW).min(self.max_keys);
        self.walked = Some(now);
    }
}
