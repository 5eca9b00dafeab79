//! Which web pages of other origins may read our answers.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use bsm_runtime::settings::{Profile, Settings};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::client::authority;

/// Methods that any route of the gateway may take.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Headers of ours that a page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-correlation-id, retry-after, etag, age, warning, x-bsm-stale, x-bsm-cache, idempotent-replayed, ratelimit-policy, ratelimit-limit, ratelimit-remaining, ratelimit-reset",
);

/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Who may, beside the pages that this server serves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Every origin: outside production, as long as none is named.
    Any,
    /// Exactly these; none is the default of production.
    Only(Arc<[String]>),
}

impl Policy {
    pub(crate) fn of(settings: &Settings) -> Policy {
        let everybody = settings.cors_origins.iter().all(|origin| origin == "*"); // true of none as well
        match settings.profile {
            Profile::Development | Profile::Staging if everybody => Policy::Any,
            _ => Policy::Only(settings.cors_origins.as_slice().into()),
        }
    }

    /// Whether `origin` may read what the server at `own` (host and port) answers.
    pub(crate) fn allows(&self, origin: &str, own: Option<&str>) -> bool {
        is_own(origin, own)
            || match self {
                Policy::Any => true,
                Policy::Only(origins) => origins.iter().any(|allowed| allowed == origin),
            }
    }

    /// Whether the operator named this origin.
    pub(crate) fn names(&self, origin: &str) -> bool {
        matches!(self, Policy::Only(origins) if origins.iter().any(|allowed| allowed == origin))
    }
}

/// Whether a page of `origin` came from this very server.
pub(crate) fn is_own(origin: &str, own: Option<&str>) -> bool {
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    host.zip(own).is_some_and(|(host, own)| host.eq_ignore_ascii_case(own))
}

/// Adds the headers that an allowed origin needs. A refused one gets none, and its browser keeps the answer from
/// the page. Preflights go on to the router like every request, so that their answers look like all others.
pub(super) async fn apply<F>(policy: &Policy, request: Request, next: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.filter(|origin| {
        origin.to_str().is_ok_and(|origin| policy.allows(origin, authority(request.headers(), request.uri())))
    });
    let preflight = preflight(request.method(), request.headers());
    let mut response = next(request).await;
    // Caches must not give one origin's answer to another.
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = allowed {
        response.headers_mut().extend(headers(origin, preflight));
    }
    response
}

/// What a preflight wants to send; `None` when the request is none.
fn preflight(method: &Method, headers: &HeaderMap) -> Option<Option<HeaderValue>> {
    let is_preflight =
        method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    is_preflight.then(|| headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned())
}

/// No credentials are allowed: pages of other origins send a token in a header or nothing.
fn headers(origin: HeaderValue, preflight: Option<Option<HeaderValue>>) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = vec![(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin)];
    match preflight {
        None => headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED)),
        Some(wanted) => {
            headers.push((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS));
            headers.push((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE));
            headers.extend(wanted.map(|wanted| (header::ACCESS_CONTROL_ALLOW_HEADERS, wanted)));
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use bsm_runtime::settings::Layers;

    use super::*;

    #[test]
    fn an_empty_list_and_a_star_mean_every_origin_outside_production() {
        let policy = |profile: &str, origins: &str| {
            let flags = [("profile", profile), ("cors_origins", origins)];
            let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned()));
            Policy::of(&Settings::from_layers(&Layers::read(None, |_| None, &flags)).unwrap())
        };
        for profile in ["development", "staging"] {
            assert_eq!([policy(profile, ""), policy(profile, "*")], [Policy::Any, Policy::Any]);
        }
        assert!(!policy("production", "").allows("https://a.example", None));
        assert!(!policy("staging", "https://b.example").allows("https://a.example", None));
    }

    #[test]
    fn an_origin_is_allowed_when_named_exactly_or_our_own() {
        let only = Policy::Only(["https://app.example.com".to_owned()].into());
        let none = Policy::Only([].into());
        for (policy, origin, allowed) in [
            (&only, "https://app.example.com", true),
            (&only, "https://app.example.com.evil.com", false),
            (&only, "http://app.example.com", false),
            (&only, "http://localhost:8080", true), // our own
            (&none, "https://LOCALHOST:8080", true),
            (&none, "http://localhost:8081", false),
            (&none, "null", false),
            (&Policy::Any, "https://anything.example", true),
            (&Policy::Any, "null", true), // a page opened from a file
        ] {
            assert_eq!(policy.allows(origin, Some("localhost:8080")), allowed, "{origin}");
        }
    }
}
