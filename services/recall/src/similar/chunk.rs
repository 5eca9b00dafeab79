//! A segment, searched chunk by chunk with counters of a byte.

use super::{is_hopeless, needed, terms::Terms};
use crate::{
    BLOCK, CHUNK, Stopped,
    query::{Living, Query},
    ranking::Best,
    ratio::Ratio,
    segment::{Segment, columns::each_bit},
    simd::{Asked, Counters, Planes, Simd},
    tombstones::Mask,
    view::Part,
};

/// How many blocks a chunk has.
const BLOCKS: usize = CHUNK / BLOCK;

/// About how many blocks give documents that raise the bound before the rest is looked at.
const SEEDING: u32 = 12;

/// Up to so many documents of a block are counted one by one.
const SINGLY: u32 = 24;

/// Offers what a segment has to the best so far.
pub(super) fn search<'v>(
    part: &'v Part,
    query: &Query<'_>,
    simd: Simd,
    best: &mut Best<'v, Ratio>,
) -> Result<(), Stopped> {
    let segment = &*part.segment;
    let chunks = segment.len().div_ceil(CHUNK);
    let Some(terms) = Terms::of(query.words, segment, chunks) else { return Ok(()) };
    let size = query.words.len() as u32;
    let living = Living::of(part, query);
    let mut scan = Scan { segment, query, living, terms, simd, size, seeded: None };
    let mut counted = Counted { counters: [0; CHUNK], peaks: [0; BLOCKS] };
    for chunk in nearest_first(segment, size, chunks) {
        if (query.stop)() {
            return Err(Stopped);
        }
        scan.chunk(chunk, &mut counted, best);
    }
    Ok(())
}

/// The chunks, those first whose documents have about as many words as the query.
fn nearest_first(segment: &Segment, size: u32, chunks: usize) -> Vec<usize> {
    let home = segment.documents.sizes.partition_point(|other| *other < size) / CHUNK;
    let mut order: Vec<usize> = (0..chunks).collect();
    order.sort_by_key(|chunk| chunk.abs_diff(home));
    order
}

struct Scan<'v, 'q> {
    segment: &'v Segment,
    query: &'q Query<'q>,
    living: Living<'v>,
    terms: Terms,
    simd: Simd,
    /// How many words the query has.
    size: u32,
    /// A ratio that `k` documents are known to reach.
    seeded: Option<Ratio>,
}

/// How many rare words of the query each document of a chunk has.
struct Counted {
    counters: [u8; CHUNK],
    /// The most within each block.
    peaks: [u8; BLOCKS],
}

// === impl Scan ===

impl<'v> Scan<'v, '_> {
    fn chunk(&mut self, chunk: usize, counted: &mut Counted, best: &mut Best<'v, Ratio>) {
        let documents = &self.segment.documents;
        let first = chunk * BLOCKS;
        let blocks = (documents.len().div_ceil(BLOCK) - first).min(BLOCKS);
        let (fewest, most) = (documents.sizes_of(first).0, documents.sizes_of(first + blocks - 1).1);
        if is_hopeless(self.floor(best), self.size, (fewest, most)) {
            return;
        }
        self.count(chunk, blocks, counted);
        self.seed(first, blocks, counted, best);
        let counters = counted.counters.as_chunks::<BLOCK>().0;
        for (block, (counters, peak)) in (first..).zip(counters.iter().zip(counted.peaks)).take(blocks) {
            self.block(block, counters, peak, best);
        }
    }

    fn count(&self, chunk: usize, blocks: usize, counted: &mut Counted) {
        let Counted { counters, peaks } = counted;
        counters[..blocks * BLOCK].fill(0);
        for (start, end) in self.terms.runs(chunk) {
            for document in self.segment.postings.slice(*start, *end) {
                counters[usize::from(*document) % CHUNK] += 1;
            }
        }
        self.simd.peaks(&counters[..blocks * BLOCK], &mut peaks[..blocks]);
    }

    /// Looks at the documents with the most rare words first: if there are `k`, the rest has to reach them.
    fn seed(&mut self, first: usize, blocks: usize, counted: &Counted, best: &Best<'v, Ratio>) {
        let Some(least) = promising(&counted.peaks[..blocks], best.k()) else { return };
        let fewest = self.segment.documents.sizes_of(first).0;
        if u32::from(least) + self.terms.columns.len() as u32 <= needed(self.floor(best), self.size, fewest) {
            return; // they would not raise it
        }
        let mut room = 256.max(2 * best.k());
        let mut ratios: Vec<Ratio> = best.scores().collect();
        let counters = counted.counters.as_chunks::<BLOCK>().0;
        for (block, (counters, peak)) in (first..).zip(counters.iter().zip(counted.peaks)).take(blocks) {
            if peak < least || room == 0 {
                continue;
            }
            let mut mask = self.simd.reaching(counters, least);
            self.living.narrow(block, &mut mask);
            each_bit(&mask, |bit| {
                let document = (block * BLOCK) as u32 + bit;
                if room > 0 && self.query.filter.admits(&self.segment.documents.get(document)) {
                    room -= 1;
                    let shared = self.shared(document, counters[bit as usize]);
                    ratios.push(Ratio::of(
                        shared,
                        self.size,
                        self.segment.documents.sizes[document as usize],
                    ));
                }
            });
        }
        if ratios.len() >= best.k() {
            let (_, worst, _) = ratios.select_nth_unstable_by(best.k() - 1, |a, b| b.cmp(a));
            self.seeded = self.seeded.max(Some(*worst));
        }
    }

    fn block(&self, block: usize, counters: &Counters, peak: u8, best: &mut Best<'v, Ratio>) {
        let sizes = self.segment.documents.sizes_of(block);
        let floor = self.floor(best);
        let columns = self.terms.columns.len() as u32;
        let needed = needed(floor, self.size, sizes.0);
        if needed > u32::from(peak) + columns
            || is_hopeless(floor, self.size, sizes)
            || self.living.is_barren(block)
        {
            return;
        }
        if needed > columns {
            let mut mask = self.simd.reaching(counters, (needed - columns) as u8);
            self.living.narrow(block, &mut mask);
            if mask.iter().map(|word| word.count_ones()).sum::<u32>() <= SINGLY {
                each_bit(&mask, |bit| {
                    let document = (block * BLOCK) as u32 + bit;
                    self.offer(document, self.shared(document, counters[bit as usize]), best);
                });
                return;
            }
        }
        self.tally(block, counters, peak, needed as u8, best);
    }

    fn tally(&self, block: usize, counters: &Counters, peak: u8, least: u8, best: &mut Best<'v, Ratio>) {
        let columns = self.segment.columns.block(block);
        let asked = Asked { columns, wanted: &self.terms.columns, counters, peak };
        let mut planes: Planes = [[0; BLOCK / 64]; 8];
        let mut mask: Mask = self.simd.tally(asked, least, &mut planes);
        self.living.narrow(block, &mut mask);
        each_bit(&mask, |bit| {
            let plane = |weight: usize| (planes[weight][bit as usize / 64] >> (bit % 64) & 1) as u32;
            let shared = (0..8).map(|weight| plane(weight) << weight).sum();
            self.offer((block * BLOCK) as u32 + bit, shared, best);
        });
    }

    /// How many words a document shares with the query of which `counter` are rare.
    fn shared(&self, document: u32, counter: u8) -> u32 {
        u32::from(counter) + self.simd.shared(self.segment.columns.row(document), &self.terms.row)
    }

    fn offer(&self, document: u32, shared: u32, best: &mut Best<'v, Ratio>) {
        let documents = &self.segment.documents;
        if shared > 0 {
            let ratio = Ratio::of(shared, self.size, documents.sizes[document as usize]);
            best.offer(ratio, || documents.get(document), |found| self.query.filter.admits(found));
        }
    }

    /// What a document has to reach to matter.
    fn floor(&self, best: &Best<'v, Ratio>) -> Option<Ratio> {
        self.seeded.max(best.floor())
    }
}

/// The counter from which on documents are few and promising; `None` if no document has two rare words.
fn promising(peaks: &[u8], k: usize) -> Option<u8> {
    let mut blocks = [0_u32; 256];
    peaks.iter().for_each(|peak| blocks[usize::from(*peak)] += 1);
    let enough = SEEDING.max(u32::try_from(k).unwrap_or(u32::MAX));
    let mut seen = 0;
    let least = (2..=u8::MAX).rev().find(|counter| {
        seen += blocks[usize::from(*counter)];
        seen >= enough
    });
    least.or_else(|| (seen > 0).then_some(2))
}
