//! How a reply is bent on its way to the client.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::{Garble, Said, Usage};

/// What [`Reply`](super::Reply)'s methods set. The default changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Before the headers.
    pub wait: Duration,
    /// Before each chunk but the first.
    pub every: Duration,
    /// Bytes of a chunk.
    pub cut: Option<usize>,
    /// After so many chunks, this.
    pub stop: Option<(usize, Break)>,
    /// This chunk is spoilt in this way.
    pub garble: Option<(usize, Garble)>,
    /// Further headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Another usage, or none.
    pub usage: Option<Option<Usage>>,
    /// Another reason for the end.
    pub finish: Option<String>,
}

/// How a body ends that does not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// It goes on for ever without a byte.
    Hang,
    /// TCP RST.
    Reset,
    /// TCP FIN in the middle of it.
    Close,
    /// Properly, but not whole.
    End,
}

// === impl Shape ===

impl Shape {
    pub(crate) fn bend(&self, mut said: Said) -> Said {
        said.usage = self.usage.unwrap_or(said.usage);
        said.finish = self.finish.clone().or(said.finish);
        said
    }

    /// Whether chunks must reach the client apart from each other.
    pub(crate) fn is_paced(&self) -> bool {
        self.cut.is_some() || !self.every.is_zero()
    }
}
