//! Searches beside a comparison with every record.
//!
//! `cargo bench -p bsm-recall --bench recall`

mod corpus;

use std::{collections::HashSet, hint::black_box};

use bsm_recall::{Bag, Change, Filter, Index, Query, Record};
use corpus::Corpus;
use criterion::{Criterion, criterion_group, criterion_main};

fn similar(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("similar");
    for count in [10_000_usize, 100_000] {
        let mut corpus = Corpus::new(20_260_101);
        let (index, mut sets) = (Index::default(), Vec::new());
        for number in 0..count as u64 {
            let words = corpus.next();
            let words_of = Bag::of(&corpus.text(&words));
            index.apply([Change::Put(Record {
                key: number,
                id: number.to_string().into(),
                created_at: number as i64,
                expires_at: None,
                words: words_of,
                labels: Vec::new(),
            })]);
            sets.push(words.into_iter().collect::<HashSet<u32>>());
        }
        if let Some(merge) = index.view().plan_all() {
            index.install(merge.run(&|| false).expect("nobody stops it"));
        }
        let edited = |corpus: &mut Corpus, set: &HashSet<u32>| {
            corpus.edited(&set.iter().copied().collect::<Vec<_>>(), 0.2)
        };
        let mut questions: Vec<Vec<u32>> = (0..25).map(|_| corpus.snippet()).collect();
        for _ in 0..25 {
            let set = &sets[corpus.below(count)];
            questions.push(edited(&mut corpus, set));
        }
        let bags: Vec<Bag> = questions.iter().map(|words| Bag::of(&corpus.text(words))).collect();
        let view = index.view();
        let mut turn = bags.iter().cycle();
        group.bench_function(format!("index of {count}"), |bencher| {
            bencher.iter(|| {
                let words = turn.next().expect("it goes round");
                let query = Query { words, k: 10, filter: Filter::default(), now: 0, stop: &|| false };
                black_box(view.similar(&query).map(|hits| hits.len()))
            });
        });
        let mut turn = questions.iter().cycle();
        group.sample_size(10).bench_function(format!("comparison with {count}"), |bencher| {
            bencher.iter(|| {
                let words = turn.next().expect("it goes round");
                let shared = |set: &HashSet<u32>| words.iter().filter(|word| set.contains(word)).count();
                black_box(sets.iter().map(shared).max())
            });
        });
    }
}

criterion_group!(benches, similar);
criterion_main!(benches);
