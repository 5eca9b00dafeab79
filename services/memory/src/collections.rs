//! The index of each collection.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    likeness::{Inverted, Likeness},
    record::Collection,
};

/// All indexes by collection. The lock is held only to look one up or to add one.
pub struct Collections {
    indexes: RwLock<HashMap<Collection, Arc<dyn Likeness>>>,
    make: fn() -> Arc<dyn Likeness>,
}

// === impl Collections ===

impl Collections {
    /// None yet; `make` makes an empty index for a collection that begins.
    pub fn new(make: fn() -> Arc<dyn Likeness>) -> Collections {
        Collections { indexes: RwLock::default(), make }
    }

    /// The index of a collection, if anything was ever stored in it.
    pub fn get(&self, collection: &Collection) -> Option<Arc<dyn Likeness>> {
        self.indexes.read().unwrap_or_else(PoisonError::into_inner).get(collection).cloned()
    }

    /// The index of a collection that is about to be written to.
    pub fn begin(&self, collection: &Collection) -> Arc<dyn Likeness> {
        if let Some(index) = self.get(collection) {
            return index;
        }
        let mut indexes = self.indexes.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(indexes.entry(collection.clone()).or_insert_with(self.make))
    }
}

impl Default for Collections {
    fn default() -> Self {
        Collections::new(|| Arc::new(Inverted::default()))
    }
}

impl fmt::Debug for Collections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collections").finish_non_exhaustive()
    }
}
