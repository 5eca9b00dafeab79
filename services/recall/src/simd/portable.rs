//! The loops on any processor.

use super::{Counters, Planes, lanes::Lanes};
use crate::{BLOCK, tombstones::Mask};

/// The lowest bit of each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Multiplied with the lowest bits of eight bytes, puts them side by side into the highest byte.
const GATHER: u64 = 0x0102_0408_1020_4080;

#[inline(always)]
pub(super) fn peaks(counters: &[u8], peaks: &mut [u8]) {
    for (block, peak) in counters.chunks_exact(BLOCK).zip(peaks) {
        *peak = block.iter().fold(0, |most, counter| most.max(*counter));
    }
}

pub(super) fn reaching(counters: &Counters, least: u8) -> Mask {
    let mut mask = [0; BLOCK / 64];
    for (place, counter) in counters.iter().enumerate() {
        mask[place / 64] |= u64::from(*counter >= least) << (place % 64);
    }
    mask
}

/// Turns counters of at most `peak` into planes.
pub(super) fn spread(counters: &Counters, peak: u8, planes: &mut Planes) {
    *planes = [[0; BLOCK / 64]; 8];
    let weights = (8 - peak.leading_zeros()) as usize;
    for (weight, plane) in planes.iter_mut().enumerate().take(weights) {
        for (place, eight) in counters.as_chunks::<8>().0.iter().enumerate() {
            let bits = u64::from_le_bytes(*eight) >> weight & ONES;
            plane[place / 8] |= (bits.wrapping_mul(GATHER) >> 56) << (place % 8 * 8);
        }
    }
}

#[inline(always)]
pub(super) fn shared(a: &[u64], b: &[u64]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a & b).count_ones()).sum()
}

/// 64 documents at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word(u64);

// === impl Word ===

impl Lanes for Word {
    type Proof = ();
    const WORDS: usize = 1;

    fn load((): (), mask: &Mask, at: usize) -> Word {
        Word(mask[at])
    }

    fn all((): (), on: bool) -> Word {
        Word(if on { u64::MAX } else { 0 })
    }

    fn store(self, mask: &mut Mask, at: usize) {
        mask[at] = self.0;
    }

    fn and(self, other: Word) -> Word {
        Word(self.0 & other.0)
    }

    fn or(self, other: Word) -> Word {
        Word(self.0 | other.0)
    }

    fn xor(self, other: Word) -> Word {
        Word(self.0 ^ other.0)
    }

    fn without(self, other: Word) -> Word {
        Word(self.0 & !other.0)
    }
}
