//! Which of a hundred equal shares of calls a correlation id falls into.
//!
//! FNV-1a (64 bits, the published offset and prime) over the flag's name, a colon and the id, finished by
//! MurmurHash3's `fmix64`, because FNV's high bits are poor for short texts; the product with 100, shifted down by 64
//! bits, is the share. Never change it: other processes and other releases decide by the same sum. The flag's name is
//! part of it so that the canaries of two flags are not the same calls.

use super::Flag;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// 0 to 99.
pub(super) fn of(flag: Flag, correlation_id: &str) -> u8 {
    let bytes = flag.name().bytes().chain([b':']).chain(correlation_id.bytes());
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    ((u128::from(mix(hash)) * 100) >> 64) as u8
}

const fn mix(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
