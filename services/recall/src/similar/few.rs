//! Records that are in no segment yet, compared one by one.

use super::{is_hopeless, needed};
use crate::{bag::Bag, query::Query, ranking::Best, ratio::Ratio, view::Recent};

/// Offers the latest records to the best so far.
pub(super) fn search<'v>(tail: &'v [Recent], query: &Query<'_>, best: &mut Best<'v, Ratio>) {
    if tail.is_empty() {
        return;
    }
    let size = query.words.len() as u32;
    let sieve = Sieve::of(query.words);
    for record in tail.iter().map(|recent| &*recent.record) {
        let other = record.words.len() as u32;
        let floor = best.floor();
        if is_hopeless(floor, size, (other, other))
            || sieve.at_most(&record.words) < needed(floor, size, other)
            || record.is_due(query.now)
        {
            continue;
        }
        let shared = shared(query.words, &record.words);
        if shared > 0 {
            best.offer(
                Ratio::of(shared, size, other),
                || record.document(),
                |_| query.filter.admits_record(record),
            );
        }
    }
}

/// How many words both have.
fn shared(a: &Bag, b: &Bag) -> u32 {
    b.words().filter(|word| a.count_of(word.hash, word.text) > 0).count() as u32
}

/// A bit for each word, by its hash. What is not in it is not in the words; the reverse holds mostly.
struct Sieve([u64; 64]);

impl Sieve {
    fn of(words: &Bag) -> Sieve {
        let mut bits = [0; 64];
        words.words().for_each(|word| bits[word.hash as usize >> 6 & 63] |= 1 << (word.hash & 63));
        Sieve(bits)
    }

    /// How many of these words can be in, at most.
    fn at_most(&self, words: &Bag) -> u32 {
        words.words().map(|word| (self.0[word.hash as usize >> 6 & 63] >> (word.hash & 63) & 1) as u32).sum()
    }
}
