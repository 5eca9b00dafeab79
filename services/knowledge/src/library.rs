//! The corpus in force. A request works on the one it began with; another one takes its place at once.

use std::sync::{Arc, PoisonError, RwLock};

use crate::corpus::Corpus;

/// Holds one corpus. The lock is held only for as long as it takes to copy or swap a pointer.
#[derive(Debug)]
pub struct Library {
    current: RwLock<Arc<Corpus>>,
}

impl Library {
    /// Begins with this corpus.
    pub fn new(corpus: Corpus) -> Library {
        Library { current: RwLock::new(Arc::new(corpus)) }
    }

    /// The corpus in force. It stays as it is while it is held.
    pub fn current(&self) -> Arc<Corpus> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another corpus in force and returns the last one.
    pub fn replace(&self, corpus: Corpus) -> Arc<Corpus> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut current, Arc::new(corpus))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_the_corpus_it_began_with() {
        let dir = tempfile::tempdir().unwrap();
        let library = Library::new(Corpus::load(dir.path()).unwrap());
        let begun = library.current();
        std::fs::write(dir.path().join("a.md"), "x").unwrap();
        let last = library.replace(Corpus::load(dir.path()).unwrap());
        assert!(Arc::ptr_eq(&begun, &last));
        assert_eq!((begun.len(), library.current().len()), (0, 1));
    }
}
