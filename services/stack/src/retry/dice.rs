//! Random numbers for spreading retries: none of them secret, and always passed in where something is decided.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A source of numbers in [0, 1).
pub type Dice = fn() -> f64;

/// A number in [0, 1), different on every call and in every process: the standard library seeds `RandomState` from
/// the system and varies it with each use.
pub(super) fn roll() -> f64 {
    let bits = RandomState::new().build_hasher().finish() >> 11;
    bits as f64 / (1u64 << 53) as f64
}
