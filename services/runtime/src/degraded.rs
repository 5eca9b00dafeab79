//! What a process does worse than it should while it serves: shown by OpsService and in the health of the mesh.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is amiss, by subject. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Degraded {
    notes: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Degraded {
    /// Says what is amiss with a subject, as a sentence that anybody may read: no paths, no addresses.
    pub fn note(&self, subject: &'static str, sentence: impl Into<String>) {
        self.lock().insert(subject, sentence.into());
    }

    /// The subject is well again.
    pub fn mend(&self, subject: &'static str) {
        self.lock().remove(subject);
    }

    /// The sentences, in the order of their subjects; none when all is well.
    pub fn notes(&self) -> Vec<String> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_one_note_until_it_is_mended() {
        let degraded = Degraded::default();
        degraded.note("b", "B is old.");
        degraded.note("a", "A is old.");
        degraded.note("b", "B is very old.");
        assert_eq!(degraded.notes(), ["A is old.", "B is very old."]);
        degraded.mend("b");
        assert_eq!(degraded.clone().notes(), ["A is old."]);
    }
}
