//! A rendered reply: status, headers and the chunks of the body, made as they are read.

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

use super::{Reply, Said, Shape};
use crate::{provider::Asked, wire::Wire};

/// An answer ready to send.
pub(crate) struct Rendered {
    pub status: StatusCode,
    pub kind: HeaderValue,
    pub chunks: Chunks,
}

/// The body's chunks.
pub(crate) enum Chunks {
    List(std::vec::IntoIter<Bytes>),
    Endless { head: Option<Bytes>, left: u64 },
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// What an endless body repeats.
static FILLER: [u8; 64 * 1024] = [b'a'; 64 * 1024];

// === impl Rendered ===

impl Rendered {
    /// `None`: no answer at all, because the reply hangs or resets.
    pub(crate) fn of(reply: Reply, shape: &Shape, wire: &dyn Wire, asked: &Asked) -> Option<Rendered> {
        let says = |text, calls| Rendered::says(&shape.bend(Said::new(text, calls)), wire, asked);
        let mut rendered = match reply {
            Reply::Says(text) => says(text, Vec::new()),
            Reply::Calls(calls) => says(String::new(), calls),
            Reply::Fails(code) => Rendered::fails(code, "", wire),
            Reply::Refuses(code, word) => Rendered::fails(code, &word, wire),
            Reply::Raw(kind, body) => {
                Rendered::new(StatusCode::OK, HeaderValue::from_static(kind), vec![body.into()])
            }
            Reply::Endless(bytes) => Rendered::endless(bytes, asked.stream),
            Reply::Hangs | Reply::Resets => return None,
            Reply::Shaped(inner, _) => return Rendered::of(*inner, shape, wire, asked),
        };
        rendered.chunks = rendered.chunks.bent(shape);
        Some(rendered)
    }

    fn new(status: StatusCode, kind: HeaderValue, chunks: Vec<Bytes>) -> Rendered {
        Rendered { status, kind, chunks: Chunks::List(chunks.into_iter()) }
    }

    fn says(said: &Said, wire: &dyn Wire, asked: &Asked) -> Rendered {
        if asked.stream {
            let chunks = wire.events(said, asked).iter().map(|event| event.bytes()).collect();
            return Rendered::new(StatusCode::OK, EVENTS, chunks);
        }
        Rendered::new(StatusCode::OK, JSON, vec![wire.whole(said, asked).to_string().into()])
    }

    fn fails(code: u16, word: &str, wire: &dyn Wire) -> Rendered {
        let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Rendered::new(status, JSON, vec![wire.error(code, word).to_string().into()])
    }

    /// Plausible from the first byte on, so that only a limit can tell that it never ends.
    fn endless(bytes: u64, stream: bool) -> Rendered {
        let (kind, head) = match stream {
            true => (EVENTS, r#"data: {"choices":[{"index":0,"delta":{"content":""#),
            false => (JSON, r#"{"choices":[{"index":0,"message":{"role":"assistant","content":""#),
        };
        let head = Bytes::from_static(head.as_bytes());
        let left = bytes.saturating_sub(head.len() as u64);
        Rendered { status: StatusCode::OK, kind, chunks: Chunks::Endless { head: Some(head), left } }
    }
}

// === impl Chunks ===

impl Chunks {
    /// Spoilt and cut as told. An endless body is neither: it has no events to spoil.
    fn bent(self, shape: &Shape) -> Chunks {
        let Chunks::List(list) = self else { return self };
        let mut chunks: Vec<Bytes> = list.collect();
        if let Some((at, garble)) = shape.garble
            && let Some(chunk) = chunks.get_mut(at)
        {
            *chunk = garble.spoil(chunk);
        }
        if let Some(size) = shape.cut {
            let all = Bytes::from(chunks.concat());
            chunks = (0..all.len()).step_by(size).map(|at| all.slice(at..all.len().min(at + size))).collect();
        }
        Chunks::List(chunks.into_iter())
    }

    /// Bytes that are still to come.
    pub(crate) fn left(&self) -> u64 {
        match self {
            Chunks::List(list) => list.as_slice().iter().map(|chunk| chunk.len() as u64).sum(),
            Chunks::Endless { head, left } => head.as_ref().map_or(0, |head| head.len() as u64) + left,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Chunks::List(list) => list.len() == 0,
            Chunks::Endless { head, left } => head.is_none() && *left == 0,
        }
    }
}

impl Iterator for Chunks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        match self {
            Chunks::List(list) => list.next(),
            Chunks::Endless { head, left } => {
                if let Some(head) = head.take() {
                    return Some(head);
                }
                let size = (*left).min(FILLER.len() as u64);
                *left -= size;
                (size > 0).then(|| Bytes::from_static(&FILLER[..size as usize]))
            }
        }
    }
}
