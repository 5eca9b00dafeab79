//! Jaccard's likeness as an exact fraction, and how much overlap it takes to reach one.

use std::cmp::Ordering;

/// Shared words over all words of both: above 0, at most 1. Compares as the fraction does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    shared: u32,
    union: u32,
}

// === impl Ratio ===

impl Ratio {
    /// Of sets of `a` and `b` words that share `shared`, at least one of them not empty.
    pub(crate) fn of(shared: u32, a: u32, b: u32) -> Ratio {
        Ratio { shared, union: a + b - shared }
    }

    /// The quotient. Two of whole numbers below 2^26 are never rounded to the same unless the fractions are the same,
    /// so quotients compare as the fractions do.
    pub(crate) fn score(self) -> f64 {
        f64::from(self.shared) / f64::from(self.union)
    }

    /// How many words a set of `b` must share with one of `a` at least to be as alike as this.
    ///
    /// From shared ÷ (a + b − shared) ≥ s ÷ u follows shared ≥ s·(a + b) ÷ (s + u): whole numbers, so no rounding.
    pub(crate) fn overlap(self, a: u32, b: u32) -> u32 {
        let (s, u) = (u64::from(self.shared), u64::from(self.union));
        let least = (s * (u64::from(a) + u64::from(b))).div_ceil(s + u);
        u32::try_from(least).unwrap_or(u32::MAX)
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let (left, right) = (u64::from(self.shared), u64::from(other.shared));
        (left * u64::from(other.union)).cmp(&(right * u64::from(self.union)))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ratio {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overlap_asked_for_is_the_least_that_reaches_the_ratio() {
        for (a, b) in (1..24).flat_map(|a| (1..24).map(move |b| (a, b))) {
            for (shared, c, d) in [(1, 1, 1), (1, 2, 7), (3, 7, 5), (5, 9, 11), (1, 40, 60)] {
                let ratio = Ratio::of(shared, c, d);
                let least = (0..=a.min(b)).find(|shared| Ratio::of(*shared, a, b) >= ratio);
                let asked = ratio.overlap(a, b);
                assert_eq!(least.unwrap_or(asked), asked, "{a} {b} {ratio:?}");
                assert!(least.is_some() || asked > a.min(b), "{a} {b} {ratio:?}");
            }
        }
    }

    #[test]
    fn ratios_and_scores_compare_alike() {
        let all: Vec<Ratio> =
            (1..20).flat_map(|union| (1..=union).map(move |shared| Ratio { shared, union })).collect();
        for (left, right) in all.iter().flat_map(|left| all.iter().map(move |right| (left, right))) {
            assert_eq!(left.cmp(right), left.score().total_cmp(&right.score()));
        }
    }
}
