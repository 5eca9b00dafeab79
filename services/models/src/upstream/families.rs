//! A provider's model families: each has a breaker of its own, because a model may fail while its neighbours are well,
//! and limits of its own where the catalog says so.
//!
//! Callers may name any model, so the families are bounded, and those that come too late share one breaker.

use std::sync::{Arc, PoisonError, RwLock};

use bsm_runtime::guards::Guards;
use bsm_runtime::outside::{InParts, Outside};
use bsm_stack::HttpClassifier;
use tokio::time::Instant;

use super::quota::Quota;
use crate::catalog::Limits;
use crate::family::family;
use crate::pace::Pace;

#[cfg(test)]
mod tests;

/// Families of one provider that have breakers of their own, the one of the configured model included.
pub const MOST_FAMILIES: usize = 16;

/// The ways to a provider's models.
#[derive(Debug)]
pub(super) struct Families {
    server: InParts<HttpClassifier>,
    guards: Guards,
    /// By family.
    limits: Vec<(Arc<str>, Limits)>,
    ways: RwLock<Ways>,
}

/// The way to one family.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) outside: Outside,
    pub(super) pace: Arc<Pace>,
    /// How many calls may begin, beside what the provider as a whole allows.
    pub(super) quota: Option<Quota>,
}

#[derive(Debug, Default)]
struct Ways {
    /// By family, in the order in which they were asked for.
    own: Vec<(String, Arc<Way>)>,
    /// Of the families that came too late.
    others: Option<Arc<Way>>,
}

// === impl Families ===

impl Families {
    /// The family of `model` has a place from the start, and so have those with limits of their own.
    pub(super) fn new(
        server: InParts<HttpClassifier>,
        guards: Guards,
        model: &str,
        limits: Vec<(Arc<str>, Limits)>,
    ) -> Self {
        let families = Self { server, guards, limits, ways: RwLock::default() };
        families.way(model);
        let limited: Vec<Arc<str>> = families.limits.iter().map(|(family, _)| Arc::clone(family)).collect();
        limited.iter().for_each(|family| drop(families.way(family)));
        families
    }

    /// The way to a model.
    pub(super) fn way(&self, model: &str) -> Arc<Way> {
        let family = family(model);
        let known = self.ways.read().unwrap_or_else(PoisonError::into_inner).find(&family);
        known.unwrap_or_else(|| self.make(family))
    }

    /// The same if the model's family has been asked before.
    pub(super) fn known(&self, model: &str) -> Option<Arc<Way>> {
        self.ways.read().unwrap_or_else(PoisonError::into_inner).find(&family(model))
    }

    fn make(&self, family: String) -> Arc<Way> {
        let provider = &self.server.server().name;
        let mut ways = self.ways.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = ways.find(&family) {
            return way; // another caller was faster
        }
        let full = ways.own.len() >= MOST_FAMILIES;
        let name = if full { format!("{provider} others") } else { format!("{provider}/{family}") };
        let way = Arc::new(self.open(name, &family));
        match full {
            true => ways.others = Some(Arc::clone(&way)),
            false => ways.own.push((family, Arc::clone(&way))),
        }
        way
    }

    fn open(&self, name: String, family: &str) -> Way {
        let limits = self.limits.iter().find(|(limited, _)| &**limited == family).map(|(_, limits)| *limits);
        let quota = limits.and_then(|limits| limits.rate).map(|rate| Quota::new(&name, rate, &self.guards));
        let outside = match limits {
            Some(limits) => self.server.part_apart(name, limits.bulkhead),
            None => self.server.part(name),
        };
        Way { outside, pace: Arc::new(Pace::new(Instant::now())), quota }
    }
}

// === impl Ways ===

impl Ways {
    fn find(&self, family: &str) -> Option<Arc<Way>> {
        let own = self.own.iter().find(|(known, _)| known == family).map(|(_, way)| way);
        own.or(self.others.as_ref()).cloned()
    }
}
