//! Retry: a second chance for a call that failed, where that helps and harms nobody.
//!
//! A retry multiplies load exactly when there is too much of it, so every rule here is about when *not* to:
//!
//! - at most [`Policy::max_attempts`], after an exponential backoff with full jitter that ends before the deadline;
//! - within a [`Budget`] shared by all calls of the edge;
//! - at one hop only: a request that may be repeated here whatever became of it says `x-bsm-retries: 0` to those below,
//!   and [`Upstream`] is obeyed here;
//! - a call that one of several endpoints provably did not process moves on to the next at once, at every hop and
//!   outside of the budget: that is no second chance but the first one, and it multiplies nothing, because an endpoint
//!   that has just turned a call away is not tried by the next ones;
//! - never what this process refused itself, such as an open circuit, nor what the callee says its own callee failed
//!   or its own open circuit refused;
//! - never once a head that reports no failure was forwarded: from then on the answer is the caller's;
//! - only calls marked [`Idempotent`], and calls that provably were not processed;
//! - as the callee asks: `RetryInfo`, `grpc-retry-pushback-ms` and `Retry-After` are honoured.
//!
//! | part | holds |
//! |---|---|
//! | [`Policy`] | the decision: (attempts so far, failure, now) → again or final; pure |
//! | [`Failure`] | what a failed attempt says about another one: tables |
//! | [`Budget`] | how many retries an edge may afford |
//! | [`ReplayBody`] | a request body that can be sent again |
//! | [`RetryLayer`] | where they meet a service |

use http::{Extensions, HeaderMap, HeaderName, StatusCode};
use tower::BoxError;

mod budget;
mod details;
mod failure;
mod layer;
#[cfg(test)]
mod outage;
mod policy;
mod replay;
#[cfg(test)]
mod tests;

pub use crate::dice::Dice;
pub use budget::{Budget, Config as BudgetConfig, Snapshot};
pub use failure::{Failure, NotSent, Processed, Pushback};
pub(crate) use failure::{is_draining, is_good};
pub use layer::{Reads, Retry, RetryFuture, RetryLayer};
pub use policy::{Policy, Tried, Verdict, Why};
pub use replay::ReplayBody;
pub(crate) use replay::{Whole, gather};

/// Says to those below how often they may retry what the caller will retry anyway: always `0`.
pub const RETRIES: HeaderName = HeaderName::from_static("x-bsm-retries");

/// How many attempts came before this one; absent on the first.
pub const PREVIOUS_ATTEMPTS: HeaderName = HeaderName::from_static("grpc-previous-rpc-attempts");

/// In a request's extensions: doing this call twice is as good as doing it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotent;

/// In a request's extensions: somebody above retries this call, so nobody below may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upstream;

/// In a request's extensions: if the callee asks for fewer calls (429), the caller has somebody else to ask, or another
/// key to ask with, and would rather do that at once than wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatherElsewhere;

/// In a response's extensions if it took more than one attempt: how many, this one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts(pub u32);

/// The last of several attempts ended in an error; its own kind is in the source.
#[derive(Debug, thiserror::Error)]
#[error("gave up after {attempts} attempts")]
pub struct GaveUp {
    /// How many attempts were made.
    pub attempts: u32,
    /// What the last one ended in.
    #[source]
    pub source: BoxError,
    /// What the one before ended in, if the last one is a refusal of this process: the last that the callee said.
    pub before: Option<Before>,
}

/// What became of an attempt that was made again.
#[derive(Debug)]
pub enum Before {
    /// The head of an answer; its body was let go.
    Answered(StatusCode, HeaderMap),
    /// An error.
    Failed(BoxError),
}

// === impl Attempts ===

impl Attempts {
    /// How many attempts a response took.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(1))
    }
}

// === impl Upstream ===

impl Upstream {
    /// What a request's headers say: present if somebody above retries.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        headers.get(RETRIES).is_some_and(|value| value == "0").then_some(Self)
    }
}

/// The `grpc-status-details-bin` of an error with that reason.
#[cfg(test)]
pub(crate) fn encode_details(reason: &str) -> String {
    details::encode(None, Some(reason))
}

/// Counts so many more attempts into the headers of the request that makes the next.
pub(crate) fn count_attempts(headers: &mut HeaderMap, more: u32) {
    let before: u32 =
        headers.get(PREVIOUS_ATTEMPTS).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
    headers.insert(PREVIOUS_ATTEMPTS, before.saturating_add(more).into());
}
