//! An immutable part of an index: documents in the order of their sizes, and for each word who holds it.
//!
//! ```text
//! words, most frequent first ─┬─ up to 512 frequent ones ─► columns: a bit for each document, and a row of these
//!                             │                             bits beside each document
//!                             └─ all others ──────────────► postings: who holds it, two bytes each
//! ```
//! Documents are numbered by (words, newer first, id), so that a block of 512 has documents of nearly one size and a
//! bound on the size bounds the whole block. Postings are kept by chunks of 32,768 documents, whose counters fit into
//! the first cache.

mod build;
mod bytes;
pub(crate) mod columns;
mod documents;
mod labels;
mod merge;
mod postings;

pub(crate) use build::build;
pub(crate) use columns::Columns;
pub(crate) use documents::{Documents, Meta};
pub(crate) use labels::Labels;
pub(crate) use merge::merge;
pub(crate) use postings::{Postings, Run};

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{BLOCK, bag, strings::Strings, tombstones::Mask};

/// An immutable part of an index.
#[derive(Debug)]
pub(crate) struct Segment {
    /// Tells segments of this process apart.
    pub(crate) serial: u64,
    pub(crate) documents: Documents,
    /// Those of the columns first, in the order of the columns; then those of the postings.
    pub(crate) words: Strings,
    pub(crate) columns: Columns,
    pub(crate) postings: Postings,
    pub(crate) labels: Labels,
}

/// Where the holders of a word are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the column of this number.
    Column(u32),
    /// In the list of this number.
    List(u32),
}

// === impl Segment ===

impl Segment {
    fn new(
        documents: Documents,
        words: Strings,
        columns: Columns,
        postings: Postings,
        labels: Labels,
    ) -> Segment {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Segment { serial, documents, words, columns, postings, labels }
    }

    /// How many documents it has, dead ones included.
    pub(crate) fn len(&self) -> usize {
        self.documents.len()
    }

    /// The documents that there are of a block; the last one may be short.
    pub(crate) fn existing(&self, block: usize) -> Mask {
        let count = self.len() - block * BLOCK;
        std::array::from_fn(|word| match count.saturating_sub(word * 64) {
            0 => 0,
            some @ 1..64 => (1 << some) - 1,
            _ => u64::MAX,
        })
    }

    /// Where the holders of a word are, if anyone holds it.
    pub(crate) fn find(&self, word: bag::Word<'_>) -> Option<Place> {
        self.words.get(word.hash, word.text).map(|number| self.place(number))
    }

    /// Where the holders of the word of this number are.
    pub(crate) fn place(&self, number: u32) -> Place {
        match number.checked_sub(self.columns.width() as u32) {
            None => Place::Column(number),
            Some(list) => Place::List(list),
        }
    }

    /// Calls `each` with the documents that hold a word, ascending, and how often they do.
    pub(crate) fn holders(&self, place: Place, each: impl FnMut(u32, u8)) {
        match place {
            Place::Column(column) => self.columns.each(column as usize, each),
            Place::List(list) => self.postings.each(list as usize, each),
        }
    }

    /// How many documents hold a word.
    pub(crate) fn holder_count(&self, place: Place) -> usize {
        match place {
            Place::Column(column) => self.columns.holder_count(column as usize),
            Place::List(list) => self.postings.holder_count(list as usize),
        }
    }

    /// The memory it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let texts = self.words.bytes() + self.labels.bytes();
        self.documents.bytes() + texts + self.columns.bytes() + self.postings.bytes()
    }
}
