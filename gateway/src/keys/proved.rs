//! Which keys have proved to be some: by these clients are told apart before anybody is asked about a key anew.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bsm_runtime::api_key::Presented;

/// Keys at most. Only real ones are here, so that nobody can fill it up; when there are more, all prove themselves again.
const MOST: usize = 8_192;

/// Keys that were valid when they were last asked about; clones share them. It opens nothing: a key that was revoked since
/// is charged for its calls under its own name, and refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proved(Arc<Mutex<HashSet<Presented>>>);

// === impl Proved ===

impl Proved {
    /// Whether this key, with this very secret, was valid.
    pub(crate) fn has(&self, key: &Presented) -> bool {
        self.keys().contains(key)
    }

    /// A key is valid.
    pub(super) fn note(&self, key: &Presented) {
        let mut keys = self.keys();
        if keys.contains(key) {
            return;
        }
        if keys.len() >= MOST {
            keys.clear();
        }
        keys.insert(key.clone());
    }

    /// A key is not valid, or no longer.
    pub(super) fn forget(&self, key: &Presented) {
        self.keys().remove(key);
    }

    fn keys(&self) -> MutexGuard<'_, HashSet<Presented>> {
        // Never left half-changed: a panic elsewhere while it was held spoils nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
