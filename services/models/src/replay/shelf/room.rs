//! What makes room: all that is held counts against one bound of bytes, and times run out.

use tokio::time::Instant;

use super::{Entry, OVERHEAD, Phase, RunId, Shelf};
use crate::replay::key::Kind;

/// What no longer has a place.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::replay) struct Relief<V> {
    /// Whole answers, to be dropped.
    pub(in crate::replay) gone: Vec<V>,
    /// Of runs that go on, which are to keep no more than their readers need.
    pub(in crate::replay) spilled: Vec<V>,
}

// === impl Shelf ===

impl<V: Clone> Shelf<V> {
    /// A run has brought so many bytes more.
    #[must_use]
    pub(in crate::replay) fn grew(&mut self, id: RunId, by: usize) -> Relief<V> {
        let largest = self.limits.largest();
        let mut relief = Relief { gone: Vec::new(), spilled: Vec::new() };
        let Some(entry) = self.entries.get_mut(&id) else { return relief };
        if matches!(entry.phase, Phase::Running { kept: true, .. }) {
            entry.bytes += by;
            self.bytes += by;
            if entry.bytes > largest {
                relief.spilled.extend(self.spill(id));
            }
        }
        while self.bytes > self.limits.bytes && self.make_room(&mut relief) {}
        relief
    }

    /// Whether something could be given up.
    fn make_room(&mut self, relief: &mut Relief<V>) -> bool {
        if let Some(&(_, first)) = self.ended.first() {
            let entry = self.remove(first);
            self.counts[entry.key.kind() as usize].evicted += 1;
            relief.gone.push(entry.value);
            return true;
        }
        let is_kept = |entry: &Entry<V>| matches!(entry.phase, Phase::Running { kept: true, .. });
        let first = self.entries.iter().find(|(_, entry)| is_kept(entry)).map(|(id, _)| *id);
        let spilled = first.and_then(|id| self.spill(id));
        let some = spilled.is_some();
        relief.spilled.extend(spilled);
        some
    }

    /// From now on a run is kept no longer than its readers need it.
    fn spill(&mut self, id: RunId) -> Option<V> {
        let entry = self.entries.get_mut(&id)?;
        let Phase::Running { kept, .. } = &mut entry.phase else { return None };
        *kept = false;
        let rest = OVERHEAD + entry.key.bytes();
        self.bytes -= entry.bytes - rest;
        entry.bytes = rest;
        self.counts[entry.key.kind() as usize].evicted += 1;
        Some(entry.value.clone())
    }

    /// Forgets whatever is kept of a kind. Runs go on for those who read them, and nobody else.
    #[must_use]
    pub(in crate::replay) fn clear(&mut self, kind: Kind) -> Relief<V> {
        self.runs.retain(|key, _| key.kind() != kind);
        let of_kind = self.entries.iter().filter(|(_, entry)| entry.key.kind() == kind);
        let ids: Vec<_> = of_kind.map(|(id, entry)| (*id, entry.phase)).collect();
        let mut relief = Relief { gone: Vec::new(), spilled: Vec::new() };
        for (id, phase) in ids {
            match phase {
                Phase::Ended { .. } => relief.gone.push(self.remove(id).value),
                Phase::Running { kept: true, .. } => relief.spilled.extend(self.spill(id)),
                Phase::Running { kept: false, .. } => {}
            }
        }
        relief
    }

    /// Forgets what is too old.
    pub(in crate::replay) fn expire(&mut self, now: Instant) {
        while let Some(&(until, id)) = self.until.first() {
            if until > now {
                return;
            }
            self.remove(id);
        }
    }

    pub(super) fn remove(&mut self, id: RunId) -> Entry<V> {
        let entry = self.entries.remove(&id).expect("only what is there is removed");
        self.bytes -= entry.bytes;
        if self.runs.get(&entry.key) == Some(&id) {
            self.runs.remove(&entry.key);
        }
        if let Phase::Ended { at, until } = entry.phase {
            self.ended.remove(&(at, id));
            self.until.remove(&(until, id));
        }
        entry
    }
}
