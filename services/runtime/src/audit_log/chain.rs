//! The chain: each line carries a number and a keyed hash over itself and the line before it. Pure.
//!
//! ```text
//! {"seq":7,"time":…,…,"mac":"<HMAC-SHA-256(key, mac of line 6 ‖ the line without its mac)>"}
//! ```
//! Without the key nobody can write, change, drop or move a line such that the next one still fits.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Before the hash of a line, and after it.
const BEFORE: &str = ",\"mac\":\"";
const AFTER: &str = "\"}";
const DIGITS: usize = 64;

/// What hashes are keyed with.
#[derive(Clone)]
pub(super) struct Key(Vec<u8>);

/// A line that fits: its number and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// From 1; 0 before the first line.
    pub(super) seq: u64,
    mac: [u8; 32],
}

/// Why a line does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Misfit {
    /// It has no hash, as lines of older versions.
    #[error("it carries no hash")]
    Unchained,
    /// It was changed, or stands elsewhere than it was written, or the key is another.
    #[error(
        "its hash does not fit: it was changed, moved or put in, or a line before it was, or the key is another"
    )]
    Hash,
    /// It has another number than its place.
    #[error("it is numbered {found} where {expected} is due")]
    Number {
        /// By its place.
        expected: u64,
        /// As it says.
        found: u64,
    },
}

// === impl Key ===

impl Key {
    pub(super) fn new(key: impl Into<Vec<u8>>) -> Key {
        Key(key.into())
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }

    /// Before the first line of the log of this name, so that no log can stand in for another.
    pub(super) fn genesis(&self, name: &str) -> Link {
        Link { seq: 0, mac: self.mac(&[b"bsm audit log, version 1\n", name.as_bytes()]) }
    }

    /// The next line, without its end, and the link that it is.
    pub(super) fn seal(&self, last: &Link, entry: Map<String, Value>) -> (String, Link) {
        let seq = last.seq + 1;
        let numbered: Map<_, _> = [("seq".to_owned(), seq.into())].into_iter().chain(entry).collect();
        let mut line = Value::Object(numbered).to_string();
        let mac = self.mac(&[&last.mac, line.as_bytes()]);
        line.truncate(line.len() - 1); // the closing brace
        line += BEFORE;
        line += &hex(&mac);
        line += AFTER;
        (line, Link { seq, mac })
    }

    /// The link that a line is, where it follows `last`.
    ///
    /// # Errors
    /// Why it does not.
    pub(super) fn check(&self, last: &Link, line: &str) -> Result<Link, Misfit> {
        let (body, shown) = parts(line).ok_or(Misfit::Unchained)?;
        let mac = self.mac(&[&last.mac, body.as_bytes(), b"}"]);
        if !bool::from(hex(&mac).as_bytes().ct_eq(shown.as_bytes())) {
            return Err(Misfit::Hash);
        }
        let (expected, found) = (last.seq + 1, number(line).unwrap_or_default());
        if found == expected {
            Ok(Link { seq: expected, mac })
        } else {
            Err(Misfit::Number { expected, found })
        }
    }

    /// What the head file says of the last line.
    pub(super) fn head(&self, last: &Link) -> String {
        let mac = self.mac(&[b"head\n", &last.seq.to_le_bytes(), &last.mac]);
        format!("{} {} {}\n", last.seq, hex(&last.mac), hex(&mac))
    }

    /// The link that a head file names; `None` where this key did not write it.
    pub(super) fn read_head(&self, text: &str) -> Option<Link> {
        let mut words = text.split_whitespace();
        let (seq, mac) = (words.next()?.parse().ok()?, unhex(words.next()?)?);
        let link = Link { seq, mac };
        (self.head(&link) == text).then_some(link)
    }
}

/// A line without its hash and closing brace, and its hash.
fn parts(line: &str) -> Option<(&str, &str)> {
    let before = line.strip_suffix(AFTER)?;
    let at = before.len().checked_sub(DIGITS)?;
    let (body, mac) = (before.get(..at)?, before.get(at..)?);
    Some((body.strip_suffix(BEFORE)?, mac))
}

/// The number of a line, which stands first.
fn number(line: &str) -> Option<u64> {
    let digits = line.strip_prefix("{\"seq\":")?;
    digits[..digits.find([',', '}'])?].parse().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != DIGITS || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
