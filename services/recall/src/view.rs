//! What an index holds at one moment. It never changes; a change makes the next view, which shares what stays.

use std::{borrow::Cow, sync::Arc};

use crate::{
    bag,
    record::{Change, Record},
    segment::{self, Segment},
    tombstones::Tombstones,
};

/// How many records are scanned one by one beside the segments, at most, once a change is made.
pub(crate) const TAIL: usize = 256;

/// The same within one change of many records.
const LONG_TAIL: usize = 4_096;

/// What an index holds at one moment: segments, and the latest records beside them. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct View {
    pub(crate) parts: Vec<Part>,
    pub(crate) tail: Vec<Recent>,
}

/// A segment and who of it is dead.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) segment: Arc<Segment>,
    pub(crate) dead: Tombstones,
}

/// A record that is in no segment yet.
#[derive(Debug, Clone)]
pub(crate) struct Recent {
    /// Of the id.
    hash: u64,
    pub(crate) record: Arc<Record>,
}

/// How much an index holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Records that can be found, expired ones included until [`View::without_expired`].
    pub records: usize,
    /// Records that are gone and whose memory a merge gives back.
    pub dead: usize,
    /// Segments.
    pub segments: usize,
    /// Memory, in bytes.
    pub bytes: usize,
}

// === impl View ===

impl View {
    /// The view after these changes, in their order. Linear in their words, and every few hundred records a small
    /// segment is built of them.
    #[must_use]
    pub fn apply(&self, changes: impl IntoIterator<Item = Change>) -> View {
        let mut next = self.clone();
        for change in changes {
            match change {
                Change::Put(record) => next.put(record),
                Change::Delete(id) => next.remove(bag::hash(&id), &id),
            }
        }
        if next.tail.len() >= TAIL {
            next.seal();
        }
        next
    }

    /// The view without what has expired at `now`, in ms since 1970.
    #[must_use]
    pub fn without_expired(&self, now: i64) -> View {
        let mut next = self.clone();
        next.tail.retain(|recent| !recent.record.is_due(now));
        for part in &mut next.parts {
            part.dead = part.dead_at(now).into_owned();
        }
        next.parts.retain(|part| part.living() > 0);
        next
    }

    /// How much there is.
    pub fn held(&self) -> Held {
        let tail = |recent: &Recent| size_of::<Recent>() + recent.record.bytes();
        let segments = self.parts.iter().map(|part| part.segment.bytes() + part.dead.bytes()).sum::<usize>();
        Held {
            records: self.tail.len() + self.parts.iter().map(Part::living).sum::<usize>(),
            dead: self.parts.iter().map(|part| part.dead.len()).sum(),
            segments: self.parts.len(),
            bytes: segments + self.tail.iter().map(tail).sum::<usize>(),
        }
    }

    /// The latest records that have not expired.
    pub(crate) fn living_tail(&self, now: i64) -> impl Iterator<Item = &Record> {
        self.tail.iter().map(|recent| &*recent.record).filter(move |record| !record.is_due(now))
    }

    fn put(&mut self, record: Record) {
        let hash = bag::hash(&record.id);
        self.remove(hash, &record.id);
        self.tail.push(Recent { hash, record: Arc::new(record) });
        if self.tail.len() >= LONG_TAIL {
            self.seal();
        }
    }

    fn remove(&mut self, hash: u64, id: &str) {
        let is_it = |recent: &Recent| recent.hash == hash && *recent.record.id == *id;
        if let Some(place) = self.tail.iter().position(is_it) {
            self.tail.swap_remove(place);
            return;
        }
        let removed = self.parts.iter_mut().position(|part| part.remove(hash, id));
        if let Some(place) = removed.filter(|place| self.parts[*place].living() == 0) {
            self.parts.remove(place);
        }
    }

    /// Turns the tail into a segment.
    pub(crate) fn seal(&mut self) {
        let records: Vec<&Record> = self.tail.iter().map(|recent| &*recent.record).collect();
        let part = Part::new(segment::build(&records));
        self.parts.push(part);
        self.tail.clear();
    }
}

// === impl Part ===

impl Part {
    pub(crate) fn new(segment: Segment) -> Part {
        Part { segment: Arc::new(segment), dead: Tombstones::default() }
    }

    pub(crate) fn living(&self) -> usize {
        self.segment.len() - self.dead.len()
    }

    /// Takes a record out, if it lives here.
    pub(crate) fn remove(&mut self, hash: u64, id: &str) -> bool {
        self.segment.documents.find(hash, id).is_some_and(|document| self.dead.add(document))
    }

    /// The dead at `now`: what was taken out and what has expired.
    pub(crate) fn dead_at(&self, now: i64) -> Cow<'_, Tombstones> {
        let mut dead = Cow::Borrowed(&self.dead);
        for document in self.segment.documents.due(now) {
            if !dead.contains(document) {
                dead.to_mut().add(document);
            }
        }
        dead
    }
}
