//! How much a word counts, by how many records have it.

use crate::{bag::Bag, query::Living, ranking::Score, record::Record, view::Part};

/// How soon repeating a word stops to count.
const K1: f64 = 1.2;

/// How much the length of a record counts, from 0 to 1.
const B: f64 = 0.75;

/// What BM25 needs to know of all records.
#[derive(Debug)]
pub(super) struct Weights {
    /// By word of the query.
    words: Vec<f64>,
    /// How long a record is on average.
    average: f64,
}

// === impl Weights ===

impl Weights {
    pub(super) fn of(words: &Bag, parts: &[(&Part, Living<'_>)], tail: &[&Record]) -> Weights {
        let records = tail.len() + parts.iter().map(|(part, living)| living.count(part)).sum::<usize>();
        let long = tail.iter().map(|record| u64::from(record.words.total())).sum::<u64>();
        let length = long + parts.iter().map(|(part, living)| living.length(part)).sum::<u64>();
        let weight = |word: crate::bag::Word<'_>| {
            let recent = tail.iter().filter(|record| record.words.count_of(word.hash, word.text) > 0).count();
            let holders = |(part, living): &(&Part, Living<'_>)| {
                part.segment.find(word).map_or(0, |place| living.holders(part, place))
            };
            weight(records, recent + parts.iter().map(holders).sum::<usize>())
        };
        let words = words.words().map(weight).collect();
        Weights { words, average: (length as f64 / records.max(1) as f64).max(1.0) }
    }

    /// By word of the query.
    pub(super) fn words(&self) -> &[f64] {
        &self.words
    }

    /// What is added to a count below the line, for a record of this length.
    pub(super) fn norm(&self, length: u32) -> f64 {
        K1 * (1.0 - B + B * f64::from(length) / self.average)
    }

    /// Of a record that has the words of the query so often; `None` if it has none of them. Added up in the order of
    /// the query's words, so that the sum is the same everywhere.
    pub(super) fn score(&self, counts: impl Iterator<Item = u8>, length: u32) -> Option<Score> {
        let norm = self.norm(length);
        let mut score = None;
        for (weight, count) in self.words.iter().zip(counts) {
            if count > 0 {
                score = Some(score.unwrap_or(0.0) + part(*weight, count, norm));
            }
        }
        score.map(Score)
    }
}

/// What a word adds.
pub(super) fn part(weight: f64, count: u8, norm: f64) -> f64 {
    weight * f64::from(count) / (f64::from(count) + norm)
}

/// Never negative: the logarithm is of one and more.
fn weight(records: usize, holders: usize) -> f64 {
    let (records, holders) = (records as f64, holders as f64);
    (K1 + 1.0) * (1.0 + (records - holders + 0.5) / (holders + 0.5)).ln()
}
