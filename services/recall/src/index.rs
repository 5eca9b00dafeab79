//! An index that readers and one writer share, and its merges.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::{
    Stop, Stopped,
    record::Change,
    segment::{self, Segment},
    tombstones::Tombstones,
    view::{Part, TAIL, View},
};

/// How many segments of about one size become one.
const FAN_IN: usize = 4;

/// The largest segment that merges aim at, in documents.
const LARGEST: usize = 8_000_000;

/// An index of one collection. Readers take a [`View`] and never wait for writers, who make the next one beside it;
/// they wait for each other.
#[derive(Debug, Default)]
pub struct Index {
    /// Locked for the exchange of a pointer only.
    view: RwLock<Arc<View>>,
    writing: Mutex<()>,
}

/// Segments that are to become one. Long work: linear in their postings.
#[derive(Debug)]
pub struct Merge {
    parts: Vec<Part>,
}

/// A segment that takes the place of others.
#[derive(Debug)]
pub struct Merged {
    sources: Vec<Part>,
    segment: Segment,
}

// === impl Index ===

impl Index {
    /// An index that begins with what `view` holds.
    pub fn new(view: View) -> Index {
        Index { view: RwLock::new(Arc::new(view)), writing: Mutex::default() }
    }

    /// What it holds now.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes these changes at once: a view has all of them or none. Views taken after this have them.
    pub fn apply(&self, changes: impl IntoIterator<Item = Change>) {
        self.change(|view| view.apply(changes));
    }

    /// Takes out what has expired at `now`, in ms since 1970. Searches do not find it anyway; this lets merges give
    /// its memory back.
    pub fn expire(&self, now: i64) {
        self.change(|view| view.without_expired(now));
    }

    /// Puts a merged segment in the place of its sources; what was taken out of them meanwhile stays out. A merge
    /// whose sources are not all there any more changes nothing.
    pub fn install(&self, merged: Merged) {
        self.change(|view| view.install(merged));
    }

    fn change(&self, change: impl FnOnce(&View) -> View) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Arc::new(change(&self.view()));
        let before = std::mem::replace(&mut *self.view.write().unwrap_or_else(PoisonError::into_inner), next);
        drop(before); // after the lock: it may be the last of a large segment
    }
}

// === impl View: merges ===

impl View {
    /// The next merge that is worth its while, if there is one: the smallest segments of about one size when there
    /// are four of them, or one that is a quarter dead.
    pub fn plan(&self) -> Option<Merge> {
        let mut tiers: Vec<Vec<&Part>> = Vec::new();
        for part in self.parts.iter().filter(|part| part.living() < LARGEST / FAN_IN) {
            let tier = (part.living() / TAIL).max(1).ilog(FAN_IN) as usize;
            tiers.resize(tiers.len().max(tier + 1), Vec::new());
            tiers[tier].push(part);
        }
        let decayed = || self.parts.iter().find(|part| part.dead.len() * 4 > part.segment.len());
        let alike = tiers.into_iter().find(|tier| tier.len() >= FAN_IN);
        let parts = alike.or_else(|| decayed().map(|part| vec![part]))?;
        Some(Merge { parts: parts.into_iter().cloned().collect() })
    }

    /// A merge of everything into one segment, if there is more than one or anything dead in it.
    pub fn plan_all(&self) -> Option<Merge> {
        let tidy = self.parts.len() <= 1 && self.parts.iter().all(|part| part.dead.is_empty());
        (!tidy).then(|| Merge { parts: self.parts.clone() })
    }

    /// See [`Index::install`].
    #[must_use]
    pub fn install(&self, merged: Merged) -> View {
        let Merged { sources, segment } = merged;
        let mut part = Part::new(segment);
        for source in &sources {
            let Some(now) = self.parts.iter().find(|part| source.is_of(part)) else { return self.clone() };
            part.remove_dead_since(source, &now.dead);
        }
        let mut next = self.clone();
        next.parts.retain(|part| !sources.iter().any(|source| source.is_of(part)));
        next.parts.extend((part.living() > 0).then_some(part));
        next
    }
}

// === impl Part: merges ===

impl Part {
    /// Whether both are of the same segment.
    fn is_of(&self, other: &Part) -> bool {
        Arc::ptr_eq(&self.segment, &other.segment)
    }

    /// Takes out what died in a source after it was merged.
    fn remove_dead_since(&mut self, source: &Part, dead: &Tombstones) {
        let documents = &source.segment.documents;
        for document in dead.iter().filter(|document| !source.dead.contains(*document)) {
            let id = documents.get(document).id;
            self.remove(crate::bag::hash(id), id);
        }
    }
}

// === impl Merge ===

impl Merge {
    /// How many records the merged segment will have.
    pub fn records(&self) -> usize {
        self.parts.iter().map(Part::living).sum()
    }

    /// Does the work. Needs nothing but the sources, which stay in use meanwhile.
    ///
    /// # Errors
    /// When it is told to stop; nothing is lost then.
    pub fn run(self, stop: Stop<'_>) -> Result<Merged, Stopped> {
        let segment = segment::merge(&self.parts, stop)?;
        Ok(Merged { sources: self.parts, segment })
    }
}
