//! The records most alike by the words they share: exact, as if every record had been compared.
//!
//! ```text
//! lists of rare words ──► a counter for each document of a chunk ─┐
//!                                                                 ├─► bound of a block ──► only where it can still
//! frequent words: at most as many as the query has ───────────────┘    matter: columns are added up, bit by bit
//! ```

mod chunk;
mod few;
mod terms;
mod wide;

use crate::{
    Stopped,
    query::Query,
    ranking::{Best, Hit},
    ratio::Ratio,
    simd::Simd,
    view::{Part, View},
};

/// The most words of a query whose counts fit into a byte.
const NARROW: usize = u8::MAX as usize;

impl View {
    /// The `k` records most alike among those that the filter admits and that share a word with the query: best
    /// first, ties newer first, then by id. Fewer than `k` only when there are no more.
    ///
    /// Likeness is Jaccard's: shared words divided by all words of both. Exact: the answer is that of a comparison
    /// with every record, scores included.
    ///
    /// # Errors
    /// When the query says stop.
    pub fn similar(&self, query: &Query<'_>) -> Result<Vec<Hit<'_>>, Stopped> {
        self.similar_on(Simd::detect(), query)
    }

    pub(crate) fn similar_on(&self, simd: Simd, query: &Query<'_>) -> Result<Vec<Hit<'_>>, Stopped> {
        let mut best = Best::new(query.k);
        if query.k == 0 || query.words.is_empty() {
            return Ok(Vec::new());
        }
        let mut parts: Vec<&Part> = self.parts.iter().collect();
        parts.sort_by_key(|part| usize::MAX - part.segment.len()); // the largest raises the bound most
        for part in parts {
            if query.words.len() <= NARROW {
                chunk::search(part, query, simd, &mut best)?;
            } else {
                wide::search(part, query, simd, &mut best)?;
            }
        }
        few::search(&self.tail, query, &mut best);
        Ok(best.into_hits(Ratio::score))
    }
}

/// Whether no document of between `sizes` words can be as alike to one of `size` as `floor`.
fn is_hopeless(floor: Option<Ratio>, size: u32, sizes: (u32, u32)) -> bool {
    needed(floor, size, sizes.0) > size.min(sizes.1)
}

/// How many words a document of `other` words must share with one of `size` at least to matter.
fn needed(floor: Option<Ratio>, size: u32, other: u32) -> u32 {
    floor.map_or(1, |floor| floor.overlap(size, other).max(1))
}
