//! How runs end: well, badly, or because nobody reads them any more.

use std::time::Duration;

use tokio::time::Instant;

use super::{Phase, RunId, Shelf};

/// What follows when a reader leaves.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::replay) enum Left<V> {
    /// Nothing.
    Nothing,
    /// The run is to be looked at again after this time, with this number.
    Look(Duration, u64),
    /// The run is to be ended.
    End(V),
}

// === impl Shelf ===

impl<V: Clone> Shelf<V> {
    /// A reader has left. Readers of whole answers are not counted.
    #[must_use]
    pub(in crate::replay) fn leave(&mut self, id: RunId) -> Left<V> {
        let Some(entry) = self.entries.get_mut(&id) else { return Left::Nothing };
        let Phase::Running { readers, vacancies, kept } = &mut entry.phase else { return Left::Nothing };
        *readers -= 1;
        if *readers > 0 {
            return Left::Nothing;
        }
        *vacancies += 1;
        if *kept && !entry.grace.is_zero() && self.runs.get(&entry.key) == Some(&id) {
            return Left::Look(entry.grace, *vacancies);
        }
        Left::End(self.fail(id).expect("it is there"))
    }

    /// The grace of a run is over: the run, if nobody has come back to it since.
    #[must_use]
    pub(in crate::replay) fn look_again(&mut self, id: RunId, vacancy: u64) -> Option<V> {
        match self.entries.get(&id)?.phase {
            Phase::Running { readers: 0, vacancies, .. } if vacancies == vacancy => self.fail(id),
            _ => None,
        }
    }

    /// A run has brought its whole answer.
    pub(in crate::replay) fn end(&mut self, id: RunId, now: Instant) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        let Phase::Running { kept, .. } = entry.phase else { return };
        if !kept || self.runs.get(&entry.key) != Some(&id) {
            self.remove(id);
            return;
        }
        let until = now + self.limits.life(entry.key.kind());
        entry.phase = Phase::Ended { at: now, until };
        self.ended.insert((now, id));
        self.until.insert((until, id));
    }

    /// A run has failed, or is ended: nothing of it is kept.
    pub(in crate::replay) fn fail(&mut self, id: RunId) -> Option<V> {
        let entry = self.entries.get(&id)?;
        if !matches!(entry.phase, Phase::Running { .. }) {
            return None;
        }
        self.counts[entry.key.kind() as usize].failed += 1;
        Some(self.remove(id).value)
    }
}
