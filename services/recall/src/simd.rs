//! The inner loops, by what the processor can do. The same results on all.
//!
//! All `unsafe` code of the crate is in `simd/`: calls of functions that need a feature of the processor, from values
//! that exist only where the feature was found. A crate for safe dispatch has neither byte masks nor the three-way
//! logic that these loops live from.

mod lanes;
mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "instructions that not every processor has")]
mod x86;

use crate::{BLOCK, tombstones::Mask};

/// A counter for each document of a block.
pub(crate) type Counters = [u8; BLOCK];

/// Eight bits for each document of a block, by weight: the first has the ones, the last the 128s.
pub(crate) type Planes = [Mask; 8];

/// What the loops run on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Simd {
    /// Plain numbers of 64 bits.
    Portable,
    /// 256 bits at a time.
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    /// 512 bits at a time.
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
}

/// The columns that a query asks for, of one block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) columns: &'a [Mask],
    /// Which of them; at most 255.
    pub(crate) wanted: &'a [u16],
    /// What each document has beside.
    pub(crate) counters: &'a Counters,
    /// The largest of them.
    pub(crate) peak: u8,
}

// === impl Simd ===

impl Simd {
    /// The best that this processor has.
    pub(crate) fn detect() -> Simd {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(found) = x86::Avx512::detect() {
                return Simd::Avx512(found);
            }
            if let Some(found) = x86::Avx2::detect() {
                return Simd::Avx2(found);
            }
        }
        Simd::Portable
    }

    /// All that this processor has.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Simd> {
        let mut all = vec![Simd::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(x86::Avx2::detect().map(Simd::Avx2));
            all.extend(x86::Avx512::detect().map(Simd::Avx512));
        }
        all
    }

    /// The largest counter of each block.
    pub(crate) fn peaks(self, counters: &[u8], peaks: &mut [u8]) {
        match self {
            Simd::Portable => portable::peaks(counters, peaks),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(has) => has.peaks(counters, peaks),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(has) => has.avx2().peaks(counters, peaks),
        }
    }

    /// Whose counter is at least `least`, which is above 0.
    pub(crate) fn reaching(self, counters: &Counters, least: u8) -> Mask {
        match self {
            Simd::Portable => portable::reaching(counters, least),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(has) => has.reaching(counters, least),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(has) => has.avx2().reaching(counters, least),
        }
    }

    /// How many of the wanted columns each document is in, together with its counter; nowhere above 255.
    ///
    /// Answers whose number is at least `least`, and the numbers in `planes`.
    pub(crate) fn tally(self, asked: Asked<'_>, least: u8, planes: &mut Planes) -> Mask {
        match self {
            Simd::Portable => {
                portable::spread(asked.counters, asked.peak, planes);
                lanes::tally::<portable::Word>((), asked, least, planes)
            }
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(has) => has.tally(asked, least, planes),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(has) => has.tally(asked, least, planes),
        }
    }

    /// How many bits both have.
    pub(crate) fn shared(self, a: &[u64], b: &[u64]) -> u32 {
        match self {
            Simd::Portable => portable::shared(a, b),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2(has) => has.shared(a, b),
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512(has) => has.avx2().shared(a, b),
        }
    }
}
