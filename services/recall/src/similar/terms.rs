//! Where the words of a query are in a segment.

use crate::{
    bag::Bag,
    segment::{Place, Postings, Segment},
};

/// The words of a query that a segment has.
#[derive(Debug)]
pub(super) struct Terms {
    /// The frequent ones, ascending.
    pub(super) columns: Vec<u16>,
    /// The same as bits, in the order of a document's row.
    pub(super) row: Vec<u64>,
    /// The runs of the others: where each begins and ends, by chunk.
    runs: Vec<(u32, u32)>,
    /// By chunk: where its runs end.
    ends: Vec<u32>,
}

// === impl Terms ===

impl Terms {
    /// `None` if the segment has none of the words.
    pub(super) fn of(words: &Bag, segment: &Segment, chunks: usize) -> Option<Terms> {
        let mut row = vec![0; segment.columns.row_width()];
        let (mut columns, mut lists) = (Vec::with_capacity(words.len()), Vec::with_capacity(words.len()));
        for place in words.words().filter_map(|word| segment.find(word)) {
            match place {
                Place::Column(column) => columns.push(column as u16),
                Place::List(list) => lists.push(list as usize),
            }
        }
        if columns.is_empty() && lists.is_empty() {
            return None;
        }
        columns.sort_unstable();
        columns.iter().for_each(|column| row[usize::from(*column) / 64] |= 1 << (column % 64));
        let (runs, ends) = by_chunk(&segment.postings, &lists, chunks);
        Some(Terms { columns, row, runs, ends })
    }

    /// Where the runs of a chunk begin and end among all postings.
    pub(super) fn runs(&self, chunk: usize) -> &[(u32, u32)] {
        let start = if chunk == 0 { 0 } else { self.ends[chunk - 1] as usize };
        &self.runs[start..self.ends[chunk] as usize]
    }
}

fn by_chunk(postings: &Postings, lists: &[usize], chunks: usize) -> (Vec<(u32, u32)>, Vec<u32>) {
    let mut ends = vec![0_u32; chunks + 1]; // how many, then where each begins, then where each ends
    let mut found = Vec::with_capacity(lists.len() * chunks.min(4));
    for run in lists.iter().flat_map(|list| postings.runs(*list)) {
        ends[run.chunk + 1] += 1;
        found.push(run);
    }
    for chunk in 0..chunks {
        ends[chunk + 1] += ends[chunk];
    }
    let mut runs = vec![(0, 0); found.len()];
    for run in found {
        runs[ends[run.chunk] as usize] = (run.start, run.end);
        ends[run.chunk] += 1;
    }
    (runs, ends)
}
