//! Ways to spoil one chunk of a stream.

use std::str::FromStr;

use bytes::{BufMut, Bytes, BytesMut};

/// A fault within an event, as bad providers and worse proxies make them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garble {
    /// The event's JSON is cut in half; the stream goes on.
    HalfJson,
    /// Neither `data` nor a colon.
    NoField,
    /// A page of HTML in the middle of the stream.
    Html,
    /// A byte that is not UTF-8.
    NotUtf8,
    /// The blank line that ends the event is missing, so that it runs into the next.
    Unended,
    /// One event of so many bytes.
    Huge(usize),
    /// An error object in the place of the event, with the status 200 long gone.
    Error,
    /// The event comes twice.
    Twice,
}

// === impl Garble ===

impl Garble {
    pub(crate) fn spoil(self, chunk: &Bytes) -> Bytes {
        let event = |data: &[u8]| Bytes::from([b"data: ", data, b"\n\n"].concat());
        match self {
            Garble::HalfJson => {
                let half = &chunk[..chunk.len() / 2];
                Bytes::from([half.trim_ascii_end(), b"\n\n"].concat())
            }
            Garble::NoField => Bytes::from_static(b"{not an event at all}\n\n"),
            Garble::Html => Bytes::from_static(b"<html><h1>502 Bad Gateway</h1></html>\n\n"),
            Garble::NotUtf8 => event(b"{\"choices\":[{\"delta\":{\"content\":\"\xff\xfe\"}}]}"),
            Garble::Unended => Bytes::copy_from_slice(chunk.trim_ascii_end()),
            Garble::Huge(bytes) => {
                let mut huge = BytesMut::from(&b"data: "[..]);
                huge.put_bytes(b'a', bytes);
                huge.put_slice(b"\n\n");
                huge.freeze()
            }
            Garble::Error => {
                event(br#"{"error":{"message":"as scripted","type":"server_error","code":null}}"#)
            }
            Garble::Twice => Bytes::from([&chunk[..], &chunk[..]].concat()),
        }
    }
}

/// Text that names no way to spoil a chunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of half-json, no-field, html, not-utf8, unended, huge=BYTES, error, twice")]
pub struct NoGarble(String);

impl FromStr for Garble {
    type Err = NoGarble;

    fn from_str(text: &str) -> Result<Self, NoGarble> {
        let huge = |bytes: &str| bytes.parse().ok().map(Garble::Huge);
        let garble = match text {
            "half-json" => Some(Garble::HalfJson),
            "no-field" => Some(Garble::NoField),
            "html" => Some(Garble::Html),
            "not-utf8" => Some(Garble::NotUtf8),
            "unended" => Some(Garble::Unended),
            "error" => Some(Garble::Error),
            "twice" => Some(Garble::Twice),
            _ => text.strip_prefix("huge=").and_then(huge),
        };
        garble.ok_or_else(|| NoGarble(text.to_owned()))
    }
}
