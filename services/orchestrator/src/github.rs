//! GitHub, as far as a job needs it: the change that an event only names.
//!
//! Asked through the stack toward the outside. The diff is believed only if the pull request's head is the event's
//! before and after it was read: a push in between would show agents another change than the one they decide about.

mod pull;
#[cfg(test)]
mod tests;
mod verdict;

use std::{str, time::Duration};

use bsm_runtime::{
    call::Call,
    guards::Guards,
    outside::{self, Body, Declared, Destination, HttpClient, Outside, Server, Trouble, Trust},
    settings::GitHubSettings,
};
use bsm_stack::{
    breaker::{self, Judge},
    bulkhead,
    classify::Outcome,
    retry::Idempotent,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::BodyExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tracing::warn;

pub use pull::{NotAPull, PullRef};
use verdict::{GitHubClassifier, is_throttled, retry_after};

/// What its guards are called.
const NAME: &str = "github";
/// The whole of one call, and of all that a change takes.
const ONE_CALL: Duration = Duration::from_secs(30);
const WHOLE_CHANGE: Duration = Duration::from_secs(60);
/// From sending to the head of an answer: GitHub computes a diff when it is asked for.
const ATTEMPT: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(5);
/// The longest diff that is taken, in bytes, as long as one that the gateway takes from a delivery; and the longest
/// description of a pull request.
pub const LONGEST_DIFF: usize = 2 * 1024 * 1024;
const LONGEST_DESCRIPTION: usize = 1024 * 1024;

const AS_JSON: HeaderValue = HeaderValue::from_static("application/vnd.github+json");
const AS_DIFF: HeaderValue = HeaderValue::from_static("application/vnd.github.diff");

/// A way to GitHub's REST API, for one token.
#[derive(Clone, Debug)]
pub struct GitHub {
    way: Outside,
    url: String,
    token: HeaderValue,
}

/// GitHub cannot be asked with these settings.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The token is none.
    #[error("GITHUB_TOKEN cannot stand in a header: it must be one line of visible ASCII characters")]
    Token,
    /// The HTTP client cannot be made.
    #[error("could not prepare connections to GitHub")]
    Client(#[source] outside::NoClient),
}

/// Why a change could not be fetched: a sentence without its full stop, without addresses and secrets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfetched {
    /// There is no answer.
    #[error("GitHub {0}")]
    Trouble(Trouble),
    /// GitHub asks for fewer calls.
    #[error("GitHub asks for fewer calls{}", retry_in.map(|wait| format!("; the next in {} s", wait.as_secs())).unwrap_or_default())]
    Throttled {
        /// When the next may come, if it says so.
        retry_in: Option<Duration>,
    },
    /// It refuses the token.
    #[error("GitHub refuses the token (status {0})")]
    Token(u16),
    /// There is no such pull request for this token.
    #[error("GitHub knows no such pull request, or the token may not see it")]
    Unknown,
    /// It answered something else than it was asked for.
    #[error("GitHub answered with status {0}")]
    Status(u16),
    /// A success that is none.
    #[error("GitHub's answer is not {0}")]
    Malformed(&'static str),
    /// It is longer than is taken.
    #[error("the {what} is longer than {limit} bytes")]
    TooLong {
        /// What of it.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// The pull request is about another commit by now.
    #[error("its head has moved from {expected} to {found}")]
    HeadMoved {
        /// The event's.
        expected: String,
        /// The present one.
        found: String,
    },
}

/// A pull request, as far as it is read.
#[derive(Deserialize)]
struct Description {
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
}

// === impl GitHub ===

impl GitHub {
    /// A way to GitHub with its guards listed; `None` without a token. Asks nobody.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(settings: &GitHubSettings, guards: &Guards) -> Result<Option<GitHub>, OpenError> {
        let Some(token) = &settings.token else { return Ok(None) };
        if outside::in_the_clear(&settings.url) {
            warn!("GITHUB_TOKEN goes over an unencrypted connection; use https");
        }
        let trust = Trust::needed_for(&settings.url);
        let destination = Destination { name: NAME, url: &settings.url, declared: Declared::ByUrl };
        let client = HttpClient::new(destination, CONNECT, trust, guards.egress());
        let client = client.map_err(OpenError::Client)?;
        let way = Outside::to(server(), client, guards);
        Ok(Some(GitHub { way, url: settings.url.clone(), token: bearer(token)? }))
    }

    /// The diff of a pull request whose head is this commit, at most [`LONGEST_DIFF`] long. Cancel safe: dropping the
    /// future ends the call.
    ///
    /// # Errors
    /// [`Unfetched`]; a head that has moved is one.
    pub async fn diff(&self, call: &Call, pull: &PullRef) -> Result<String, Unfetched> {
        let call = call.within(WHOLE_CHANGE);
        self.check_head(&call, pull).await?;
        let diff = self.get(&call, pull, AS_DIFF, LONGEST_DIFF, "diff").await?;
        self.check_head(&call, pull).await?; // a push may have come in between
        Ok(diff)
    }

    async fn check_head(&self, call: &Call, pull: &PullRef) -> Result<(), Unfetched> {
        let text = self.get(call, pull, AS_JSON, LONGEST_DESCRIPTION, "description").await?;
        let Description { head } =
            serde_json::from_str(&text).map_err(|_| Unfetched::Malformed("a pull request"))?;
        if head.sha == pull.head() {
            return Ok(());
        }
        Err(Unfetched::HeadMoved { expected: short(pull.head()), found: short(&head.sha) })
    }

    async fn get(
        &self,
        call: &Call,
        pull: &PullRef,
        accept: HeaderValue,
        limit: usize,
        what: &'static str,
    ) -> Result<String, Unfetched> {
        let request = Request::get(format!("{}{}", self.url, pull.path()));
        let request = request.header(header::ACCEPT, &accept).header(header::AUTHORIZATION, &self.token);
        let request = request.header("x-github-api-version", "2022-11-28").body(Bytes::new());
        let mut request = request.map_err(|_| Unfetched::Trouble(Trouble::Malformed))?;
        request.extensions_mut().insert(Idempotent);
        call.mark(&mut request);
        let answered = self.way.ask(request).await;
        let mut answer = answered.map_err(|error| Unfetched::Trouble(Trouble::of(&*error)))?;
        if !answer.status().is_success() {
            return Err(refusal(&answer));
        }
        let permit = answer.extensions_mut().remove::<Judge>().and_then(|judge| judge.take());
        let read = read(answer, &accept, limit, what).await;
        let outcome = match &read {
            Err(Unfetched::Malformed(_)) => Some(Outcome::Failure),
            Err(Unfetched::Trouble(Trouble::Late)) => None, // the caller's time, which says nothing about GitHub
            Err(Unfetched::Trouble(_)) => Some(Outcome::Failure),
            _ => Some(Outcome::Healthy),
        };
        if let (Some(permit), Some(outcome)) = (permit, outcome) {
            permit.record(outcome);
        }
        read
    }
}

fn server() -> Server<GitHubClassifier> {
    Server {
        name: NAME.to_owned(),
        deadline: ONE_CALL,
        attempt: ATTEMPT,
        breaker: breaker::Config::provider(),
        bulkhead: bulkhead::Config { max_in_flight: 10, max_queue: 64 },
        classifier: GitHubClassifier,
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, OpenError> {
    let value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()));
    let mut value = value.map_err(|_| OpenError::Token)?;
    value.set_sensitive(true); // keeps it out of the HTTP library's own traces
    Ok(value)
}

/// What an answer other than a success means.
fn refusal(answer: &Response<Body>) -> Unfetched {
    match answer.status().as_u16() {
        status if is_throttled(status, answer.headers()) => {
            Unfetched::Throttled { retry_in: retry_after(answer.headers()) }
        }
        status @ (401 | 403) => Unfetched::Token(status),
        404 => Unfetched::Unknown,
        406 => Unfetched::TooLong { what: "diff", limit: LONGEST_DIFF }, // more than GitHub itself shows
        status => Unfetched::Status(status),
    }
}

/// The whole body as text, if it is what was asked for.
async fn read(
    answer: Response<Body>,
    accepted: &HeaderValue,
    limit: usize,
    what: &'static str,
) -> Result<String, Unfetched> {
    let expected = if *accepted == AS_JSON { "json" } else { "diff" };
    if !says(answer.headers(), expected) {
        return Err(Unfetched::Malformed(if *accepted == AS_JSON { "a pull request" } else { "a diff" }));
    }
    let (mut body, mut bytes) = (answer.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unfetched::Trouble(Trouble::of(&*error)))?;
        bytes.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
        if bytes.len() > limit {
            return Err(Unfetched::TooLong { what, limit });
        }
    }
    String::from_utf8(bytes).map_err(|_| Unfetched::Malformed("text in UTF-8"))
}

/// Whether the content type names this; a page of HTML does not.
fn says(headers: &HeaderMap, expected: &str) -> bool {
    let said = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    said.is_some_and(|said| said.contains(expected))
}

/// Enough of a commit to know it by, and nothing that is none.
fn short(sha: &str) -> String {
    sha.chars().filter(char::is_ascii_alphanumeric).take(12).collect()
}
