//! A segment, searched chunk by chunk: rare words are added up, frequent ones bounded by block.
//!
//! A block's documents are scored one by one only where the sum of their rare words and the most that the frequent
//! ones can add reaches the floor. That sum is counted in whole units, rounded up, by the loop that counts shared words
//! for likeness: a frequent word that can add three units is put in three times.

use super::weights::{Weights, part};
use crate::{
    BLOCK, CHUNK, Stopped,
    query::{Living, Query},
    ranking::{Best, Score},
    segment::{Place, Postings, Run, Segment, columns::each_bit},
    simd::{Asked, Counters, Simd},
    tombstones::Mask,
    view::Part,
};

const BLOCKS: usize = CHUNK / BLOCK;

/// Makes up for sums in single precision, generously.
const SLACK: f32 = 1.0 + 1e-4;

/// Into how many units the floor is cut, at most.
const FINEST: f32 = 64.0;

/// The most units that a document can have.
const MOST_UNITS: f32 = 255.0;

/// Offers what a segment has to the best so far.
pub(super) fn search<'v>(
    part: &'v Part,
    living: &Living<'v>,
    query: &Query<'_>,
    weights: &Weights,
    best: &mut Best<'v, Score>,
) -> Result<(), Stopped> {
    let segment = &*part.segment;
    let terms = Terms::of(segment, query, weights);
    if terms.places.iter().all(Option::is_none) {
        return Ok(());
    }
    let mut scan = Scan { segment, living, query, weights, terms, simd: Simd::detect(), seeded: None };
    let mut sums =
        Sums { each: vec![0.0; CHUNK.min(segment.len().next_multiple_of(BLOCK))], peaks: [0.0; BLOCKS] };
    for chunk in 0..segment.len().div_ceil(CHUNK) {
        if (query.stop)() {
            return Err(Stopped);
        }
        scan.chunk(chunk, &mut sums, best);
    }
    Ok(())
}

/// Where the words of a query are in a segment.
struct Terms {
    /// By word of the query.
    places: Vec<Option<Place>>,
    /// The frequent ones: the column and the weight.
    columns: Vec<(u16, f64)>,
    /// The runs of the rare ones: the weight and where it is.
    runs: Vec<(f64, Run)>,
}

impl Terms {
    fn of(segment: &Segment, query: &Query<'_>, weights: &Weights) -> Terms {
        let places: Vec<Option<Place>> = query.words.words().map(|word| segment.find(word)).collect();
        let (mut columns, mut runs) = (Vec::new(), Vec::new());
        for (place, weight) in places.iter().zip(weights.words()) {
            match place {
                Some(Place::Column(column)) => columns.push((*column as u16, *weight)),
                Some(Place::List(list)) => {
                    runs.extend(segment.postings.runs(*list as usize).map(|run| (*weight, run)));
                }
                None => {}
            }
        }
        runs.sort_by_key(|(_, run)| run.chunk);
        Terms { places, columns, runs }
    }

    fn runs(&self, chunk: usize) -> &[(f64, Run)] {
        let start = self.runs.partition_point(|(_, run)| run.chunk < chunk);
        let end = self.runs.partition_point(|(_, run)| run.chunk <= chunk);
        &self.runs[start..end]
    }
}

/// What the rare words give each document of a chunk, about.
struct Sums {
    each: Vec<f32>,
    /// The most within each block.
    peaks: [f32; BLOCKS],
}

struct Scan<'v, 'q> {
    segment: &'v Segment,
    living: &'q Living<'v>,
    query: &'q Query<'q>,
    weights: &'q Weights,
    terms: Terms,
    simd: Simd,
    /// A score that `k` documents are known to reach.
    seeded: Option<Score>,
}

impl<'v> Scan<'v, '_> {
    fn chunk(&mut self, chunk: usize, sums: &mut Sums, best: &mut Best<'v, Score>) {
        let first = chunk * BLOCKS;
        let blocks = (self.segment.len().div_ceil(BLOCK) - first).min(BLOCKS);
        self.add_up(chunk, blocks, sums);
        self.seed(first, blocks, sums, best);
        for block in 0..blocks {
            if !self.living.is_barren(first + block) {
                let each = &sums.each[block * BLOCK..][..BLOCK];
                self.block(first + block, each.try_into().expect("a block"), sums.peaks[block], best);
            }
        }
    }

    fn add_up(&self, chunk: usize, blocks: usize, sums: &mut Sums) {
        let (lengths, postings) = (&self.segment.documents.lengths[chunk * CHUNK..], &self.segment.postings);
        let base = self.weights.norm(0) as f32;
        let slope = (self.weights.norm(1_000_000) as f32 - base) / 1_000_000.0;
        let each = &mut sums.each[..blocks * BLOCK];
        each.fill(0.0);
        for (weight, run) in self.terms.runs(chunk) {
            let (documents, counts) = postings.of(*run);
            for (document, count) in documents.iter().zip(counts) {
                let (place, count) = (usize::from(*document), f32::from(*count));
                each[place] += *weight as f32 * count / (count + base + slope * lengths[place] as f32);
            }
        }
        for (peak, block) in sums.peaks.iter_mut().zip(each.as_chunks::<BLOCK>().0) {
            *peak = block
                .as_chunks::<16>()
                .0
                .iter()
                .fold([0.0_f32; 16], |most, sixteen| {
                    std::array::from_fn(|lane| most[lane].max(sixteen[lane]))
                })
                .into_iter()
                .fold(0.0, f32::max);
        }
    }

    /// Scores the documents to which the rare words give most: if there are `k`, the rest has to reach them.
    fn seed(&mut self, first: usize, blocks: usize, sums: &Sums, best: &Best<'v, Score>) {
        let mut peaks = sums.peaks[..blocks].to_vec();
        peaks.sort_unstable_by(|a, b| b.total_cmp(a));
        let least = peaks[best.k().max(12).min(blocks) - 1];
        let mut room = 2 * best.k().max(32);
        let mut scores: Vec<Score> = best.scores().collect();
        for block in (0..blocks).filter(|block| sums.peaks[*block] >= least && sums.peaks[*block] > 0.0) {
            let each = &sums.each[block * BLOCK..][..BLOCK];
            let mut mask = mask(each, |sum| sum >= least && sum > 0.0);
            self.living.narrow(first + block, &mut mask);
            each_bit(&mask, |bit| {
                let document = ((first + block) * BLOCK) as u32 + bit;
                if room > 0 && self.query.filter.admits(&self.segment.documents.get(document)) {
                    room -= 1;
                    scores.extend(self.score(document, true));
                }
            });
        }
        if scores.len() >= best.k() {
            let (_, worst, _) = scores.select_nth_unstable_by(best.k() - 1, |a, b| b.cmp(a));
            self.seeded = self.seeded.max(Some(*worst));
        }
    }

    fn block(&self, block: usize, sums: &[f32; BLOCK], peak: f32, best: &mut Best<'v, Score>) {
        let norm = self.weights.norm(self.segment.documents.shortest[block]);
        let most = |(column, weight): &(u16, f64)| {
            part(*weight, self.segment.columns.peak(usize::from(*column), block), norm) as f32 * SLACK
        };
        let bounds: Vec<f32> = self.terms.columns.iter().map(most).collect();
        let all = bounds.iter().sum::<f32>() + peak * SLACK;
        let floor = self.seeded.max(best.floor()).map_or(0.0, |floor| floor.0 as f32 / SLACK);
        if all < floor || all <= 0.0 {
            return;
        }
        let mut mask = match Units::of(floor, all, bounds.len()) {
            Some(units) => self.reaching(block, sums, peak, &bounds, units),
            None => self.segment.existing(block),
        };
        self.living.narrow(block, &mut mask);
        each_bit(&mask, |bit| {
            let document = (block * BLOCK) as u32 + bit;
            if let Some(score) = self.score(document, sums[bit as usize] > 0.0) {
                let documents = &self.segment.documents;
                best.offer(score, || documents.get(document), |found| self.query.filter.admits(found));
            }
        });
    }

    /// Whose units reach the floor.
    fn reaching(&self, block: usize, sums: &[f32; BLOCK], peak: f32, bounds: &[f32], units: Units) -> Mask {
        let mut wanted = Vec::with_capacity(256);
        for ((column, _), bound) in self.terms.columns.iter().zip(bounds) {
            wanted.extend(std::iter::repeat_n(*column, usize::from(units.round_up(*bound))));
        }
        let mut counters: Counters = [0; BLOCK];
        if peak > 0.0 {
            for (counter, sum) in counters.iter_mut().zip(sums) {
                *counter = units.round_up(*sum * SLACK);
            }
        }
        let columns = self.segment.columns.block(block);
        let asked =
            Asked { columns, wanted: &wanted, counters: &counters, peak: units.round_up(peak * SLACK) };
        self.simd.tally(asked, units.needed, &mut [[0; BLOCK / 64]; 8])
    }

    fn score(&self, document: u32, has_rare: bool) -> Option<Score> {
        let count = |place: &Option<Place>| match place {
            Some(Place::Column(column)) => self.segment.columns.count(*column as usize, document),
            Some(Place::List(list)) if has_rare => count(&self.segment.postings, *list as usize, document),
            _ => 0,
        };
        self.weights
            .score(self.terms.places.iter().map(count), self.segment.documents.lengths[document as usize])
    }
}

/// How often a document has the word of a list.
fn count(postings: &Postings, list: usize, document: u32) -> u8 {
    let (chunk, place) = (document as usize / CHUNK, (document as usize % CHUNK) as u16);
    let Some(run) = postings.runs(list).find(|run| run.chunk == chunk) else { return 0 };
    let (documents, counts) = postings.of(run);
    documents.binary_search(&place).map_or(0, |at| counts[at])
}

fn mask(sums: &[f32], holds: impl Fn(f32) -> bool) -> Mask {
    let mut mask = [0; BLOCK / 64];
    for (word, sums) in mask.iter_mut().zip(sums.chunks(64)) {
        for (bit, sum) in sums.iter().enumerate() {
            *word |= u64::from(holds(*sum)) << bit;
        }
    }
    mask
}

/// What scores are counted in.
#[derive(Debug, Clone, Copy)]
struct Units {
    per_score: f32,
    /// How many reach the floor.
    needed: u8,
}

impl Units {
    /// The finest in which no document has more than a byte counts, where `all` is the most that `terms` frequent words
    /// and the rare ones give; `None` if there are too many words.
    fn of(floor: f32, all: f32, terms: usize) -> Option<Units> {
        let room = MOST_UNITS - 2.0 - terms as f32; // each is rounded up
        if room < 1.0 {
            return None;
        }
        let per_score = if floor > 0.0 { (FINEST / floor).min(room / all) } else { 0.0 };
        // Rounded down; who has a word has a unit at least.
        Some(Units { per_score, needed: ((floor * per_score * (2.0 - SLACK)) as u8).max(1) })
    }

    fn round_up(self, score: f32) -> u8 {
        if score > 0.0 { ((score * self.per_score).ceil() as u8).max(1) } else { 0 }
    }
}
