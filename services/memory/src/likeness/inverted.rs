//! An index from each word to the records that hold it: a search looks only at records that share a word with it.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    Entry, Hit, Likeness, Query, jaccard,
    lexicon::{Lexicon, Term},
    ranking::{Best, Candidate},
};
use crate::metadata::Metadata;

/// Where a record is kept. Given out again after the record was replaced.
type Slot = u32;

/// An exact index in memory.
///
/// Costs: a search is linear in the postings of its words, an insert in the words of the record. An insert holds the
/// lock for the latter, some tens of µs; that is how long a search may have to wait for a writer.
#[derive(Debug, Default)]
pub struct Inverted {
    postings: RwLock<Postings>,
}

#[derive(Debug, Default)]
struct Postings {
    lexicon: Lexicon,
    /// By term: the slots of the records that hold it, ascending.
    holders: Vec<Vec<Slot>>,
    records: Vec<Option<Indexed>>,
    free: Vec<Slot>,
    by_id: HashMap<Arc<str>, Slot>,
}

#[derive(Debug)]
struct Indexed {
    key: i64,
    id: Arc<str>,
    created_at: i64,
    terms: Box<[Term]>,
    metadata: Metadata,
}

// === impl Inverted ===

impl Likeness for Inverted {
    fn insert(&self, entry: Entry) {
        let mut postings = self.postings.write().unwrap_or_else(PoisonError::into_inner);
        postings.take_out(&entry.id);
        postings.insert(entry);
    }

    fn search(&self, query: &Query<'_>) -> Vec<Hit> {
        self.postings.read().unwrap_or_else(PoisonError::into_inner).search(query)
    }
}

// === impl Postings ===

impl Postings {
    fn insert(&mut self, entry: Entry) {
        let slot = self.vacant();
        let terms: Box<[Term]> = entry.words.iter().map(|word| self.lexicon.intern(word)).collect();
        self.holders.resize_with(self.lexicon.bound(), Vec::new);
        for term in &terms {
            let holders = &mut self.holders[*term as usize];
            let place = holders.partition_point(|other| *other < slot); // the end, unless the slot is used again
            holders.insert(place, slot);
        }
        let Entry { key, id, created_at, metadata, .. } = entry;
        self.by_id.insert(Arc::clone(&id), slot);
        self.records[slot as usize] = Some(Indexed { key, id, created_at, terms, metadata });
    }

    fn vacant(&mut self) -> Slot {
        self.free.pop().unwrap_or_else(|| {
            self.records.push(None);
            Slot::try_from(self.records.len() - 1).expect("fewer than 2^32 records fit in memory")
        })
    }

    /// Makes room for the next version of a record.
    fn take_out(&mut self, id: &str) {
        let Some(slot) = self.by_id.remove(id) else { return };
        let record = self.records[slot as usize].take().expect("an id leads to a record");
        for term in record.terms {
            let holders = &mut self.holders[term as usize];
            if let Ok(place) = holders.binary_search(&slot) {
                holders.remove(place);
            }
            if holders.is_empty() {
                *holders = Vec::new(); // gives its memory back
                self.lexicon.release(term);
            }
        }
        self.free.push(slot);
    }

    fn search(&self, query: &Query<'_>) -> Vec<Hit> {
        let (touched, shared) = self.overlaps(query);
        let mut best = Best::new(query.k);
        for slot in touched {
            let record = self.records[slot as usize].as_ref().expect("postings lead to records");
            let score = jaccard(shared[slot as usize] as usize, query.words.len(), record.terms.len());
            let Indexed { key, created_at, .. } = *record;
            let candidate = Candidate { score, created_at, id: &record.id, key };
            best.offer(candidate, || query.filter.admits(&record.metadata));
        }
        best.into_sorted().into_iter().map(|c| Hit { key: c.key, score: c.score }).collect()
    }

    /// The records that share a word with the query, and for each slot how many.
    fn overlaps(&self, query: &Query<'_>) -> (Vec<Slot>, Vec<u32>) {
        let mut shared = vec![0_u32; self.records.len()];
        let mut touched = Vec::new();
        for term in query.words.iter().filter_map(|word| self.lexicon.get(word)) {
            for slot in &self.holders[term as usize] {
                let count = &mut shared[*slot as usize];
                if *count == 0 {
                    touched.push(*slot);
                }
                *count += 1;
            }
        }
        (touched, shared)
    }
}
