//! What GitHub's answers say about GitHub.

use std::{error::Error, time::Duration};

use bsm_stack::classify::{Classify, HttpClassifier, Outcome};
use http::{HeaderMap, header, response::Parts};

/// [`HttpClassifier`], but for rate limits, which GitHub tells with 403 too, and for redirects, which it answers for
/// repositories that were renamed.
#[derive(Clone, Copy, Debug)]
pub(super) struct GitHubClassifier;

impl Classify for GitHubClassifier {
    fn head(&self, head: &Parts) -> Option<Outcome> {
        match head.status.as_u16() {
            status if is_throttled(status, &head.headers) => Some(Outcome::Throttled),
            300..=399 => Some(Outcome::Healthy),
            _ => HttpClassifier.head(head),
        }
    }

    fn trailers(&self, trailers: Option<&HeaderMap>) -> Outcome {
        HttpClassifier.trailers(trailers)
    }

    fn error(&self, error: &(dyn Error + 'static)) -> Outcome {
        HttpClassifier.error(error)
    }
}

/// Whether a refusal is about how often GitHub was asked: the primary limit says that nothing remains, the secondary
/// one when to come back.
pub(super) fn is_throttled(status: u16, headers: &HeaderMap) -> bool {
    let nothing_remains = headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0");
    status == 429 || (status == 403 && (nothing_remains || headers.contains_key(header::RETRY_AFTER)))
}

/// When the next call may come, as far as GitHub says so in seconds from now.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn verdict(status: u16, headers: &[(&str, &str)]) -> Option<Outcome> {
        let response = headers
            .iter()
            .fold(Response::builder().status(status), |r, (name, value)| r.header(*name, *value));
        GitHubClassifier.head(&response.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_rate_limit_is_throttling_and_a_refused_token_is_not() {
        assert_eq!(verdict(403, &[("x-ratelimit-remaining", "0")]), Some(Outcome::Throttled));
        assert_eq!(verdict(403, &[("retry-after", "60")]), Some(Outcome::Throttled));
        assert_eq!(verdict(429, &[]), Some(Outcome::Throttled));
        assert_eq!(verdict(403, &[("x-ratelimit-remaining", "4999")]), Some(Outcome::Credential));
        assert_eq!(verdict(401, &[]), Some(Outcome::Credential));
    }

    #[test]
    fn the_rest_is_as_for_any_server_but_a_renamed_repository_is_an_answer() {
        assert_eq!(verdict(301, &[]), Some(Outcome::Healthy));
        assert_eq!(verdict(404, &[]), Some(Outcome::Healthy));
        assert_eq!(verdict(502, &[]), Some(Outcome::Failure));
        assert_eq!(verdict(200, &[]), None);
    }
}
