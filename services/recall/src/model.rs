//! What an index is to answer: a comparison with every record, as plainly as can be.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    bag::hash,
    query::Query,
    record::{Change, Record},
};

/// An id and a score.
pub(crate) type Answer = Vec<(String, f64)>;

/// The records that can be found, by id.
#[derive(Debug, Default)]
pub(crate) struct Model(pub(crate) BTreeMap<Box<str>, Record>);

impl Model {
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Put(record) => drop(self.0.insert(record.id.clone(), record.clone())),
            Change::Delete(id) => drop(self.0.remove(id)),
        }
    }

    pub(crate) fn similar(&self, query: &Query<'_>) -> Answer {
        let asked: BTreeSet<&str> = query.words.iter().collect();
        self.best(query, |record| {
            let shared = record.words.iter().filter(|word| asked.contains(word)).count();
            shared as f64 / (asked.len() + record.words.len() - shared) as f64
        })
    }

    /// BM25 with k1 = 1.2 and b = 0.75.
    pub(crate) fn text(&self, query: &Query<'_>) -> Answer {
        let living: Vec<&Record> = self.0.values().filter(|record| !record.is_due(query.now)).collect();
        let count = |record: &Record, wanted: &str| f64::from(record.words.count_of(hash(wanted), wanted));
        let total: u64 = living.iter().map(|record| u64::from(record.words.total())).sum();
        let average = (total as f64 / living.len().max(1) as f64).max(1.0);
        let weight = |word: &str| {
            let holders = living.iter().filter(|record| count(record, word) > 0.0).count() as f64;
            2.2 * (1.0 + (living.len() as f64 - holders + 0.5) / (holders + 0.5)).ln()
        };
        let asked: Vec<(&str, f64)> = query.words.iter().map(|word| (word, weight(word))).collect();
        self.best(query, |record| {
            let norm = 1.2 * (0.25 + 0.75 * f64::from(record.words.total()) / average);
            let part =
                |(word, weight): &(&str, f64)| weight * count(record, word) / (count(record, word) + norm);
            asked.iter().map(part).sum()
        })
    }

    fn best(&self, query: &Query<'_>, score: impl Fn(&Record) -> f64) -> Answer {
        let living = self.0.values().filter(|record| !record.is_due(query.now));
        let mut found: Vec<(f64, &Record)> = living
            .filter(|record| query.filter.admits_record(record))
            .map(|record| (score(record), record))
            .filter(|(score, _)| *score > 0.0)
            .collect();
        found.sort_by(|(a, left), (b, right)| {
            let newer = Reverse(left.created_at).cmp(&Reverse(right.created_at));
            b.total_cmp(a).then(newer).then(left.id.cmp(&right.id))
        });
        found.truncate(query.k);
        found.into_iter().map(|(score, record)| (record.id.to_string(), score)).collect()
    }
}
