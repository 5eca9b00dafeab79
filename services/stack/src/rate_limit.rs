//! Rate limit: how many calls one caller may make, by the generic cell rate algorithm.
//!
//! Each key (a caller, or an address) may make [`Quota::limit`] calls per [`Quota::per`], evenly spread, and
//! [`Quota::burst`] at once. The state of a key is a single point in time, so a decision is a comparison:
//! `decide(key, now) → Remaining or Refused`.
//!
//! The key space is bounded. A key that is idle long enough to have its whole burst again says nothing any more and is
//! forgotten; so nobody gains by being forgotten. When [`Config::max_keys`] are active all the same, those that come
//! new share one quota among them: a flood of made-up callers starves itself and other newcomers, not those that are
//! known, and memory stays where it is.
//!
//! The algorithm is our own because it must be told the time, and because governor's keyed store can neither be
//! bounded nor be asked who is idle without a walk over all of it.
//!
//! - `gcra`: one key's state; pure.
//! - `key`: [`Key`]: who is limited.
//! - `book`: the bounded key space; pure.
//! - `layer`: [`RateLimitLayer`], where that meets a service.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};
use tokio::time::Instant;

use self::book::Book;

mod book;
mod gcra;
mod key;
mod layer;
#[cfg(test)]
mod tests;

pub use key::Key;
pub use layer::{RateLimit, RateLimitFuture, RateLimitLayer};

/// How many calls one key may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls per [`per`](Self::per); at least 1.
    pub limit: u32,
    /// The time they are spread over; 1 µs to a day.
    pub per: Duration,
    /// Calls that may come at once; at least 1. As many as `limit` is a good choice.
    pub burst: u32,
}

/// A quota and how many keys may have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// What each key may do.
    pub quota: Quota,
    /// Keys that are told apart at once. 65,536 take a few megabytes; at least 1.
    pub max_keys: usize,
}

/// One limit for many keys; clones are handles to the same one.
#[derive(Clone)]
pub struct RateLimiter {
    shared: Arc<Shared>,
}

struct Shared {
    name: Arc<str>,
    quota: Quota,
    policy: HeaderValue,
    book: Mutex<Book>,
    refused: AtomicU64,
}

/// The call may be made, and this is what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Calls that may come at once when nothing was used.
    pub limit: u32,
    /// Calls that may come at once now.
    pub remaining: u32,
    /// When all of them may again.
    pub reset: Duration,
}

/// The call must not be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many calls: {limit} at once are allowed, try again in {retry_after:?}")]
pub struct Refused {
    /// Calls that may come at once when nothing was used.
    pub limit: u32,
    /// When the next one may.
    pub retry_after: Duration,
    /// When all of them may again.
    pub reset: Duration,
}

/// What a limiter looks like at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What it limits.
    pub name: Arc<str>,
    /// What each key may do.
    pub quota: Quota,
    /// Keys it knows; some of them may be idle by now.
    pub keys: usize,
    /// Keys it may know.
    pub max_keys: usize,
    /// Calls refused since the start of the process.
    pub refused_total: u64,
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

// === impl RateLimiter ===

impl RateLimiter {
    /// A limiter called `name`.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, config: Config) -> Self {
        let Config { quota, .. } = config;
        let shared = Shared {
            name: name.into(),
            quota,
            policy: policy(quota),
            book: Mutex::new(Book::new(config)),
            refused: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Decides about one call of `key` at `now`, and counts it.
    ///
    /// # Errors
    /// [`Refused`] if the key has used up what it may.
    pub fn decide(&self, key: &Key, now: Instant) -> Result<Remaining, Refused> {
        // The book is never left half-changed, so a panic elsewhere while it was held does not spoil it.
        let verdict = self.shared.book.lock().unwrap_or_else(PoisonError::into_inner).decide(key, now);
        self.shared.refused.fetch_add(u64::from(verdict.is_err()), Relaxed);
        verdict
    }

    /// Whether one call of `key` would be allowed at `now`; the call is not counted, a refusal is.
    ///
    /// # Errors
    /// [`Refused`] if the key has used up what it may.
    pub fn check(&self, key: &Key, now: Instant) -> Result<(), Refused> {
        let verdict = self.shared.book.lock().unwrap_or_else(PoisonError::into_inner).check(key, now);
        self.shared.refused.fetch_add(u64::from(verdict.is_err()), Relaxed);
        verdict
    }

    /// Whether a call of `key` would be refused at `now`. Counts nothing.
    #[must_use]
    pub fn is_used_up(&self, key: &Key, now: Instant) -> bool {
        self.shared.book.lock().unwrap_or_else(PoisonError::into_inner).check(key, now).is_err()
    }

    /// Writes `ratelimit-policy`: calls, and the seconds they are spread over.
    pub fn write_policy(&self, headers: &mut HeaderMap) {
        headers.insert(POLICY, self.shared.policy.clone());
    }

    /// What it looks like now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let book = self.shared.book.lock().unwrap_or_else(PoisonError::into_inner);
        Snapshot {
            name: Arc::clone(&self.shared.name),
            quota: self.shared.quota,
            keys: book.len(),
            max_keys: book.max_keys(),
            refused_total: self.shared.refused.load(Relaxed),
        }
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot().fmt(f)
    }
}

// === impl Remaining ===

impl Remaining {
    /// Writes `ratelimit-limit`, `-remaining` and `-reset`, the last in seconds, rounded up.
    pub fn write(&self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, self.limit.into());
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, seconds(self.reset));
    }
}

// === impl Refused ===

impl Refused {
    /// Writes the same headers, and `retry-after`.
    pub fn write(&self, headers: &mut HeaderMap) {
        Remaining { limit: self.limit, remaining: 0, reset: self.reset }.write(headers);
        headers.insert(RETRY_AFTER, seconds(self.retry_after));
    }
}

/// As the draft of the IETF has it: `100;w=900`.
fn policy(quota: Quota) -> HeaderValue {
    let seconds = quota.per.as_millis().div_ceil(1000);
    HeaderValue::try_from(format!("{};w={seconds}", quota.limit)).expect("digits and signs are a header")
}

/// Whole seconds, rounded up: whoever comes back then is not too early.
fn seconds(time: Duration) -> HeaderValue {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).into()
}
