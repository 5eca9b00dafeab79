//! Records → a segment.

use std::cmp::Reverse;

use super::{Columns, Documents, Labels, Meta, Postings, Segment, columns};
use crate::{record::Record, strings::Strings};

/// A segment of these records, whose ids differ.
pub(crate) fn build(records: &[&Record]) -> Segment {
    let mut records = records.to_vec();
    records.sort_unstable_by(|a, b| meta(a).rank().cmp(&meta(b).rank()));
    let documents = Documents::of(records.iter().map(|record| meta(record)));
    let lists = Lists::of(&records);
    let mut shelf = Shelf::new(records.len(), &lists.sizes);
    for number in by_frequency(&lists.sizes) {
        shelf.push(lists.words.text(number), lists.get(number));
    }
    let labelled =
        (0..).zip(&records).flat_map(|(number, record)| record.labels.iter().map(move |l| (&**l, number)));
    shelf.finish(documents, Labels::of(labelled))
}

fn meta(record: &Record) -> Meta<'_> {
    let (size, length) = (record.words.len() as u32, record.words.total());
    Meta { size, length, document: record.document(), expires_at: record.expires_at }
}

/// The numbers of the words that anyone holds, most frequent first.
pub(super) fn by_frequency(sizes: &[u32]) -> Vec<u32> {
    let mut numbers: Vec<u32> =
        (0..sizes.len() as u32).filter(|number| sizes[*number as usize] > 0).collect();
    numbers.sort_unstable_by_key(|number| (Reverse(sizes[*number as usize]), *number));
    numbers
}

/// By word: who holds it.
struct Lists {
    words: Strings,
    /// How many hold it.
    sizes: Vec<u32>,
    ends: Vec<u32>,
    holders: Vec<(u32, u8)>,
}

impl Lists {
    fn of(records: &[&Record]) -> Lists {
        let (mut words, mut sizes) = (Strings::default(), Vec::new());
        let mut numbers = Vec::with_capacity(records.iter().map(|record| record.words.len()).sum());
        for word in records.iter().flat_map(|record| record.words.words()) {
            let number = words.intern(word.hash, word.text);
            sizes.resize(words.len(), 0);
            sizes[number as usize] += 1;
            numbers.push(number);
        }
        let mut ends: Vec<u32> = Vec::with_capacity(sizes.len()); // where each begins, at first
        sizes.iter().fold(0, |start, size| {
            ends.push(start);
            start + size
        });
        let mut holders = vec![(0, 0); numbers.len()];
        let mut numbers = numbers.into_iter();
        for (document, record) in (0..).zip(records) {
            for (word, number) in record.words.words().zip(&mut numbers) {
                let end = &mut ends[number as usize];
                holders[*end as usize] = (document, word.count);
                *end += 1;
            }
        }
        Lists { words, sizes, ends, holders }
    }

    fn get(&self, number: u32) -> &[(u32, u8)] {
        let (end, size) = (self.ends[number as usize], self.sizes[number as usize]);
        &self.holders[(end - size) as usize..end as usize]
    }
}

/// The words of a segment as they are put in, most frequent first.
pub(super) struct Shelf {
    words: Strings,
    columns: Columns,
    postings: Postings,
}

impl Shelf {
    /// For words that are held by `sizes` documents each, in any order.
    pub(super) fn new(documents: usize, sizes: &[u32]) -> Shelf {
        let frequent = sizes.iter().filter(|size| columns::deserves(**size as usize, documents)).count();
        Shelf {
            words: Strings::with_capacity(sizes.iter().filter(|size| **size > 0).count()),
            columns: Columns::new(documents, frequent.min(columns::MOST)),
            postings: Postings::new(),
        }
    }

    pub(super) fn push(&mut self, word: &str, holders: &[(u32, u8)]) {
        let number = self.words.intern(crate::bag::hash(word), word);
        if (number as usize) < self.columns.width() {
            self.columns.push(holders);
        } else {
            self.postings.push(holders);
        }
    }

    pub(super) fn finish(self, documents: Documents, labels: Labels) -> Segment {
        let Shelf { mut words, mut columns, mut postings } = self;
        words.shrink();
        columns.shrink();
        postings.shrink();
        Segment::new(documents, words, columns, postings, labels)
    }
}
