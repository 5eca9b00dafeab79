//! Random numbers for jitter: none of them secret, and always passed in where something is decided.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A source of numbers in [0, 1).
pub type Dice = fn() -> f64;

/// A number in [0, 1), different on every call and in every process. The standard library seeds `RandomState` from
/// the system and varies it with each use, which is all the randomness that jitter needs.
#[must_use]
pub fn roll() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::roll;

    #[test]
    fn rolls_are_spread_over_the_unit_interval() {
        let rolls: Vec<f64> = (0..1000).map(|_| roll()).collect();
        assert!(rolls.iter().all(|roll| (0.0..1.0).contains(roll)));
        let mean = rolls.iter().sum::<f64>() / 1000.0;
        assert!((0.4..0.6).contains(&mean), "{mean}");
    }
}
