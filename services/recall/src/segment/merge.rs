//! Several segments → one without their dead.

use super::{
    Documents, Labels, Meta, Segment,
    build::{Shelf, by_frequency},
};
use crate::{Stop, Stopped, bag, strings::Strings, view::Part};

/// Marks a document that is not taken over.
const DEAD: u32 = u32::MAX;

/// After how many words it is asked whether to go on.
const PATIENCE: usize = 4_096;

/// One segment of what lives in `parts`, whose living ids differ.
///
/// # Errors
/// When it is told to stop.
pub(crate) fn merge(parts: &[Part], stop: Stop<'_>) -> Result<Segment, Stopped> {
    let order = order(parts);
    let places = places(parts, &order);
    let mut documents =
        Documents::of(order.iter().map(|(part, number)| meta(&parts[*part as usize], *number)));
    documents.expiries = expiries(parts, &places);
    let vocabulary = Vocabulary::of(parts);
    let mut shelf = Shelf::new(order.len(), &vocabulary.sizes);
    let mut holders = Vec::new();
    for (done, word) in by_frequency(&vocabulary.sizes).into_iter().enumerate() {
        if done % PATIENCE == 0 && stop() {
            return Err(Stopped);
        }
        holders.clear();
        for (part, number) in vocabulary.sources(word) {
            let segment = &parts[*part as usize].segment;
            segment.holders(segment.place(*number), |document, count| {
                let place = places[*part as usize][document as usize];
                holders.extend((place != DEAD).then_some((place, count)));
            });
        }
        if parts.len() > 1 {
            holders.sort_unstable(); // runs that are sorted already, because every part is in the same order
        }
        shelf.push(vocabulary.words.text(word), &holders);
    }
    let labelled = parts.iter().zip(&places).flat_map(|(part, places)| {
        let moved = |(label, document): (_, u32)| (label, places[document as usize]);
        part.segment.labels.pairs().map(moved).filter(|(_, place)| *place != DEAD)
    });
    Ok(shelf.finish(documents, Labels::of(labelled)))
}

/// The living documents of all parts, in the order of the segment to be.
fn order(parts: &[Part]) -> Vec<(u32, u32)> {
    let living = |(number, part): (u32, &Part)| {
        let dead = part.dead.clone();
        (0..part.segment.len() as u32)
            .filter(move |document| !dead.contains(*document))
            .map(move |d| (number, d))
    };
    let mut order: Vec<(u32, u32)> = (0..).zip(parts).flat_map(living).collect();
    let document = |(part, number): &(u32, u32)| meta(&parts[*part as usize], *number);
    order.sort_by(|a, b| {
        let size =
            |(part, number): &(u32, u32)| parts[*part as usize].segment.documents.sizes[*number as usize];
        size(a).cmp(&size(b)).then_with(|| document(a).rank().cmp(&document(b).rank()))
    });
    order
}

/// All but when it expires, which [`expiries`] takes over.
fn meta(part: &Part, number: u32) -> Meta<'_> {
    let documents = &part.segment.documents;
    let (size, length) = (documents.sizes[number as usize], documents.lengths[number as usize]);
    Meta { size, length, document: documents.get(number), expires_at: None }
}

fn expiries(parts: &[Part], places: &[Vec<u32>]) -> Vec<(i64, u32)> {
    let moved = parts.iter().zip(places).flat_map(|(part, places)| {
        let expiries = part.segment.documents.expiries.iter();
        expiries.map(|(expires_at, document)| (*expires_at, places[*document as usize]))
    });
    let mut expiries: Vec<(i64, u32)> = moved.filter(|(_, place)| *place != DEAD).collect();
    expiries.sort_unstable();
    expiries
}

/// By part and document: its place in the segment to be.
fn places(parts: &[Part], order: &[(u32, u32)]) -> Vec<Vec<u32>> {
    let mut places: Vec<Vec<u32>> = parts.iter().map(|part| vec![DEAD; part.segment.len()]).collect();
    for (place, (part, number)) in (0..).zip(order) {
        places[*part as usize][*number as usize] = place;
    }
    places
}

/// The words of all parts.
struct Vocabulary {
    words: Strings,
    /// By word: how many living documents hold it.
    sizes: Vec<u32>,
    /// By word: the parts that have it, and its number there.
    sources: Vec<(u32, u32)>,
    /// By word: where its sources end.
    ends: Vec<u32>,
}

impl Vocabulary {
    fn of(parts: &[Part]) -> Vocabulary {
        let mut words = Strings::default();
        let (mut found, mut sizes, mut spread) = (Vec::new(), Vec::new(), Vec::new());
        for (part, Part { segment, dead, .. }) in (0..).zip(parts) {
            for (number, text) in (0..).zip(segment.words.iter()) {
                let word = words.intern(bag::hash(text), text) as usize;
                sizes.resize(words.len(), 0);
                spread.resize(words.len(), 0_u32);
                let mut living = segment.holder_count(segment.place(number)) as u32;
                if !dead.is_empty() {
                    segment.holders(segment.place(number), |document, _| {
                        living -= u32::from(dead.contains(document));
                    });
                }
                sizes[word] += living;
                spread[word] += 1;
                found.push((word, (part, number)));
            }
        }
        let mut ends = Vec::with_capacity(spread.len()); // where each begins, at first
        spread.iter().fold(0, |start, size| {
            ends.push(start);
            start + size
        });
        let mut sources = vec![(0, 0); found.len()];
        for (word, source) in found {
            sources[ends[word] as usize] = source;
            ends[word] += 1;
        }
        Vocabulary { words, sizes, sources, ends }
    }

    fn sources(&self, word: u32) -> &[(u32, u32)] {
        let start = if word == 0 { 0 } else { self.ends[word as usize - 1] as usize };
        &self.sources[start..self.ends[word as usize] as usize]
    }
}
