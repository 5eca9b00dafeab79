//! Counting in how many of many sets each of many documents is, all documents at once.
//!
//! The counts stand in planes: bit i of plane w is the bit of weight 2^w of document i's count. Adding a set to them
//! is a carry that ripples through the planes; adders of three bits to two do it for sixteen sets at once.

use super::{Asked, Planes};
use crate::{BLOCK, tombstones::Mask};

/// Bits of several documents in one register.
pub(super) trait Lanes: Copy {
    /// Shows that the processor has such registers.
    type Proof: Copy;

    /// How many words of 64 documents a register holds.
    const WORDS: usize;

    /// From the words of a mask that begin at `at`.
    fn load(proof: Self::Proof, mask: &Mask, at: usize) -> Self;
    /// All bits on or off.
    fn all(proof: Self::Proof, on: bool) -> Self;
    fn store(self, mask: &mut Mask, at: usize);
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    /// What `self` has and `other` has not.
    fn without(self, other: Self) -> Self;

    /// The ones and the twos of the sum of three bits.
    #[inline(always)]
    fn sum(a: Self, b: Self, c: Self) -> (Self, Self) {
        let half = a.xor(b);
        (half.xor(c), a.and(b).or(half.and(c)))
    }
}

/// Adds the wanted columns to what is in `planes` and answers whose sum is at least `least`.
#[inline(always)]
pub(super) fn tally<L: Lanes>(proof: L::Proof, asked: Asked<'_>, least: u8, planes: &mut Planes) -> Mask {
    let mut mask = [0; BLOCK / 64];
    for at in (0..BLOCK / 64).step_by(L::WORDS) {
        let mut sums = [0, 1, 2, 3, 4, 5, 6, 7].map(|weight: usize| L::load(proof, &planes[weight], at));
        add(proof, asked, at, &mut sums);
        for (sum, plane) in sums.iter().zip(&mut *planes) {
            sum.store(plane, at);
        }
        reaching(proof, &sums, least).store(&mut mask, at);
    }
    mask
}

#[inline(always)]
fn add<L: Lanes>(proof: L::Proof, asked: Asked<'_>, at: usize, sums: &mut [L; 8]) {
    let column = |wanted: u16| L::load(proof, &asked.columns[usize::from(wanted)], at);
    let (sixteens, rest) = asked.wanted.as_chunks::<16>();
    for sixteen in sixteens {
        let (low, high) = sixteen.split_at(8);
        let carries = [add_eight(low, &column, sums), add_eight(high, &column, sums)];
        let (eights, carry) = L::sum(sums[3], carries[0], carries[1]);
        sums[3] = eights;
        ripple(carry, &mut sums[4..]);
    }
    let (fours, rest) = rest.as_chunks::<4>();
    for four in fours {
        let carry = add_four(four, &column, sums);
        ripple(carry, &mut sums[2..]);
    }
    for one in rest {
        ripple(column(*one), sums);
    }
}

/// Adds four columns to the ones and twos; what is left are fours.
#[inline(always)]
fn add_four<L: Lanes>(four: &[u16], column: &impl Fn(u16) -> L, sums: &mut [L; 8]) -> L {
    let (ones, a) = L::sum(sums[0], column(four[0]), column(four[1]));
    let (ones, b) = L::sum(ones, column(four[2]), column(four[3]));
    let (twos, carry) = L::sum(sums[1], a, b);
    (sums[0], sums[1]) = (ones, twos);
    carry
}

/// Adds eight columns to the ones, twos and fours; what is left are eights.
#[inline(always)]
fn add_eight<L: Lanes>(eight: &[u16], column: &impl Fn(u16) -> L, sums: &mut [L; 8]) -> L {
    let (a, b) = (add_four(&eight[..4], column, sums), add_four(&eight[4..], column, sums));
    let (fours, carry) = L::sum(sums[2], a, b);
    sums[2] = fours;
    carry
}

/// Adds one bit of the weight of the first sum.
#[inline(always)]
fn ripple<L: Lanes>(mut carry: L, sums: &mut [L]) {
    for sum in sums {
        let next = sum.and(carry);
        *sum = sum.xor(carry);
        carry = next;
    }
}

/// Whose sum is at least `least`: from the highest bit down, more than it or equal so far.
#[inline(always)]
fn reaching<L: Lanes>(proof: L::Proof, sums: &[L; 8], least: u8) -> L {
    let (mut more, mut equal) = (L::all(proof, false), L::all(proof, true));
    for weight in (0..8).rev() {
        if least >> weight & 1 == 1 {
            equal = equal.and(sums[weight]);
        } else {
            more = more.or(equal.and(sums[weight]));
            equal = equal.without(sums[weight]);
        }
    }
    more.or(equal)
}
