//! Finding the records most alike to a text, by the words they share.

use std::sync::Arc;

use crate::{
    metadata::{Filter, Metadata},
    words::WordSet,
};

mod inverted;
mod lexicon;
mod ranking;
#[cfg(test)]
pub(crate) mod tests;

pub use inverted::Inverted;

/// An index of one collection, shared by readers and one writer.
///
/// Likeness is Jaccard's: shared words divided by all words of both. An index is exact: it answers as a comparison
/// with every record would, scores included.
pub trait Likeness: Send + Sync {
    /// Adds a record, in place of the one with the same id if there is one. Searches that begin after this see it.
    fn insert(&self, entry: Entry);

    /// The `k` records most alike among those that the filter admits and that share a word with the query: best
    /// first, ties newer first, then by id. Fewer than `k` only when there are no more.
    fn search(&self, query: &Query<'_>) -> Vec<Hit>;
}

/// A record as an index sees it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Names this version of the record; what a [`Hit`] says.
    pub key: i64,
    /// Names the record within the collection.
    pub id: Arc<str>,
    /// In ms since 1970; of equal scores the newer comes first.
    pub created_at: i64,
    /// Its words.
    pub words: WordSet,
    /// What filters see.
    pub metadata: Metadata,
}

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The words to compare with.
    pub words: &'a WordSet,
    /// How many records at most.
    pub k: usize,
    /// Which records alone.
    pub filter: &'a Filter,
}

/// A record that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The version of the record.
    pub key: i64,
    /// Above 0, at most 1.
    pub score: f64,
}

/// Jaccard's likeness of two sets of `a` and `b` words that share `shared`, at least one of them not empty.
///
/// The quotient of two whole numbers below 2^26 is never rounded to that of two others unless they are the same
/// fraction, so scores compare as the fractions do.
pub(crate) fn jaccard(shared: usize, a: usize, b: usize) -> f64 {
    shared as f64 / (a + b - shared) as f64
}
