//! What a failed attempt says about another one: tables, as data.

use std::error::Error;
use std::io;
use std::iter;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tower::BoxError;

use super::details::Details;
use crate::classify::{GRPC_STATUS, is_own_refusal};

#[cfg(test)]
mod tests;

/// A failure that another attempt may cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether the callee may have done the work.
    pub processed: Processed,
    /// What it asks of its callers.
    pub pushback: Pushback,
}

/// Whether a callee may have done the work of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processed {
    /// Provably not.
    No,
    /// Nobody knows.
    Perhaps,
}

/// What a callee says about calling it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushback {
    /// Nothing.
    Silent,
    /// Not before this time has passed.
    After(Duration),
    /// Not at all.
    Never,
}

/// The request never left this process: there was nobody to send it to. For those who connect, to mark an error that
/// does not show it by itself.
#[derive(Debug, thiserror::Error)]
#[error("the request was not sent")]
pub struct NotSent(#[source] pub BoxError);

/// The gRPC code that means "not now"; the only one that another attempt cures by itself.
const UNAVAILABLE: u8 = 14;
/// Another attempt helps only if the callee says when.
const RESOURCE_EXHAUSTED: u8 = 8;

/// The HTTP statuses that mean the same: a server or a proxy in trouble, and a provider's "overloaded".
const IN_TROUBLE: [u16; 5] = [500, 502, 503, 504, 529];
/// A server's own timeout before it has read the request, "too early", and trouble of its own.
const NOTHING_DONE: [u16; 6] = [408, 425, 500, 502, 503, 529];
const GATEWAY_TIMEOUT: u16 = 504;
/// Like `RESOURCE_EXHAUSTED`.
const TOO_MANY_REQUESTS: u16 = 429;

/// A whole number of milliseconds; anything else means never.
const PUSHBACK_MS: &str = "grpc-retry-pushback-ms";

// === impl Failure ===

impl Failure {
    /// What a response head says; `None` if it reports no failure, or one that another attempt does not cure.
    #[must_use]
    pub fn of_head(head: &Parts) -> Option<Self> {
        Self::of_status(head.status, &head.headers)
    }

    pub(super) fn of_status(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        if let Some(status) = headers.get(&GRPC_STATUS) {
            return of_grpc(code(status)?, headers);
        }
        if status.is_success() {
            return None; // the rule, which need not look at the headers
        }
        let pushback = pushback(headers, Pushback::Silent);
        let failure = Self { processed: Processed::Perhaps, pushback };
        match status.as_u16() {
            TOO_MANY_REQUESTS => matches!(pushback, Pushback::After(_)).then_some(failure),
            status => IN_TROUBLE.contains(&status).then_some(failure),
        }
    }

    /// What the head of an HTTP API's answer says, such as a model provider's, where work is paid for and few calls are
    /// marked [`Idempotent`](super::Idempotent).
    ///
    /// An answer that reports trouble says that nothing was produced, so it is safe to ask again; but for 504, with which
    /// somebody in between gave up on work that goes on.
    #[must_use]
    pub fn of_http_api(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        if status.is_success() {
            return None;
        }
        let pushback = pushback(headers, Pushback::Silent);
        let failure = |processed| Some(Self { processed, pushback });
        match status.as_u16() {
            TOO_MANY_REQUESTS if !matches!(pushback, Pushback::After(_)) => None,
            TOO_MANY_REQUESTS => failure(Processed::No),
            GATEWAY_TIMEOUT => failure(Processed::Perhaps),
            status if NOTHING_DONE.contains(&status) => failure(Processed::No),
            _ => None,
        }
    }

    /// What an error of the layers below says; `None` for a refusal of our own.
    #[must_use]
    pub fn of_error(error: &(dyn Error + 'static)) -> Option<Self> {
        if is_own_refusal(error) {
            return None; // an open circuit, a full bulkhead, the caller's deadline: none is cured by insisting
        }
        let not_processed = iter::successors(Some(error), |&error| error.source()).any(proves_not_processed);
        let processed = if not_processed { Processed::No } else { Processed::Perhaps };
        Some(Self { processed, pushback: Pushback::Silent })
    }
}

/// Whether a head says that the server turned the call away because it is about to end.
pub(crate) fn is_draining(headers: &HeaderMap) -> bool {
    grpc_status(headers) == Some(UNAVAILABLE) && Details::read(headers).draining
}

/// Whether a head reports success, as far as a head can.
pub(crate) fn is_good<B>(response: &Response<B>) -> bool {
    let headers = response.headers();
    response.status().is_success() && headers.get(&GRPC_STATUS).is_none_or(|status| code(status) == Some(0))
}

fn of_grpc(code: u8, headers: &HeaderMap) -> Option<Failure> {
    if !matches!(code, UNAVAILABLE | RESOURCE_EXHAUSTED) {
        return None; // whatever the details and the headers say
    }
    let details = Details::read(headers);
    let pushback = pushback(headers, details.retry);
    match code {
        UNAVAILABLE if details.passed_on => None, // the callee's own callee fails or rests; it is not for us to insist
        // A server that says when to come back, or that it is about to end, has turned the call away.
        UNAVAILABLE if details.retry != Pushback::Silent || details.draining => {
            Some(Failure { processed: Processed::No, pushback })
        }
        UNAVAILABLE => Some(Failure { processed: Processed::Perhaps, pushback }),
        RESOURCE_EXHAUSTED if matches!(pushback, Pushback::After(_)) => {
            Some(Failure { processed: Processed::Perhaps, pushback })
        }
        _ => None,
    }
}

fn grpc_status(headers: &HeaderMap) -> Option<u8> {
    code(headers.get(&GRPC_STATUS)?)
}

fn code(status: &HeaderValue) -> Option<u8> {
    status.to_str().ok()?.parse().ok()
}

/// The strictest of what the details and the headers ask for.
fn pushback(headers: &HeaderMap, details: Pushback) -> Pushback {
    let in_ms = headers.get(PUSHBACK_MS).map(|value| after(value.to_str().ok(), Duration::from_millis));
    // A date instead of seconds would need a clock that agrees with the callee's: never.
    let in_seconds = headers.get(RETRY_AFTER).map(|value| after(value.to_str().ok(), Duration::from_secs));
    [in_ms, in_seconds].into_iter().flatten().fold(details, Pushback::stricter)
}

fn after(number: Option<&str>, unit: fn(u64) -> Duration) -> Pushback {
    number.and_then(|text| text.trim().parse().ok()).map_or(Pushback::Never, |n| Pushback::After(unit(n)))
}

/// An error that shows that the request did not reach anybody's code: it was not sent, nobody listens, or the peer
/// says that it has not looked at the stream (REFUSED_STREAM, or a stream above the last one of an orderly GOAWAY).
fn proves_not_processed(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return error.kind() == io::ErrorKind::ConnectionRefused;
    }
    if let Some(error) = error.downcast_ref::<h2::Error>() {
        if let Some(error) = error.get_io() {
            return error.kind() == io::ErrorKind::ConnectionRefused; // h2 does not name it as a source
        }
        let orderly_end =
            error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR);
        return orderly_end || error.reason() == Some(h2::Reason::REFUSED_STREAM);
    }
    error.is::<NotSent>()
}

// === impl Pushback ===

impl Pushback {
    fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never, _) | (_, Self::Never) => Self::Never,
            (Self::After(a), Self::After(b)) => Self::After(a.max(b)),
            (Self::Silent, said) | (said, Self::Silent) => said,
        }
    }
}
