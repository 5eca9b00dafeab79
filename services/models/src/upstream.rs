//! The way to a provider's server: the stack toward the outside, bounded in what it takes in.

use std::error::Error;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use bsm_runtime::call::Call;
use bsm_runtime::guards::Guards;
use bsm_runtime::outside::{AsSent, Body, HeadWithin, InParts, Took, Trouble};
use bsm_stack::HttpClassifier;
use bsm_stack::breaker::{Judge, Permit, Snapshot};
use bsm_stack::retry::{Attempts, GaveUp, RatherElsewhere};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::Instant;
use tower::BoxError;

use crate::catalog::{Limits, Rate};
use crate::failure::{Failure, Kind};
use crate::keys::NoKey;
use crate::pace::{Out, Pace};
use crate::wire::Outgoing;

mod families;
mod quota;

use families::Families;
pub use families::MOST_FAMILIES;
use quota::Quota;

/// Bytes of one answer at most, whole or streamed.
pub const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// A provider's server.
#[derive(Debug)]
pub struct Upstream {
    families: Families,
    /// How many calls may begin at the provider as a whole.
    quota: Option<Quota>,
    base_url: String,
}

/// How much a provider is asked beside what its bulkhead holds.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    /// Calls that may begin at the provider as a whole.
    pub rate: Option<Rate>,
    /// The limits of families that have their own.
    pub families: Vec<(Arc<str>, Limits)>,
}

/// What a caller would rather do about a 429 than wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// Nothing: a short wait is made here.
    Waits,
    /// Ask with another key.
    GoesElsewhere,
}

/// On which terms a request goes out.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Puts the key into its headers as it goes out.
    pub key: AsSent,
    /// What is rather done than waiting.
    pub throttled: Throttled,
    /// How long the head of the answer may take, where that is less than the time of an attempt.
    pub head: Option<Duration>,
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Reply {
    response: Response<Body>,
    read: usize,
}

// === impl Upstream ===

impl Upstream {
    /// A way to the server at `base_url`, which has no trailing slash. The breaker of `model`'s family is listed at
    /// once, those of others when they are first asked.
    #[must_use]
    pub fn new(
        server: InParts<HttpClassifier>,
        guards: &Guards,
        base_url: String,
        model: &str,
        bounds: Bounds,
    ) -> Self {
        let quota = bounds.rate.map(|rate| Quota::new(&server.server().name, rate, guards));
        let families = Families::new(server, guards.clone(), model, bounds.families);
        Self { families, quota, base_url }
    }

    /// How fast a model's family answers; `None` if it was never asked.
    #[must_use]
    pub fn pace(&self, model: &str) -> Option<Arc<Pace>> {
        Some(Arc::clone(&self.families.known(model)?.pace))
    }

    /// A call to a model goes out, to be timed.
    #[must_use]
    pub fn begin(&self, model: &str) -> Out {
        self.families.way(model).pace.begin(Instant::now())
    }

    /// What the breaker of a model's family is doing; `None` if the family was never asked.
    #[must_use]
    pub fn breaker(&self, model: &str) -> Option<Snapshot> {
        Some(self.families.known(model)?.outside.breaker().snapshot())
    }

    /// Sends a request for a model on these terms and waits for the head of the answer. Cancel safe: dropping the future
    /// ends the call.
    ///
    /// # Errors
    /// When the server is not asked, cannot be reached, or breaks the connection off. A [`Failure`] or [`NoKey`] of
    /// the key is told as it is.
    pub async fn send(
        &self,
        call: &Call,
        model: &str,
        outgoing: Outgoing,
        terms: Terms,
    ) -> Result<Reply, Failure> {
        let request = Request::post(format!("{}{}", self.base_url, outgoing.path)).body(outgoing.body.into());
        let mut request: Request<Bytes> =
            request.map_err(|_| Failure::new(Kind::Internal, "has an address that is none"))?;
        *request.headers_mut() = outgoing.headers;
        let Terms { key, throttled, head } = terms;
        request.extensions_mut().insert(key);
        if let Some(head) = head {
            request.extensions_mut().insert(HeadWithin(head));
        }
        if throttled == Throttled::GoesElsewhere {
            request.extensions_mut().insert(RatherElsewhere);
        }
        call.mark(&mut request);
        let way = self.families.way(model);
        let now = Instant::now();
        way.quota.iter().chain(&self.quota).try_for_each(|quota| quota.count(now))?;
        let response = way.outside.ask(request).await.map_err(|error| {
            let attempts = error.downcast_ref().map_or(1, |gave_up: &GaveUp| gave_up.attempts);
            failure(&error).after(attempts)
        })?;
        Ok(Reply { response, read: 0 })
    }
}

// === impl Reply ===

impl Reply {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// How many attempts the stack made, this one included.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.response.extensions().get().map_or(1, |Attempts(attempts)| *attempts)
    }

    /// How long the attempt took to the head, our own queue and earlier attempts aside.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.response.extensions().get().map_or(Duration::ZERO, |Took(took)| *took)
    }

    /// The duty to judge the answer, once; `None` where its head has told all.
    #[must_use = "a permit that is dropped says nothing about the provider"]
    pub fn permit(&mut self) -> Option<Permit> {
        self.response.extensions_mut().remove::<Judge>()?.take()
    }

    /// Whether the body says that it is of this type, parameters aside.
    #[must_use]
    pub fn is(&self, content_type: &str) -> bool {
        let said = self.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let said = said.and_then(|said| said.split(';').next()).unwrap_or_default();
        said.trim().eq_ignore_ascii_case(content_type)
    }

    /// The next bytes of the body; `None` at its end. Cancel safe.
    ///
    /// # Errors
    /// When the connection breaks, or the body is longer than [`LONGEST_ANSWER`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let bytes = loop {
            match self.response.body_mut().frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(failure(&error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => break bytes,
                    Err(_trailers) => {}
                },
            }
        };
        self.read += bytes.len();
        if self.read > LONGEST_ANSWER {
            return Err(Failure::new(
                Kind::Malformed,
                format!("answered with more than {LONGEST_ANSWER} bytes"),
            ));
        }
        Ok(Some(bytes))
    }

    /// The whole body, not copied if it comes in one piece. Not cancel safe: what was read is lost.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub async fn whole(&mut self) -> Result<Bytes, Failure> {
        let Some(first) = self.next().await? else { return Ok(Bytes::new()) };
        let Some(second) = self.next().await? else { return Ok(first) };
        let mut body = BytesMut::from(first);
        body.extend_from_slice(&second);
        while let Some(bytes) = self.next().await? {
            body.extend_from_slice(&bytes);
        }
        Ok(body.freeze())
    }

    /// The whole body. Not cancel safe: what was read is lost.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub async fn all(&mut self) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(bytes) = self.next().await? {
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    /// As much of the body as comes within `limit` bytes and `patience`: enough to read what an error says, however
    /// the server behaves.
    pub async fn excerpt(&mut self, limit: usize, patience: Duration) -> Vec<u8> {
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(bytes)) = self.next().await {
                body.extend_from_slice(&bytes);
                if body.len() >= limit {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(patience, read).await; // half an error is an error too
        body
    }
}

/// What an error of the stack means. The HTTP client's own words stay in the debug log.
fn failure(error: &BoxError) -> Failure {
    if let Some(withheld) = withheld(&**error) {
        return withheld;
    }
    let trouble = Trouble::of(&**error);
    let kind = match trouble {
        Trouble::CircuitOpen { .. } => Kind::CircuitOpen,
        Trouble::Full { .. } => Kind::BulkheadFull,
        Trouble::Queued | Trouble::Late => Kind::CallerDeadline,
        Trouble::Slow { .. } | Trouble::NotAccepted => Kind::Timeout,
        Trouble::Unreachable(_) | Trouble::NotTrusted | Trouble::Broken(_) => Kind::Transient,
        Trouble::Malformed => Kind::Internal,
        Trouble::Refused(_) => Kind::Egress,
    };
    let wait = match trouble {
        Trouble::CircuitOpen { retry_in } => Some(retry_in),
        _ => None,
    };
    Failure::new(kind, trouble.to_string()).retry_after(wait)
}

/// Why there was no key for it as it was about to go out.
fn withheld(error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut causes = iter::successors(Some(error), |&error| error.source());
    causes.find_map(|cause| {
        let of_key = cause.downcast_ref().map(|none: &NoKey| Failure::from(*none));
        of_key.or_else(|| cause.downcast_ref::<Failure>().cloned())
    })
}
