//! Randomness that is the same in every run: a number drawn from a seed and a place in a sequence.

/// A sequence of pseudo-random numbers (SplitMix64). The n-th number depends on the seed and on n alone, so calls
/// that arrive in another order still meet the same fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

// === impl Seed ===

impl Seed {
    /// The n-th number of the sequence.
    #[must_use]
    pub const fn at(self, n: u64) -> u64 {
        let mut z = self.0.wrapping_add(n.wrapping_add(1).wrapping_mul(GAMMA));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The n-th number as a share: at least 0, below 1.
    #[must_use]
    pub fn share(self, n: u64) -> f64 {
        (self.at(n) >> 11) as f64 / (1_u64 << 53) as f64 // 53 bits, all that an f64 holds exactly
    }

    /// Another sequence, for instance one for each connection.
    #[must_use]
    pub const fn fork(self, n: u64) -> Seed {
        Seed(self.at(n) ^ GAMMA)
    }
}

#[cfg(test)]
mod tests {
    use super::Seed;

    #[test]
    fn the_same_seed_and_place_give_the_same_number() {
        assert_eq!(Seed(7).at(3), Seed(7).at(3));
        assert_ne!(Seed(7).at(3), Seed(7).at(4));
        assert_ne!(Seed(7).at(3), Seed(8).at(3));
        assert_ne!(Seed(7).at(3), Seed(7).fork(0).at(3));
    }

    #[test]
    fn shares_spread_over_the_whole_range() {
        let shares: Vec<f64> = (0..10_000).map(|n| Seed(1).share(n)).collect();
        let mean = shares.iter().sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
    }
}
