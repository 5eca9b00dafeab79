//! What the scripted provider does with a call.

use std::time::Duration;

use http::{HeaderName, HeaderValue, header::RETRY_AFTER};
use serde_json::json;

mod chunks;
mod garble;
mod said;
mod shape;

pub(crate) use chunks::{Chunks, Rendered};
pub use garble::{Garble, NoGarble};
pub use said::{Said, ToolCall, Usage};
pub use shape::{Break, Shape};

/// One way to answer. The methods bend it further:
/// `Reply::Says("…".into()).cut(1).every(Duration::from_secs(1))` sends one byte a second.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The model says this text: whole or streamed word by word, as the call asks.
    Says(String),
    /// The model calls these tools; in a stream their arguments come in pieces.
    Calls(Vec<ToolCall>),
    /// This HTTP status, with an error in the wire's shape.
    Fails(u16),
    /// This HTTP status, with an error in the wire's shape that has this code, such as `insufficient_quota`.
    Refuses(u16, String),
    /// This body with status 200 and this content type, whatever was asked.
    Raw(&'static str, String),
    /// The beginning of an answer and then one endless word, until so many bytes are sent. They are made as the
    /// client reads them, so that 10 GB cost nothing.
    Endless(u64),
    /// Nothing, for ever: no headers either.
    Hangs,
    /// A TCP reset instead of headers.
    Resets,
    /// Another reply, bent.
    Shaped(Box<Reply>, Shape),
}

// === impl Reply ===

impl Reply {
    /// A reviewer's answer without findings.
    pub fn review(decision: &str, score: u32, summary: &str) -> Reply {
        let answer = json!({"decision": decision, "score": score, "summary": summary, "findings": []});
        Reply::Says(answer.to_string())
    }

    /// A page of HTML with status 200, as a captive portal or a misled proxy sends it.
    pub fn html() -> Reply {
        Reply::Raw("text/html", "<!doctype html><title>Welcome</title><h1>It works</h1>".to_owned())
    }

    /// A 429 with this `Retry-After`, which may be anything: `20`, `999999`, a date, garbage.
    ///
    /// # Panics
    /// When the text cannot stand in a header.
    pub fn throttled(retry_after: &str) -> Reply {
        Reply::Fails(429).header(RETRY_AFTER.as_str(), retry_after)
    }

    /// Waits before the headers.
    #[must_use]
    pub fn after(self, wait: Duration) -> Reply {
        self.shape(|shape| shape.wait = wait)
    }

    /// Cuts the bytes into chunks of so many, wherever that falls: within a character, an event, a JSON string.
    /// Without it a chunk is an event of a stream or the whole answer.
    ///
    /// # Panics
    /// When `bytes` is 0.
    #[must_use]
    pub fn cut(self, bytes: usize) -> Reply {
        assert!(bytes > 0, "a chunk has at least one byte");
        self.shape(|shape| shape.cut = Some(bytes))
    }

    /// Waits before each chunk but the first.
    #[must_use]
    pub fn every(self, wait: Duration) -> Reply {
        self.shape(|shape| shape.every = wait)
    }

    /// After so many chunks: nothing more, with the connection open. Of a reply that has fewer chunks nothing is lost.
    #[must_use]
    pub fn hang_after(self, chunks: usize) -> Reply {
        self.shape(|shape| shape.stop = Some((chunks, Break::Hang)))
    }

    /// After so many chunks: a TCP reset.
    #[must_use]
    pub fn reset_after(self, chunks: usize) -> Reply {
        self.shape(|shape| shape.stop = Some((chunks, Break::Reset)))
    }

    /// After so many chunks: the connection closes in the middle of the body.
    #[must_use]
    pub fn close_after(self, chunks: usize) -> Reply {
        self.shape(|shape| shape.stop = Some((chunks, Break::Close)))
    }

    /// After so many chunks: a proper end of a body that is not whole. With [`cut`](Reply::cut), truncated JSON.
    #[must_use]
    pub fn end_after(self, chunks: usize) -> Reply {
        self.shape(|shape| shape.stop = Some((chunks, Break::End)))
    }

    /// Spoils a chunk (0 is the first), before any cutting.
    #[must_use]
    pub fn garble(self, chunk: usize, garble: Garble) -> Reply {
        self.shape(|shape| shape.garble = Some((chunk, garble)))
    }

    /// Leaves the usage out.
    #[must_use]
    pub fn without_usage(self) -> Reply {
        self.shape(|shape| shape.usage = Some(None))
    }

    /// Tells this usage instead of 11 tokens in and one for each word out.
    #[must_use]
    pub fn usage(self, usage: Usage) -> Reply {
        self.shape(|shape| shape.usage = Some(Some(usage)))
    }

    /// Ends the answer for this reason, in the wire's own words, such as `length`.
    #[must_use]
    pub fn finish(self, reason: &str) -> Reply {
        self.shape(|shape| shape.finish = Some(reason.to_owned()))
    }

    /// Adds a header.
    ///
    /// # Panics
    /// When the name or the value cannot stand in a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Reply {
        let name = HeaderName::try_from(name).expect("the name of a header");
        let value = HeaderValue::try_from(value).expect("the value of a header");
        self.shape(|shape| shape.headers.push((name, value)))
    }

    fn shape(self, change: impl FnOnce(&mut Shape)) -> Reply {
        let (reply, mut shape) = self.into_parts();
        change(&mut shape);
        Reply::Shaped(Box::new(reply), shape)
    }

    /// What is answered, and how it is bent.
    pub(crate) fn into_parts(self) -> (Reply, Shape) {
        match self {
            Reply::Shaped(reply, shape) => (*reply, shape),
            reply => (reply, Shape::default()),
        }
    }
}
