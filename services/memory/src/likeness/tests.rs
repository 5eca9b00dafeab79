use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// What an index must equal: every record compared with the query.
#[derive(Debug, Default)]
pub(crate) struct BruteForce {
    entries: BTreeMap<Arc<str>, Entry>,
}

impl BruteForce {
    pub(crate) fn insert(&mut self, entry: Entry) {
        self.entries.insert(Arc::clone(&entry.id), entry);
    }

    /// Ids and scores.
    pub(crate) fn search(&self, query: &Query<'_>) -> Vec<(String, f64)> {
        let wanted: BTreeSet<&str> = query.words.iter().collect();
        let admitted = self.entries.values().filter(|entry| query.filter.admits(&entry.metadata));
        let mut ranked: Vec<(f64, i64, &str)> = admitted
            .map(|entry| {
                let words: BTreeSet<&str> = entry.words.iter().collect();
                let union = wanted.union(&words).count().max(1);
                let score = wanted.intersection(&words).count() as f64 / union as f64;
                (score, entry.created_at, &*entry.id)
            })
            .filter(|(score, ..)| *score > 0.0)
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(b.2)));
        ranked.into_iter().take(query.k).map(|(score, _, id)| (id.to_owned(), score)).collect()
    }
}

pub(crate) fn metadata(value: serde_json::Value) -> Metadata {
    Metadata::read(&bsm_runtime::json::to_struct(value)).unwrap()
}

fn entry(key: i64, id: &str, created_at: i64, text: &str) -> Entry {
    let metadata = metadata(json!({"odd": key % 2 == 1}));
    Entry { key, id: id.into(), created_at, words: WordSet::of(text), metadata }
}

/// Keys and scores.
fn search(index: &dyn Likeness, text: &str, k: usize, filter: serde_json::Value) -> Vec<(i64, f64)> {
    let (words, filter) = (WordSet::of(text), Filter::new(metadata(filter)));
    let hits = index.search(&Query { words: &words, k, filter: &filter });
    hits.into_iter().map(|hit| (hit.key, hit.score)).collect()
}

#[test]
fn scores_are_shared_words_divided_by_all_words() {
    let index = Inverted::default();
    index.insert(entry(1, "a", 0, "one two three"));
    index.insert(entry(2, "b", 0, "three four"));
    index.insert(entry(3, "c", 0, "five"));
    let found = search(&index, "Two THREE three six", 9, json!({}));
    assert_eq!(found, [(1, 2.0 / 4.0), (2, 1.0 / 4.0)], "what shares nothing is not found");
    assert_eq!(search(&index, "", 9, json!({})), []);
    assert_eq!(search(&index, "five", 9, json!({})), [(3, 1.0)]);
}

#[test]
fn ties_are_newer_first_and_then_by_id() {
    let index = Inverted::default();
    for (key, id, created_at) in [(1, "b", 5), (2, "a", 5), (3, "c", 6), (4, "d", 4)] {
        index.insert(entry(key, id, created_at, "same words"));
    }
    let keys = search(&index, "same words", 3, json!({})).into_iter().map(|(key, _)| key);
    assert_eq!(keys.collect::<Vec<_>>(), [3, 2, 1]);
}

#[test]
fn a_filter_never_leaves_fewer_than_k_while_k_records_match() {
    let index = Inverted::default();
    for key in 0..100 {
        // Those that the filter admits are the least alike.
        let text = if key % 2 == 1 { "x y" } else { "x" };
        index.insert(entry(key, &format!("{key}"), 0, text));
    }
    let found = search(&index, "x", 50, json!({"odd": true}));
    assert_eq!(found.len(), 50);
    assert!(found.iter().all(|(key, score)| key % 2 == 1 && *score == 0.5));
}

#[test]
fn a_replaced_record_is_found_by_its_new_words_only() {
    let index = Inverted::default();
    index.insert(entry(1, "a", 0, "old words"));
    index.insert(entry(2, "b", 0, "words"));
    index.insert(entry(3, "a", 0, "new"));
    assert_eq!(search(&index, "old", 9, json!({})), []);
    assert_eq!(search(&index, "new words", 9, json!({})), [(3, 0.5), (2, 0.5)]);
}

#[derive(Debug, Clone)]
enum Step {
    Insert { id: u8, created_at: i64, words: Vec<u8>, colour: u8 },
    Search { words: Vec<u8>, k: usize, colour: Option<u8> },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let words = || proptest::collection::vec(0..24_u8, 0..10);
    let step = prop_oneof![
        4 => (0..20_u8, 0..4_i64, words(), 0..3_u8)
            .prop_map(|(id, created_at, words, colour)| Step::Insert { id, created_at, words, colour }),
        3 => (words(), 1..8_usize, proptest::option::of(0..3_u8))
            .prop_map(|(words, k, colour)| Step::Search { words, k, colour }),
    ];
    proptest::collection::vec(step, 1..80)
}

fn sentence(words: &[u8]) -> String {
    words.iter().map(|word| format!("w{word} ")).collect()
}

proptest! {
    #[test]
    fn the_inverted_index_equals_brute_force_in_any_order_of_steps(steps in steps()) {
        let (index, mut model, mut ids) = (Inverted::default(), BruteForce::default(), BTreeMap::new());
        for (key, step) in (0_i64..).zip(steps) {
            match step {
                Step::Insert { id, created_at, words, colour } => {
                    let (id, words) = (format!("r{id}"), WordSet::of(&sentence(&words)));
                    let metadata = metadata(json!({"colour": colour}));
                    let entry = Entry { key, id: id.as_str().into(), created_at, words, metadata };
                    index.insert(entry.clone());
                    model.insert(entry);
                    ids.insert(key, id);
                }
                Step::Search { words, k, colour } => {
                    let words = WordSet::of(&sentence(&words));
                    let filter = colour.map_or_else(|| json!({}), |colour| json!({"colour": colour}));
                    let filter = Filter::new(metadata(filter));
                    let query = Query { words: &words, k, filter: &filter };
                    let found = index.search(&query).into_iter().map(|hit| (ids[&hit.key].clone(), hit.score));
                    prop_assert_eq!(found.collect::<Vec<_>>(), model.search(&query));
                }
            }
        }
    }
}
