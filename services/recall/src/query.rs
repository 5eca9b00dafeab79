//! What is looked for, and what may be found.

use std::{borrow::Cow, fmt};

use crate::{
    Stop,
    bag::Bag,
    ranking::Document,
    record::Record,
    segment::Place,
    tombstones::{Mask, Tombstones},
    view::Part,
};

/// What to look for.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The words to compare with.
    pub words: &'a Bag,
    /// How many records at most. Answers in the order of 1,000 cost little more than those of ten.
    pub k: usize,
    /// Which records alone.
    pub filter: Filter<'a>,
    /// What has expired now is not found; in ms since 1970.
    pub now: i64,
    /// Asked about every 50 µs.
    pub stop: Stop<'a>,
}

/// Admits the records that fulfil all of its parts. It is asked within the search, so that `k` records are found as
/// long as it admits so many.
#[derive(Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Labels that a record must bear, all of them. Cheap: what does not bear them is not looked at.
    pub labels: &'a [&'a str],
    /// The earliest creation, in ms since 1970.
    pub since: Option<i64>,
    /// The first creation that is too late, in ms since 1970.
    pub until: Option<i64>,
    /// Asked of each record that would be among the best so far, so it must be quick.
    pub test: Option<&'a dyn Fn(&Document<'_>) -> bool>,
}

/// Which documents of a segment may be found at all, by bits.
#[derive(Debug)]
pub(crate) struct Living<'a> {
    dead: Cow<'a, Tombstones>,
    labelled: Option<Vec<Mask>>,
}

// === impl Filter ===

impl Filter<'_> {
    /// All but the labels.
    pub(crate) fn admits(&self, document: &Document<'_>) -> bool {
        self.since.is_none_or(|since| document.created_at >= since)
            && self.until.is_none_or(|until| document.created_at < until)
            && self.test.is_none_or(|test| test(document))
    }

    pub(crate) fn admits_record(&self, record: &Record) -> bool {
        let bears = |wanted: &&str| record.labels.iter().any(|label| **label == **wanted);
        self.labels.iter().all(bears) && self.admits(&record.document())
    }
}

impl fmt::Debug for Filter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Filter { labels, since, until, test } = self;
        let mut shown = f.debug_struct("Filter");
        shown.field("labels", labels).field("since", since).field("until", until);
        shown.field("test", &test.is_some()).finish()
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Query { words, k, filter, now, .. } = self;
        let mut shown = f.debug_struct("Query");
        shown.field("words", words).field("k", k).field("filter", filter).field("now", now).finish()
    }
}

// === impl Living ===

impl<'a> Living<'a> {
    pub(crate) fn of(part: &'a Part, query: &Query<'_>) -> Living<'a> {
        let labels = query.filter.labels;
        let labelled = (!labels.is_empty()).then(|| part.segment.labels.all(labels, part.segment.len()));
        Living { dead: part.dead_at(query.now), labelled }
    }

    /// How many documents live, whatever the filter admits.
    pub(crate) fn count(&self, part: &Part) -> usize {
        part.segment.len() - self.dead.len()
    }

    /// How many words those that live have together.
    pub(crate) fn length(&self, part: &Part) -> u64 {
        let lengths = &part.segment.documents.lengths;
        let dead = self.dead.iter().map(|document| u64::from(lengths[document as usize])).sum::<u64>();
        part.segment.documents.length - dead
    }

    /// How many of those that live hold a word.
    pub(crate) fn holders(&self, part: &Part, place: Place) -> usize {
        let mut living = part.segment.holder_count(place);
        if !self.dead.is_empty() {
            part.segment.holders(place, |document, _| living -= usize::from(self.dead.contains(document)));
        }
        living
    }

    /// Leaves those of a block's documents that may be found.
    pub(crate) fn narrow(&self, block: usize, mask: &mut Mask) {
        if let Some(dead) = self.dead.block(block) {
            mask.iter_mut().zip(dead).for_each(|(mask, dead)| *mask &= !dead);
        }
        if let Some(labelled) = &self.labelled {
            mask.iter_mut().zip(&labelled[block]).for_each(|(mask, labelled)| *mask &= labelled);
        }
    }

    /// Whether the filter leaves none of a block.
    pub(crate) fn is_barren(&self, block: usize) -> bool {
        self.labelled.as_ref().is_some_and(|labelled| labelled[block] == Mask::default())
    }
}
