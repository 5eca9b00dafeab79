//! The figures of the index at one size, beside a comparison with every record in the same run.
//!
//! `cargo bench -p bsm-recall --bench figures -- 10000 100000`
//!
//! A query's time is the least of five, so that p50 and p99 are over queries, not over what else the machine did.

mod corpus;

use std::{hint::black_box, time::Instant};

use bsm_recall::{Bag, Change, Filter, Index, Query, Record};
use corpus::Corpus;

const QUERIES: usize = 200;

fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10_000] } else { sizes };
    sizes.into_iter().for_each(figures);
}

fn figures(count: usize) {
    let mut corpus = Corpus::new(20_260_101);
    let (index, mut sets) = (Index::default(), Vec::with_capacity(count));
    let mut ingest = 0.0;
    let mut questions = Vec::with_capacity(QUERIES);
    while sets.len() < count {
        let batch: Vec<Vec<u32>> = (0..4_096.min(count - sets.len())).map(|_| corpus.next()).collect();
        if questions.len() < QUERIES / 2 {
            questions.push(corpus.snippet());
        }
        let texts: Vec<String> = batch.iter().map(|words| corpus.text(words)).collect();
        let begin = Instant::now();
        let number = sets.len() as u64;
        index.apply((number..).zip(&texts).map(|(number, text)| Change::Put(record(number, text))));
        while let Some(merge) = index.view().plan() {
            index.install(merge.run(&|| false).expect("nobody stops it"));
        }
        ingest += begin.elapsed().as_secs_f64();
        sets.extend(batch.into_iter().map(|mut words| {
            words.sort_unstable();
            words
        }));
    }
    let unmerged = index.view().held();
    let begin = Instant::now();
    if let Some(merge) = index.view().plan_all() {
        index.install(merge.run(&|| false).expect("nobody stops it"));
    }
    let merging = begin.elapsed().as_secs_f64();
    while questions.len() < QUERIES / 2 {
        questions.push(corpus.snippet());
    }
    while questions.len() < QUERIES {
        let place = corpus.below(count);
        questions.push(corpus.edited(&sets[place], 0.2));
    }
    let held = index.view().held();
    println!("== {count} records, {} segments then one", unmerged.segments);
    println!("ingest of text with merges   {:>10.0} records/s", count as f64 / ingest);
    println!("merge of all into one        {merging:>10.2} s");
    println!("memory                       {:>10.0} B/record", held.bytes as f64 / count as f64);

    let view = index.view();
    let bags: Vec<Bag> = questions.iter().map(|words| Bag::of(&corpus.text(words))).collect();
    let similar = measure(5, &bags, |bag| drop(black_box(view.similar(&ask(bag)))));
    report("similar, top 10", &similar);
    let few: Vec<Bag> = questions.iter().map(|words| Bag::of(&corpus.text(&words[..8]))).collect();
    let text = measure(5, &few, |bag| drop(black_box(view.text(&ask(bag)))));
    report("text of 8 words, top 10", &text);
    let brute = measure(1, &questions[..QUERIES / 10], |words| drop(black_box(compare(&sets, words))));
    report("comparison with all", &brute);
    println!("   {:.0} times", percentile(&brute, 50) / percentile(&similar, 50));
}

fn ask(words: &Bag) -> Query<'_> {
    Query { words, k: 10, filter: Filter::default(), now: 0, stop: &|| false }
}

fn record(number: u64, text: &str) -> Record {
    Record {
        key: number,
        id: format!("review-{number:012}").into(),
        created_at: number as i64,
        expires_at: None,
        words: Bag::of(text),
        labels: Vec::new(),
    }
}

/// The ten best ratios, by merging sorted lists.
fn compare(sets: &[Vec<u32>], query: &[u32]) -> Vec<f64> {
    let mut query = query.to_vec();
    query.sort_unstable();
    let mut best = vec![0.0; 10];
    for set in sets {
        let (mut i, mut j, mut shared) = (0, 0, 0);
        while i < query.len() && j < set.len() {
            let (a, b) = (query[i], set[j]);
            shared += usize::from(a == b);
            i += usize::from(a <= b);
            j += usize::from(b <= a);
        }
        let score = shared as f64 / (query.len() + set.len() - shared) as f64;
        if score > best[9] {
            best[9] = score;
            best.sort_by(|a: &f64, b| b.total_cmp(a));
        }
    }
    best
}

/// The time of each question in µs, ascending.
fn measure<Q>(times: usize, questions: &[Q], ask: impl Fn(&Q)) -> Vec<f64> {
    let mut best = vec![f64::MAX; questions.len()];
    for _ in 0..times {
        for (question, best) in questions.iter().zip(&mut best) {
            let begin = Instant::now();
            ask(question);
            *best = best.min(begin.elapsed().as_secs_f64() * 1e6);
        }
    }
    best.sort_by(f64::total_cmp);
    best
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn report(what: &str, sorted: &[f64]) {
    println!("{what:<28} p50 {:>9.1} µs, p99 {:>9.1} µs", percentile(sorted, 50), percentile(sorted, 99));
}
