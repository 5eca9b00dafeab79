//! Ids of tool calls in a conversation that goes on with another provider, whose rules for them are others.

/// Characters of an id that fits everywhere.
const SHORT: usize = 9;

/// Letters and digits, `_` and `-`, at most so many.
pub(super) fn is_plain(id: &str, most: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    (1..=most).contains(&id.len()) && id.bytes().all(plain)
}

/// Exactly nine letters and digits.
pub(super) fn is_short(id: &str) -> bool {
    id.len() == SHORT && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The id itself if it `fits`, else nine letters and digits in its place: the same wherever it stands.
pub(super) fn fitted(id: &str, fits: bool) -> String {
    if fits {
        return id.to_owned();
    }
    // FNV-1a: the same id gives the same word, and two of one conversation hardly ever meet.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")[..SHORT].to_owned()
}
