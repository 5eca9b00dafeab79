//! What is indexed of a record.

use crate::{bag::Bag, ranking::Document};

/// A record as the index sees it.
#[derive(Debug, Clone)]
pub struct Record {
    /// What the caller names this version of the record; hits give it back.
    pub key: u64,
    /// Names the record within the collection: a record takes the place of the one with the same id.
    pub id: Box<str>,
    /// In ms since 1970; of equal scores the newer comes first.
    pub created_at: i64,
    /// From when on it is not found any more, in ms since 1970.
    pub expires_at: Option<i64>,
    /// The words it is found by.
    pub words: Bag,
    /// What filters can ask for, for instance `repository=bsm`.
    pub labels: Vec<Box<str>>,
}

/// A change to an index.
#[derive(Debug, Clone)]
pub enum Change {
    /// Adds a record, in place of the one with the same id if there is one.
    Put(Record),
    /// Takes out the record with this id, if there is one.
    Delete(Box<str>),
}

// === impl Record ===

impl Record {
    pub(crate) fn document(&self) -> Document<'_> {
        Document { key: self.key, id: &self.id, created_at: self.created_at }
    }

    /// The memory it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let labels = self.labels.iter().map(|label| size_of::<Box<str>>() + label.len()).sum::<usize>();
        size_of::<Record>() + self.id.len() + labels + self.words.bytes()
    }

    /// Whether it has expired at `now`, in ms since 1970.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}
