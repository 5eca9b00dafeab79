//! How important a call is: who is turned away first when there is not room for everyone.
//!
//! It travels as `x-bsm-priority` on the wire and as a [`Priority`] in the request's extensions inside a process. Who
//! may call itself critical is for the edge to decide; a layer believes the extension.

use http::{Extensions, HeaderMap, HeaderName};

/// The name of the header.
pub const PRIORITY: HeaderName = HeaderName::from_static("x-bsm-priority");

/// The importance of a call; the greater one stays longer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Nobody waits for it: nightly runs, indexing, backfills.
    Batch,
    /// A person or a job waits for it. The default.
    #[default]
    Normal,
    /// Losing it loses more than an answer: decisions, approvals, an emergency stop.
    Critical,
}

// === impl Priority ===

impl Priority {
    /// All of them, the first to be turned away first.
    pub const ALL: [Self; 3] = [Self::Batch, Self::Normal, Self::Critical];

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Normal => "normal",
            Self::Critical => "critical",
        }
    }

    /// Reads a name, whatever its case; `None` if it is none of the three.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str().eq_ignore_ascii_case(name))
    }

    /// What the header says; `None` without one and for one that cannot be read.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(PRIORITY)?.to_str().ok()?)
    }

    /// What was decided for a request; normal if nothing was.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_name_is_read_back_in_any_case() {
        for priority in Priority::ALL {
            assert_eq!(Priority::parse(priority.as_str()), Some(priority));
            assert_eq!(Priority::parse(&priority.as_str().to_uppercase()), Some(priority));
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_priority() {
        for value in [&b""[..], b"urgent", b"0", b"critical ", b"\xff"] {
            let mut headers = HeaderMap::new();
            headers.insert(PRIORITY, HeaderValue::from_bytes(value).expect("a header value"));
            assert_eq!(Priority::from_headers(&headers), None, "{value:?}");
        }
    }

    #[test]
    fn a_call_nobody_judged_is_normal() {
        assert_eq!(Priority::of(&Extensions::new()), Priority::Normal);
        let mut extensions = Extensions::new();
        extensions.insert(Priority::Batch);
        assert_eq!(Priority::of(&extensions), Priority::Batch);
    }

    #[test]
    fn critical_comes_before_normal_before_batch() {
        assert!(Priority::Critical > Priority::Normal && Priority::Normal > Priority::Batch);
    }
}
