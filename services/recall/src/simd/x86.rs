//! The loops on processors with AVX2 or AVX-512.
//!
//! An [`Avx2`] or [`Avx512`] is made by its `detect` alone, and only where the processor has the features; a register
//! type is made from one of them alone. That is what every `unsafe` block here rests on.

use std::arch::x86_64::*;

use super::{Asked, Counters, Planes, lanes, lanes::Lanes, portable};
use crate::{BLOCK, tombstones::Mask};

/// Shows that the processor has AVX2, BMI1, BMI2, POPCNT, LZCNT and FMA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

/// Shows that the processor has AVX-512 F, BW, DQ and VL, and what [`Avx2`] shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

// === impl Avx2 ===

impl Avx2 {
    pub(super) fn detect() -> Option<Avx2> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("fma");
        has.then_some(Avx2(()))
    }

    pub(super) fn peaks(self, counters: &[u8], peaks: &mut [u8]) {
        // SAFETY: `self` shows that the processor has the features.
        unsafe { peaks_avx2(counters, peaks) }
    }

    pub(super) fn reaching(self, counters: &Counters, least: u8) -> Mask {
        // SAFETY: `self` shows that the processor has the features.
        unsafe { reaching_avx2(counters, least) }
    }

    pub(super) fn tally(self, asked: Asked<'_>, least: u8, planes: &mut Planes) -> Mask {
        // SAFETY: `self` shows that the processor has the features.
        unsafe { tally_avx2(self, asked, least, planes) }
    }

    pub(super) fn shared(self, a: &[u64], b: &[u64]) -> u32 {
        // SAFETY: `self` shows that the processor has the features.
        unsafe { shared_avx2(a, b) }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt,fma")]
fn peaks_avx2(counters: &[u8], peaks: &mut [u8]) {
    portable::peaks(counters, peaks);
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt,fma")]
fn reaching_avx2(counters: &Counters, least: u8) -> Mask {
    let least = _mm256_set1_epi8(least.cast_signed());
    let mut mask = [0; BLOCK / 64];
    for (place, bytes) in counters.as_chunks::<32>().0.iter().enumerate() {
        let bytes = bytes_avx2(bytes);
        let reaching = _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, least), bytes);
        mask[place / 2] |= bits_avx2(reaching) << (place % 2 * 32);
    }
    mask
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt,fma")]
fn tally_avx2(proof: Avx2, asked: Asked<'_>, least: u8, planes: &mut Planes) -> Mask {
    spread_avx2(asked.counters, asked.peak, planes);
    lanes::tally::<Half>(proof, asked, least, planes)
}

/// Turns counters of at most `peak` into planes.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt,fma")]
fn spread_avx2(counters: &Counters, peak: u8, planes: &mut Planes) {
    *planes = [[0; BLOCK / 64]; 8];
    let weights = (8 - peak.leading_zeros()) as usize;
    for (weight, plane) in planes.iter_mut().enumerate().take(weights) {
        // The bit goes to the top of its byte, where `movemask` looks. What crosses into the next byte stays below.
        let up = _mm_cvtsi32_si128(7 - weight as i32);
        for (place, bytes) in counters.as_chunks::<32>().0.iter().enumerate() {
            let bits = bits_avx2(_mm256_sll_epi16(bytes_avx2(bytes), up));
            plane[place / 2] |= bits << (place % 2 * 32);
        }
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,lzcnt,fma")]
fn shared_avx2(a: &[u64], b: &[u64]) -> u32 {
    portable::shared(a, b)
}

#[target_feature(enable = "avx2")]
#[inline]
fn bytes_avx2(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: the reference is to 32 bytes, and the load asks for no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// The highest bit of each byte.
#[target_feature(enable = "avx2")]
#[inline]
fn bits_avx2(bytes: __m256i) -> u64 {
    u64::from(_mm256_movemask_epi8(bytes).cast_unsigned())
}

/// 256 documents at a time. Made from an [`Avx2`] alone.
#[derive(Debug, Clone, Copy)]
struct Half(__m256i);

// SAFETY of all blocks: a `Half` or an `Avx2` is there, so the processor has AVX2; loads and stores are of four words
// within a slice that the index has cut, and ask for no alignment.
impl Lanes for Half {
    type Proof = Avx2;
    const WORDS: usize = 4;

    #[inline(always)]
    fn load(_: Avx2, mask: &Mask, at: usize) -> Half {
        let words = &mask[at..at + 4];
        // SAFETY: see above.
        Half(unsafe { _mm256_loadu_si256(words.as_ptr().cast()) })
    }

    #[inline(always)]
    fn all(_: Avx2, on: bool) -> Half {
        // SAFETY: see above.
        Half(unsafe { _mm256_set1_epi64x(-i64::from(on)) })
    }

    #[inline(always)]
    fn store(self, mask: &mut Mask, at: usize) {
        let words = &mut mask[at..at + 4];
        // SAFETY: see above.
        unsafe { _mm256_storeu_si256(words.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn and(self, other: Half) -> Half {
        // SAFETY: see above.
        Half(unsafe { _mm256_and_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, other: Half) -> Half {
        // SAFETY: see above.
        Half(unsafe { _mm256_or_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Half) -> Half {
        // SAFETY: see above.
        Half(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn without(self, other: Half) -> Half {
        // SAFETY: see above.
        Half(unsafe { _mm256_andnot_si256(other.0, self.0) })
    }
}

// === impl Avx512 ===

impl Avx512 {
    pub(super) fn detect() -> Option<Avx512> {
        let has = Avx2::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        has.then_some(Avx512(()))
    }

    /// For the loops that gain nothing from wider registers.
    pub(super) fn avx2(self) -> Avx2 {
        Avx2(())
    }

    pub(super) fn tally(self, asked: Asked<'_>, least: u8, planes: &mut Planes) -> Mask {
        // SAFETY: `self` shows that the processor has the features.
        unsafe { tally_avx512(self, asked, least, planes) }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,bmi1,bmi2,popcnt,lzcnt,fma")]
fn tally_avx512(proof: Avx512, asked: Asked<'_>, least: u8, planes: &mut Planes) -> Mask {
    spread_avx2(asked.counters, asked.peak, planes);
    lanes::tally::<Whole>(proof, asked, least, planes)
}

/// 512 documents at a time. Made from an [`Avx512`] alone.
#[derive(Debug, Clone, Copy)]
struct Whole(__m512i);

// SAFETY of all blocks: a `Whole` or an `Avx512` is there, so the processor has AVX-512; loads and stores are of a whole
// mask, which is 64 bytes, and ask for no alignment.
impl Lanes for Whole {
    type Proof = Avx512;
    const WORDS: usize = 8;

    #[inline(always)]
    fn load(_: Avx512, mask: &Mask, _: usize) -> Whole {
        // SAFETY: see above.
        Whole(unsafe { _mm512_loadu_si512(mask.as_ptr().cast()) })
    }

    #[inline(always)]
    fn all(_: Avx512, on: bool) -> Whole {
        // SAFETY: see above.
        Whole(unsafe { _mm512_set1_epi64(-i64::from(on)) })
    }

    #[inline(always)]
    fn store(self, mask: &mut Mask, _: usize) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_si512(mask.as_mut_ptr().cast(), self.0) }
    }

    #[inline(always)]
    fn and(self, other: Whole) -> Whole {
        // SAFETY: see above.
        Whole(unsafe { _mm512_and_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, other: Whole) -> Whole {
        // SAFETY: see above.
        Whole(unsafe { _mm512_or_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn xor(self, other: Whole) -> Whole {
        // SAFETY: see above.
        Whole(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn without(self, other: Whole) -> Whole {
        // SAFETY: see above.
        Whole(unsafe { _mm512_andnot_si512(other.0, self.0) })
    }
}
