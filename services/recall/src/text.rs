//! The records that speak most of the words of a query: BM25, exact, over the postings that likeness uses.

mod chunk;
mod weights;

use crate::{
    Stopped,
    query::{Living, Query},
    ranking::{Best, Hit, Score},
    record::Record,
    view::{Part, View},
};
use weights::Weights;

impl View {
    /// The `k` records with the highest BM25 (k1 = 1.2, b = 0.75) for the query's words, among those that the filter
    /// admits and that have one of the words: best first, ties newer first, then by id. Fewer than `k` only when
    /// there are no more.
    ///
    /// Exact: the answer is that of scoring every record, to the last bit. Frequencies and lengths are those of the
    /// records that live at `now`, whatever the filter admits. A word counts at most 255 times within a record, and
    /// once within the query.
    ///
    /// # Errors
    /// When the query says stop.
    pub fn text(&self, query: &Query<'_>) -> Result<Vec<Hit<'_>>, Stopped> {
        let mut best = Best::new(query.k);
        if query.k == 0 || query.words.is_empty() {
            return Ok(Vec::new());
        }
        let mut parts: Vec<(&Part, Living<'_>)> =
            self.parts.iter().map(|part| (part, Living::of(part, query))).collect();
        parts.sort_by_key(|(part, _)| usize::MAX - part.segment.len()); // the largest raises the bound most
        let tail: Vec<&Record> = self.living_tail(query.now).collect();
        let weights = Weights::of(query.words, &parts, &tail);
        for (part, living) in &parts {
            chunk::search(part, living, query, &weights, &mut best)?;
        }
        for record in tail {
            let counts = query.words.words().map(|word| record.words.count_of(word.hash, word.text));
            if let Some(score) = weights.score(counts, record.words.total()) {
                best.offer(score, || record.document(), |_| query.filter.admits_record(record));
            }
        }
        Ok(best.into_hits(|Score(score)| score))
    }
}
