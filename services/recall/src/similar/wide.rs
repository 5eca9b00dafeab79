//! A segment, searched for more words than a byte counts: each document of a fitting size is looked at.

use super::{is_hopeless, terms::Terms};
use crate::{
    BLOCK, CHUNK, Stopped,
    query::{Living, Query},
    ranking::Best,
    ratio::Ratio,
    segment::columns::each_bit,
    simd::Simd,
    view::Part,
};

/// Offers what a segment has to the best so far.
pub(super) fn search<'v>(
    part: &'v Part,
    query: &Query<'_>,
    simd: Simd,
    best: &mut Best<'v, Ratio>,
) -> Result<(), Stopped> {
    let segment = &*part.segment;
    let documents = &segment.documents;
    let (chunks, size) = (segment.len().div_ceil(CHUNK), query.words.len() as u32);
    let Some(terms) = Terms::of(query.words, segment, chunks) else { return Ok(()) };
    let living = Living::of(part, query);
    let mut counters = vec![0_u32; CHUNK];
    for chunk in 0..chunks {
        if (query.stop)() {
            return Err(Stopped);
        }
        counters.fill(0);
        for (start, end) in terms.runs(chunk) {
            for document in segment.postings.slice(*start, *end) {
                counters[usize::from(*document)] += 1;
            }
        }
        let first = chunk * CHUNK / BLOCK;
        let last = segment.len().div_ceil(BLOCK).min(first + CHUNK / BLOCK);
        for block in first..last {
            if is_hopeless(best.floor(), size, documents.sizes_of(block)) || living.is_barren(block) {
                continue;
            }
            let mut mask = segment.existing(block);
            living.narrow(block, &mut mask);
            each_bit(&mask, |bit| {
                let document = (block * BLOCK) as u32 + bit;
                let rare = counters[document as usize % CHUNK];
                let shared = rare + simd.shared(segment.columns.row(document), &terms.row);
                if shared > 0 {
                    let ratio = Ratio::of(shared, size, documents.sizes[document as usize]);
                    best.offer(ratio, || documents.get(document), |found| query.filter.admits(found));
                }
            });
        }
    }
    Ok(())
}
