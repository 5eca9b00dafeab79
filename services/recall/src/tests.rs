//! Every mode against the model, in any order of changes, merges and searches.

use proptest::{collection::vec, prelude::*};

use crate::{
    Bag, Change, Filter, Hit, Index, Query, Record, Stopped,
    bag::hash,
    model::{Answer, Model},
    simd::Simd,
    view::View,
};

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<Draft>),
    Delete(u8),
    Expire(i64),
    /// The tail becomes a segment, as it does when it is long.
    Seal,
    /// A snapshot, and the index opened from it.
    Reopen,
    /// A merge, and what is changed between its beginning and its end.
    Merge(bool, Vec<Draft>, Vec<u8>),
    Search(Search),
}

#[derive(Debug, Clone)]
struct Draft {
    id: u8,
    created_at: i64,
    expires_at: Option<i64>,
    words: Vec<u16>,
    colour: u8,
}

#[derive(Debug, Clone)]
struct Search {
    words: Vec<u16>,
    k: usize,
    colour: Option<u8>,
    since: Option<i64>,
    odd: bool,
    now: i64,
}

/// Few words that are frequent, many that are rare, and now and then one of a large vocabulary.
fn words(most: usize) -> impl Strategy<Value = Vec<u16>> {
    vec(prop_oneof![4 => 0..8_u16, 3 => 0..40_u16, 1 => 0..400_u16], 0..most)
}

fn draft() -> impl Strategy<Value = Draft> {
    let expires_at = proptest::option::weighted(0.2, 0..12_i64);
    (0..60_u8, 0..4_i64, expires_at, words(14), 0..3_u8).prop_map(
        |(id, created_at, expires_at, words, colour)| Draft { id, created_at, expires_at, words, colour },
    )
}

fn search() -> impl Strategy<Value = Search> {
    let filter = (proptest::option::weighted(0.3, 0..3_u8), proptest::option::weighted(0.2, 0..4_i64));
    (words(20), 1..12_usize, filter, proptest::bool::weighted(0.2), 0..12_i64)
        .prop_map(|(words, k, (colour, since), odd, now)| Search { words, k, colour, since, odd, now })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => vec(draft(), 1..24).prop_map(Step::Put),
        2 => (0..60_u8).prop_map(Step::Delete),
        1 => (0..6_i64).prop_map(Step::Expire),
        2 => Just(Step::Seal),
        1 => Just(Step::Reopen),
        2 => (any::<bool>(), vec(draft(), 0..6), vec(0..60_u8, 0..6))
            .prop_map(|(all, puts, deletes)| Step::Merge(all, puts, deletes)),
        6 => search().prop_map(Step::Search),
    ];
    vec(step, 1..40)
}

fn sentence(words: &[u16]) -> String {
    words.iter().map(|word| format!("w{word} ")).collect()
}

fn record(draft: &Draft) -> Record {
    Record {
        key: u64::from(draft.id),
        id: format!("r{}", draft.id).into(),
        created_at: draft.created_at,
        expires_at: draft.expires_at,
        words: Bag::of(&sentence(&draft.words)),
        labels: vec![format!("colour={}", draft.colour).into()],
    }
}

fn answer(found: Result<Vec<Hit<'_>>, Stopped>) -> Answer {
    found.unwrap().into_iter().map(|hit| (hit.document.id.to_owned(), hit.score)).collect()
}

/// What both hold.
#[derive(Default)]
struct Both {
    index: Index,
    model: Model,
    now: i64,
}

impl Both {
    fn change(&mut self, changes: Vec<Change>) {
        changes.iter().for_each(|change| self.model.apply(change));
        self.index.apply(changes);
    }

    fn put(&mut self, drafts: &[Draft]) {
        self.change(drafts.iter().map(|draft| Change::Put(record(draft))).collect());
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Put(drafts) => self.put(&drafts),
            Step::Delete(id) => self.change(vec![Change::Delete(format!("r{id}").into())]),
            Step::Expire(by) => {
                self.now += by / 3;
                self.index.expire(self.now);
                self.model.0.retain(|_, record| !record.is_due(self.now));
            }
            Step::Seal => self.index = Index::new(self.index.view().sealed()),
            Step::Reopen => self.index = Index::new(reopened(&self.index.view())),
            Step::Merge(all, puts, deletes) => {
                let view = self.index.view();
                let planned = if all { view.plan_all() } else { view.plan() };
                let merged = planned.map(|merge| merge.run(&|| false).unwrap());
                self.put(&puts);
                self.change(deletes.iter().map(|id| Change::Delete(format!("r{id}").into())).collect());
                merged.into_iter().for_each(|merged| self.index.install(merged));
            }
            Step::Search(search) => self.search(&search)?,
        }
        prop_assert_eq!(self.index.view().held().records, self.model.0.len());
        Ok(())
    }

    fn search(&self, search: &Search) -> Result<(), TestCaseError> {
        let words = Bag::of(&sentence(&search.words));
        let colour = search.colour.map(|colour| format!("colour={colour}"));
        let labels: Vec<&str> = colour.iter().map(String::as_str).collect();
        let odd = |document: &crate::Document<'_>| document.key % 2 == 1;
        let test = search.odd.then_some(&odd as &dyn Fn(&crate::Document<'_>) -> bool);
        let filter = Filter { labels: &labels, since: search.since, until: None, test };
        let now = self.now.max(search.now);
        let query = Query { words: &words, k: search.k, filter, now, stop: &|| false };
        let view = self.index.view();
        for simd in Simd::all() {
            prop_assert_eq!(answer(view.similar_on(simd, &query)), self.model.similar(&query), "{:?}", simd);
        }
        prop_assert_eq!(answer(view.text(&query)), self.model.text(&query));
        Ok(())
    }
}

/// The view as it is after its segments were written down and opened again.
fn reopened(view: &View) -> View {
    let mut again = View::default();
    for snapshot in view.sealed().snapshots() {
        again.reopen(&snapshot.segment(), &snapshot.dead()).unwrap();
    }
    again
}

/// How many random histories a test run tries: `PROPTEST_CASES` for more.
fn histories() -> ProptestConfig {
    ProptestConfig { cases: ProptestConfig::default().cases.max(400), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(histories())]
    #[test]
    fn every_search_answers_as_the_model_after_any_history(steps in steps()) {
        let mut both = Both::default();
        for step in steps {
            both.step(step)?;
        }
    }
}

/// Records by a generator with a seed: some thousands, with near-duplicates, so that all paths of a search are taken.
fn many(seed: u64, count: usize, most_words: u64) -> Vec<Record> {
    let mut state = seed;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut last = Vec::new();
    let mut records = Vec::with_capacity(count);
    for number in 0..count {
        let fresh = last.is_empty() || next(5) > 0;
        let kept = if fresh { 0 } else { last.len() - last.len() / 6 };
        last.truncate(kept);
        let wanted = 5 + next(most_words) as usize;
        while last.len() < wanted {
            let reach = [12, 100, 900, 20_000][next(4) as usize];
            last.push(next(reach) as u16);
        }
        records.push(Record {
            key: number as u64,
            id: format!("r{number}").into(),
            created_at: next(50) as i64,
            expires_at: (next(20) == 0).then(|| next(100) as i64),
            words: Bag::of(&sentence(&last)),
            labels: vec![format!("rare={}", next(200)).into(), format!("half={}", next(2)).into()],
        });
    }
    records
}

fn check_many(records: &[Record], questions: &[Record], ks: &[usize]) {
    let mut both = Both::default();
    both.change(records.iter().cloned().map(Change::Put).collect());
    let merged = both.index.view().plan_all().map(|merge| merge.run(&|| false).unwrap());
    merged.into_iter().for_each(|merged| both.index.install(merged));
    both.index = Index::new(reopened(&both.index.view()));
    both.change(records.iter().step_by(9).map(|record| Change::Delete(record.id.clone())).collect());
    let view = both.index.view();
    for (place, question) in questions.iter().enumerate() {
        let labels: [&[&str]; 4] = [&[], &["rare=7"], &["half=1"], &["rare=3", "half=0"]];
        let filter =
            Filter { labels: labels[place % 4], since: (place % 3 == 1).then_some(20), ..Filter::default() };
        let (k, now) = (ks[place % ks.len()], (place % 2 * 50) as i64);
        let query = Query { words: &question.words, k, filter, now, stop: &|| false };
        for simd in Simd::all() {
            assert_eq!(answer(view.similar_on(simd, &query)), both.model.similar(&query), "{place} {simd:?}");
        }
        let few: String = question.words.iter().take(1 + place % 9).map(|word| format!("{word} ")).collect();
        for words in [&Bag::of(&few), &question.words] {
            let query = Query { words, ..query };
            assert_eq!(answer(view.text(&query)), both.model.text(&query), "{place} {few}");
        }
    }
}

#[test]
fn a_large_segment_with_columns_is_searched_exactly() {
    let records = many(1, 3_000, 90);
    check_many(&records, &many(2, 40, 90), &[1, 10, 100]);
    check_many(&records, &records[..40], &[1, 10, 1_000]);
}

#[test]
fn queries_with_more_words_than_a_byte_counts_are_exact() {
    check_many(&many(3, 800, 400), &many(4, 16, 900), &[1, 10, 100]);
}

#[test]
fn a_search_stops_when_it_is_told_to() {
    let index = Index::default();
    index.apply(many(5, 600, 20).into_iter().map(Change::Put));
    let words = Bag::of("w1 w2");
    let query = Query { words: &words, k: 3, filter: Filter::default(), now: 0, stop: &|| true };
    assert_eq!(index.view().similar(&query), Err(Stopped));
    index.apply([Change::Delete("r3".into())]);
    assert!(index.view().plan_all().unwrap().run(&|| true).is_err());
}

#[test]
fn a_view_does_not_change_when_the_index_does() {
    let index = Index::default();
    let records = many(6, 600, 20);
    index.apply(records.iter().cloned().map(Change::Put));
    let before = index.view();
    index.apply(records.iter().map(|record| Change::Delete(record.id.clone())));
    let query = |words| Query { words, k: 1, filter: Filter::default(), now: i64::MIN, stop: &|| false };
    let alike = |view: &View| answer(view.similar(&query(&records[3].words)));
    assert_eq!(alike(&before)[0].1, 1.0);
    assert_eq!(alike(&index.view()), []);
    assert_eq!((before.held().records, index.view().held().records), (600, 0));
}

#[test]
fn a_merge_gives_back_the_memory_of_the_dead() {
    let index = Index::default();
    index.apply(many(7, 3_000, 60).into_iter().map(Change::Put));
    let before = index.view().held();
    index.apply((0..2_900).map(|number| Change::Delete(format!("r{number}").into())));
    while let Some(merge) = index.view().plan() {
        index.install(merge.run(&|| false).unwrap());
    }
    let after = index.view().held();
    assert_eq!((after.records, after.dead), (100, 0));
    assert!(after.bytes * 8 < before.bytes, "{before:?} {after:?}");
    assert!(index.view().parts.iter().all(|part| part.segment.documents.find(hash("r5"), "r5").is_none()));
}
