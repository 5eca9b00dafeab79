//! The holders of frequent words: a bit for each document.

use crate::{BLOCK, tombstones::Mask};

/// The most columns of a segment.
pub(crate) const MOST: usize = 512;

/// A word has a column when at least one of this many documents holds it.
const RARITY: usize = 128;

/// A word has a column when at least this many documents hold it: below, a list is smaller.
const FEWEST: usize = 16;

/// A bit for each pair of a frequent word and a document, twice: by word within blocks, and by document.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(super) width: usize,
    pub(super) blocks: usize,
    /// By block, then by column: who of the block holds the word.
    pub(super) bits: Vec<Mask>,
    /// By document, [`Columns::row_width`] words each: which columns it is in.
    pub(super) rows: Vec<u64>,
    /// By column, then by block: where in `counts` its holders begin. One more at the end.
    pub(super) first: Vec<u32>,
    /// By column, then by block: how often a holder has the word at most.
    pub(super) peaks: Vec<u8>,
    /// By column, then by holder: how often it has the word.
    pub(super) counts: Vec<u8>,
}

/// Whether a word that `holders` of `documents` hold gets a column, if there is one left.
pub(crate) fn deserves(holders: usize, documents: usize) -> bool {
    holders >= FEWEST && holders * RARITY >= documents
}

// === impl Columns ===

impl Columns {
    /// Empty columns, to be filled one after the other by [`Columns::push`].
    pub(crate) fn new(documents: usize, width: usize) -> Columns {
        let blocks = documents.div_ceil(BLOCK);
        let mut first = Vec::with_capacity(width * blocks + 1);
        first.push(0);
        Columns {
            width,
            blocks,
            bits: vec![[0; BLOCK / 64]; blocks * width],
            rows: vec![0; documents * width.div_ceil(64)],
            first,
            peaks: vec![0; width * blocks],
            counts: Vec::new(),
        }
    }

    /// Fills the next column with the holders of its word, ascending.
    pub(crate) fn push(&mut self, holders: &[(u32, u8)]) {
        let column = (self.first.len() - 1) / self.blocks;
        let row_width = self.row_width();
        for (document, count) in holders {
            let document = *document as usize;
            let block = document / BLOCK;
            self.bits[block * self.width + column][document % BLOCK / 64] |= 1 << (document % 64);
            self.rows[document * row_width + column / 64] |= 1 << (column % 64);
            let peak = &mut self.peaks[column * self.blocks + block];
            *peak = (*peak).max(*count);
            self.counts.push(*count);
        }
        let mut end = *self.first.last().expect("there is always an end");
        for block in 0..self.blocks {
            end += ones(&self.bits[block * self.width + column]);
            self.first.push(end);
        }
    }

    /// Makes the rows from the bits.
    pub(super) fn turn(&mut self, documents: usize) {
        let row_width = self.row_width();
        self.rows = vec![0; documents * row_width];
        for block in 0..self.blocks {
            for column in 0..self.width {
                each_bit(&self.bits[block * self.width + column], |bit| {
                    let document = block * BLOCK + bit as usize;
                    if let Some(word) = self.rows.get_mut(document * row_width + column / 64) {
                        *word |= 1 << (column % 64);
                    }
                });
            }
        }
    }

    pub(crate) fn shrink(&mut self) {
        self.counts.shrink_to_fit();
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// How many numbers a row has.
    pub(crate) fn row_width(&self) -> usize {
        self.width.div_ceil(64)
    }

    /// Which columns a document is in.
    pub(crate) fn row(&self, document: u32) -> &[u64] {
        let width = self.row_width();
        &self.rows[document as usize * width..(document as usize + 1) * width]
    }

    /// The columns of a block.
    pub(crate) fn block(&self, block: usize) -> &[Mask] {
        &self.bits[block * self.width..(block + 1) * self.width]
    }

    /// How often a holder of the block has the word of a column at most.
    pub(crate) fn peak(&self, column: usize, block: usize) -> u8 {
        self.peaks[column * self.blocks + block]
    }

    /// How often a document has the word of a column.
    pub(crate) fn count(&self, column: usize, document: u32) -> u8 {
        let (block, bit) = (document as usize / BLOCK, document as usize % BLOCK);
        let mask = &self.bits[block * self.width + column];
        if mask[bit / 64] >> (bit % 64) & 1 == 0 {
            return 0;
        }
        let before = mask[bit / 64] & ((1 << (bit % 64)) - 1);
        let rank = mask[..bit / 64].iter().map(|word| word.count_ones()).sum::<u32>() + before.count_ones();
        self.counts[(self.first[column * self.blocks + block] + rank) as usize]
    }

    pub(crate) fn holder_count(&self, column: usize) -> usize {
        (self.first[(column + 1) * self.blocks] - self.first[column * self.blocks]) as usize
    }

    pub(crate) fn each(&self, column: usize, mut each: impl FnMut(u32, u8)) {
        let mut at = self.first[column * self.blocks] as usize;
        for block in 0..self.blocks {
            each_bit(&self.bits[block * self.width + column], |bit| {
                each((block * BLOCK) as u32 + bit, self.counts[at]);
                at += 1;
            });
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let words = self.bits.capacity() * size_of::<Mask>() + self.rows.capacity() * 8;
        words + self.first.capacity() * 4 + self.peaks.capacity() + self.counts.capacity()
    }
}

fn ones(mask: &Mask) -> u32 {
    mask.iter().map(|word| word.count_ones()).sum()
}

/// Calls `each` with the bits that are set, ascending.
pub(crate) fn each_bit(mask: &Mask, mut each: impl FnMut(u32)) {
    for (base, word) in (0..).step_by(64).zip(mask) {
        let mut word = *word;
        while word != 0 {
            each(base + word.trailing_zeros());
            word &= word - 1;
        }
    }
}
