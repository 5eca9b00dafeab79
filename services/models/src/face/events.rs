//! The events of a stream on their way from a provider to a caller of the same form.
//!
//! Bytes pass as they come. Only where the provider tells the usage for our sake and the caller did not ask for it are
//! events told apart, and that one left out.

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Passes the bytes of one stream on.
#[derive(Debug)]
pub struct Events {
    leaves_usage_out: bool,
    /// The beginning of an event whose end has not come yet.
    rest: BytesMut,
}

/// A chunk of a chat completion, as far as it must be known.
#[derive(Deserialize)]
struct Chunk {
    choices: Vec<IgnoredAny>,
    usage: Option<IgnoredAny>,
}

// === impl Events ===

impl Events {
    /// For a caller who wants everything, or everything but the usage.
    #[must_use]
    pub fn new(leaves_usage_out: bool) -> Self {
        Self { leaves_usage_out, rest: BytesMut::new() }
    }

    /// What can be passed on with these bytes; may be empty.
    pub fn push(&mut self, bytes: Bytes) -> Bytes {
        if !self.leaves_usage_out {
            return bytes;
        }
        let whole = match (self.rest.is_empty(), ends(&bytes)) {
            (true, end) if end == bytes.len() => bytes,
            (true, end) => {
                self.rest.extend_from_slice(&bytes[end..]);
                bytes.slice(..end)
            }
            (false, _) => {
                self.rest.extend_from_slice(&bytes);
                let end = ends(&self.rest);
                self.rest.split_to(end).freeze()
            }
        };
        if contains(&whole, b"\"usage\"") { without_usage(&whole) } else { whole }
    }

    /// What is left when no more bytes come.
    pub fn end(&mut self) -> Bytes {
        std::mem::take(&mut self.rest).freeze()
    }
}

/// Where the last event that is whole ends.
fn ends(bytes: &[u8]) -> usize {
    let mut end = bytes.len();
    while let Some(feed) = bytes[..end].iter().rposition(|byte| *byte == b'\n') {
        let before = bytes[..feed].strip_suffix(b"\r").unwrap_or(&bytes[..feed]);
        if before.ends_with(b"\n") {
            return feed + 1;
        }
        end = feed;
    }
    0
}

fn without_usage(events: &Bytes) -> Bytes {
    let mut kept = BytesMut::with_capacity(events.len());
    let mut rest = &events[..];
    while !rest.is_empty() {
        let (event, after) = rest.split_at(first_end(rest));
        if !tells_usage(event) {
            kept.extend_from_slice(event);
        }
        rest = after;
    }
    kept.freeze()
}

/// Where the first event ends.
fn first_end(bytes: &[u8]) -> usize {
    let mut begin = 0;
    while let Some(length) = bytes[begin..].iter().position(|byte| *byte == b'\n') {
        let line = &bytes[begin..begin + length];
        begin += length + 1;
        if line.is_empty() || line == b"\r" {
            return begin;
        }
    }
    bytes.len()
}

/// Whether an event is the one that tells the usage and nothing else.
fn tells_usage(event: &[u8]) -> bool {
    let lines = event.split(|byte| *byte == b'\n');
    let mut data = lines.filter_map(|line| line.strip_prefix(b"data:"));
    data.any(|data| {
        let chunk = serde_json::from_slice::<Chunk>(data);
        chunk.is_ok_and(|chunk| chunk.choices.is_empty() && chunk.usage.is_some())
    })
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n";
    const FIRST: &str =
        ": hello\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\" ع\"}}],\"usage\":null}\n\n";
    const LAST: &str =
        "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3}}\r\n\r\n";

    fn passed(leaves_usage_out: bool, cuts: impl Iterator<Item = Bytes>) -> Vec<u8> {
        let mut events = Events::new(leaves_usage_out);
        let mut passed: Vec<u8> = cuts.flat_map(|bytes| events.push(bytes)).collect();
        passed.extend(events.end());
        passed
    }

    fn cut(text: &str, at: &[usize]) -> Vec<Bytes> {
        let mut places: Vec<usize> = at.iter().map(|at| at % text.len()).chain([0, text.len()]).collect();
        places.sort_unstable();
        places.windows(2).map(|pair| Bytes::copy_from_slice(&text.as_bytes()[pair[0]..pair[1]])).collect()
    }

    proptest! {
        #[test]
        fn whatever_way_the_bytes_are_cut_only_the_usage_is_left_out(at in prop::collection::vec(any::<usize>(), 0..8)) {
            let stream = format!("{FIRST}{LAST}{USAGE}data: [DONE]\n\n");
            let kept = format!("{FIRST}{LAST}data: [DONE]\n\n");
            prop_assert_eq!(passed(true, cut(&stream, &at).into_iter()), kept.into_bytes());
            prop_assert_eq!(passed(false, cut(&stream, &at).into_iter()), stream.into_bytes());
        }
    }

    #[test]
    fn whole_events_pass_without_being_copied() {
        let bytes = Bytes::from_static(FIRST.as_bytes());
        let mut events = Events::new(true);
        let first = "data: {\"choices\":[{}]}\n\n";
        let plain = Bytes::from_static(first.as_bytes());
        assert_eq!(events.push(plain.clone()).as_ptr(), plain.as_ptr());
        assert_eq!(events.push(bytes), FIRST);
    }
}
