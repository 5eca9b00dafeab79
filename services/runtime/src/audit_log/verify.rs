//! Whether a log is as it was written: every line fits the one before it, and the last is the one that was written last.

use super::chain::{Key, Link, Misfit};

/// What is left of a log that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sound {
    /// The last line.
    pub(super) last: Link,
    /// Bytes of whole lines; what follows them was never acknowledged.
    pub(super) bytes: usize,
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A line does not fit.
    #[error("line {line}: {why}")]
    Line {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Lines that were written are not there.
    #[error("it ends with line {found}, and line {written} was written: lines are cut off at its end")]
    Cut {
        /// The last line there is.
        found: u64,
        /// The last that was written.
        written: u64,
    },
    /// The file beside it that names its last line is not there, or is not ours.
    #[error(
        "the file audit.head beside it, which names the last line, is missing or not written with this key; whether lines \
         are cut off at its end cannot be told"
    )]
    Head,
    /// There is a key that was made for it, and nothing else.
    #[error("a key is here and no line: it was removed, or the process ended before its first line")]
    Gone,
    /// It has lines of an older version, which carry no hash.
    #[error("it is of a version that chained no lines")]
    Unchained,
}

/// Checks a log from its first line on. `head` is what the file beside it says.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn verify(key: &Key, name: &str, text: &[u8], head: Option<&str>) -> Result<Sound, Broken> {
    let named = head.and_then(|head| key.read_head(head));
    let (mut last, mut bytes, mut met) = (key.genesis(name), 0, None);
    let is_head = |link: &Link| named.filter(|named| named.seq == link.seq).map(|named| named == *link);
    met = met.or(is_head(&last));
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(whole) = line.strip_suffix(b"\n") else { break };
        let at = last.seq + 1;
        let read = std::str::from_utf8(whole).map_err(|_| Misfit::Hash);
        last = read.and_then(|line| key.check(&last, line)).map_err(|why| match (why, at) {
            (Misfit::Unchained, 1) => Broken::Unchained,
            (why, line) => Broken::Line { line, why: why.to_string() },
        })?;
        bytes += line.len();
        met = met.or(is_head(&last));
    }
    match (named, met) {
        _ if last.seq == 0 && head.is_none() => Ok(Sound { last, bytes }), // nothing was written yet
        (None, _) | (_, Some(false)) => Err(Broken::Head),
        (Some(_), Some(true)) => Ok(Sound { last, bytes }),
        (Some(named), None) => Err(Broken::Cut { found: last.seq, written: named.seq }),
    }
}
