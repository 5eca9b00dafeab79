//! A provider's model families: each has a breaker of its own, because a model may fail while its neighbours are well.
//!
//! Callers may name any model, so the families are bounded, and those that come too late share one breaker.

use std::sync::{Arc, PoisonError, RwLock};

use bsm_runtime::outside::{InParts, Outside};
use bsm_stack::HttpClassifier;

use crate::family::family;

#[cfg(test)]
mod tests;

/// Families of one provider that have breakers of their own, the one of the configured model included.
pub const MOST_FAMILIES: usize = 16;

/// The ways to a provider's models.
#[derive(Debug)]
pub(super) struct Families {
    server: InParts<HttpClassifier>,
    ways: RwLock<Ways>,
}

#[derive(Debug, Default)]
struct Ways {
    /// By family, in the order in which they were asked for.
    own: Vec<(String, Arc<Outside>)>,
    /// Of the families that came too late.
    others: Option<Arc<Outside>>,
}

// === impl Families ===

impl Families {
    /// The family of `model` has a place from the start.
    pub(super) fn new(server: InParts<HttpClassifier>, model: &str) -> Self {
        let families = Self { server, ways: RwLock::default() };
        families.way(model);
        families
    }

    /// The way to a model.
    pub(super) fn way(&self, model: &str) -> Arc<Outside> {
        let family = family(model);
        let known = self.ways.read().unwrap_or_else(PoisonError::into_inner).find(&family);
        known.unwrap_or_else(|| self.make(family))
    }

    /// The same if the model's family has been asked before.
    pub(super) fn known(&self, model: &str) -> Option<Arc<Outside>> {
        self.ways.read().unwrap_or_else(PoisonError::into_inner).find(&family(model))
    }

    fn make(&self, family: String) -> Arc<Outside> {
        let provider = &self.server.server().name;
        let mut ways = self.ways.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = ways.find(&family) {
            return way; // another caller was faster
        }
        let full = ways.own.len() >= MOST_FAMILIES;
        let breaker = if full { format!("{provider} others") } else { format!("{provider}/{family}") };
        let way = Arc::new(self.server.part(breaker));
        match full {
            true => ways.others = Some(Arc::clone(&way)),
            false => ways.own.push((family, Arc::clone(&way))),
        }
        way
    }
}

// === impl Ways ===

impl Ways {
    fn find(&self, family: &str) -> Option<Arc<Outside>> {
        let own = self.own.iter().find(|(known, _)| known == family).map(|(_, way)| way);
        own.or(self.others.as_ref()).cloned()
    }
}
