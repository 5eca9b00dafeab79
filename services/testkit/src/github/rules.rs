//! Who may call, how often, and what goes wrong when.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::Method;
use serde::{Deserialize, Serialize};

use super::request::Call;
use crate::span::Span;

/// Whose a token is and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The user.
    pub login: String,
    /// What it may do.
    pub access: Access,
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// GET only.
    Read,
    /// Everything.
    Write,
}

/// A kind of call: a method, if it matters, and a part of the path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct On {
    /// Such as `PUT`; any, if absent.
    #[serde(default)]
    pub method: Option<String>,
    /// Such as `/merge`; any, if empty.
    #[serde(default)]
    pub path: String,
}

/// What goes wrong with a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// This status, without having done anything.
    Status(u16),
    /// 403 with `x-ratelimit-remaining: 0` and a reset this far away.
    RateLimited(Span),
    /// 403 of the secondary limit, with this `Retry-After` in seconds.
    SecondaryLimit(u64),
    /// It is done, but the connection is reset before the answer: the caller cannot know.
    LosesAnswer,
    /// A reset before anything is done.
    Resets,
    /// No answer, and nothing is done.
    Hangs,
    /// It is done, but the answer comes this much later.
    Late(Span),
    /// 502 with a page of HTML, without having done anything.
    BadGateway,
}

/// How many calls are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls until the reset.
    pub remaining: u64,
    /// Unix seconds.
    pub reset: u64,
}

#[derive(Debug, Default)]
pub(super) struct Rules {
    pub tokens: HashMap<String, Token>,
    pub rate: RateLimit,
    pub met: usize,
    troubles: Vec<(On, usize, Trouble)>,
    pushes: Vec<Push>,
}

/// A push that waits for its moment.
#[derive(Debug)]
pub(super) struct Push {
    on: On,
    pub repo: String,
    pub number: u64,
    pub sha: String,
}

// === impl On ===

impl On {
    /// Any call.
    #[must_use]
    pub fn any() -> On {
        On::default()
    }

    /// A call with this method whose path contains this.
    #[must_use]
    pub fn call(method: &Method, path: &str) -> On {
        On { method: Some(method.to_string()), path: path.to_owned() }
    }

    /// A merge.
    #[must_use]
    pub fn merge() -> On {
        On::call(&Method::PUT, "/merge")
    }

    fn matches(&self, call: &Call) -> bool {
        self.method.as_ref().is_none_or(|method| call.method == method.as_str())
            && call.path.contains(&self.path)
    }
}

// === impl RateLimit ===

impl RateLimit {
    /// What a user gets in an hour.
    pub(super) const HOURLY: u64 = 5_000;

    pub(super) fn new(remaining: u64, reset_in: Duration) -> RateLimit {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        RateLimit { remaining, reset: (now + reset_in).as_secs() }
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        RateLimit::new(RateLimit::HOURLY, Duration::from_secs(3_600))
    }
}

// === impl Rules ===

impl Rules {
    pub(super) fn trouble(&mut self, on: On, times: usize, trouble: Trouble) {
        self.troubles.push((on, times, trouble));
    }

    pub(super) fn push_on(&mut self, on: On, repo: &str, number: u64, sha: &str) {
        self.pushes.push(Push { on, repo: repo.to_owned(), number, sha: sha.to_owned() });
    }

    /// The trouble that this call meets: of those that match, the one that was told first.
    pub(super) fn take_trouble(&mut self, call: &Call) -> Option<Trouble> {
        let at = self.troubles.iter().position(|(on, times, _)| *times > 0 && on.matches(call))?;
        self.troubles[at].1 -= 1;
        self.met += 1;
        Some(self.troubles[at].2.clone())
    }

    /// The pushes whose moment this call is.
    pub(super) fn take_pushes(&mut self, call: &Call) -> Vec<Push> {
        self.pushes.extract_if(.., |push| push.on.matches(call)).collect()
    }

    /// Whether the limit lets the call through; counts it, if so.
    pub(super) fn spend(&mut self) -> bool {
        let left = self.rate.remaining.checked_sub(1);
        self.rate.remaining = left.unwrap_or(0);
        self.met += usize::from(left.is_none());
        left.is_some()
    }
}
