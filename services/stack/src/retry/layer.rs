//! Retry as a layer: one call in, as many attempts out as the policy, the budget and the deadline allow.
//!
//! Each attempt drives the layers below ready again. Everything a further attempt needs is put aside before the
//! first; a call that may not be repeated puts nothing aside and pays nothing.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower::{BoxError, Layer, Service};

use super::policy::{self, Policy, Verdict};
use super::replay::{ReplayBody, gather};
use super::{Attempts, Before, Budget, Failure, GaveUp, Idempotent, RETRIES, RatherElsewhere, Upstream};
use crate::balance::{Elsewhere, TakenElsewhere, Tried};
use crate::classify::is_own_refusal;
use crate::deadline::Deadline;
use crate::dice::{self, Dice};
use crate::switches::Switches;

/// What the head of an answer says about another attempt: a table such as [`Failure::of_http_api`].
pub type Reads = fn(StatusCode, &HeaderMap) -> Option<Failure>;

/// Sends failed calls again.
#[derive(Clone, Debug)]
pub struct RetryLayer {
    policy: Policy,
    budget: Budget,
    dice: Dice,
    reads: Reads,
}

/// The service that [`RetryLayer`] makes.
#[derive(Clone, Debug)]
pub struct Retry<S> {
    inner: S,
    layer: RetryLayer,
}

pin_project! {
    /// The response of the last attempt, or the last error. If there was more than one attempt, the response has
    /// [`Attempts`] in its extensions, and the error is a [`GaveUp`].
    pub struct RetryFuture<S, B>
    where
        S: Service<Request<ReplayBody<B>>>,
    {
        #[pin]
        step: Step<S::Future>,
        again: Option<Again<S>>,
        claim: Claim,
        tried: policy::Tried,
        before: Option<Box<Before>>,
        layer: RetryLayer,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<F> {
        Trying { #[pin] attempt: F },
        Waiting { #[pin] backoff: Sleep },
        Readying,
    }
}

/// Which further attempts are for this layer to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// All that the policy and the budget allow.
    All,
    /// Only those at another endpoint, of a call that was not processed; somebody above makes the others.
    Elsewhere,
    None,
}

/// What one more attempt needs.
struct Again<S> {
    service: S,
    request: Tried,
}

// === impl RetryLayer ===

impl RetryLayer {
    /// All services this layer makes follow `policy` and share `budget`.
    #[must_use]
    pub fn new(policy: Policy, budget: Budget) -> Self {
        Self { policy, budget, dice: dice::roll, reads: Failure::of_status }
    }

    /// The same with another source of jitter: numbers in [0, 1).
    #[must_use]
    pub fn with_dice(self, dice: Dice) -> Self {
        Self { dice, ..self }
    }

    /// The same with another way to read what a head says, such as [`Failure::of_http_api`].
    #[must_use]
    pub fn reading(self, reads: Reads) -> Self {
        Self { reads, ..self }
    }

    /// Which further attempts are for this layer to make, and the header that forbids them to those below.
    fn claim(&self, head: &mut Parts) -> Claim {
        let upstream =
            head.extensions.get::<Upstream>().is_some() || Upstream::from_headers(&head.headers).is_some();
        let on = Switches::of(&head.extensions).retry && self.policy.max_attempts > 1;
        // Of a call that is not idempotent only what nobody has processed is sent again: nobody below has tried then.
        if upstream || (on && head.extensions.get::<Idempotent>().is_some()) {
            head.headers.insert(RETRIES, HeaderValue::from_static("0"));
        }
        match (on, upstream) {
            (false, _) => Claim::None,
            (true, true) => Claim::Elsewhere,
            (true, false) => Claim::All,
        }
    }

    /// How long to wait before the next attempt; `None` if there is none.
    fn next_attempt(&self, claim: Claim, tried: policy::Tried, failed: Failed) -> Option<Sleep> {
        let now = Instant::now();
        if failed.elsewhere && self.policy.moves_on(tried, failed.failure, now) {
            return Some(sleep(Duration::ZERO)); // the first chance, not a second: the budget is not for it
        }
        match self.policy.decide(tried, failed.failure, now, (self.dice)()) {
            Verdict::Again { after } if claim == Claim::All => {
                self.budget.withdraw(now).then(|| sleep(after))
            }
            Verdict::Again { .. } | Verdict::Final(_) => None,
        }
    }
}

impl<S> Layer<S> for RetryLayer {
    type Service = Retry<S>;

    fn layer(&self, inner: S) -> Retry<S> {
        Retry { inner, layer: self.clone() }
    }
}

// === impl Retry ===

impl<S, B, R> Service<Request<B>> for Retry<S>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = RetryFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.layer.budget.asked();
        let (mut head, body) = request.into_parts();
        let tried = policy::Tried::first(&head.extensions);
        let claim = self.layer.claim(&mut head);
        let (body, whole) = match claim {
            Claim::All | Claim::Elsewhere => gather(body, self.layer.policy.max_body),
            Claim::None => (ReplayBody::once(body), None),
        };
        let aside = whole.map(|whole| {
            let aside = Tried::nothing_yet(&head, whole);
            head.extensions.insert(aside.clone()); // shared by all attempts of this call
            aside
        });
        let attempt = self.inner.call(Request::from_parts(head, body));
        let again = aside.map(|request| {
            // The service that was polled ready goes with the call; a fresh clone stays for the next one.
            let fresh = self.inner.clone();
            Again { service: mem::replace(&mut self.inner, fresh), request }
        });
        let step = Step::Trying { attempt };
        RetryFuture { step, again, claim, tried, before: None, layer: self.layer.clone() }
    }
}

// === impl RetryFuture ===

impl<S, B, R> Future for RetryFuture<S, B>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>>,
    S::Error: Into<BoxError>,
{
    type Output = Result<Response<R>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.step.as_mut().project() {
                StepProj::Trying { attempt } => {
                    let result = ready!(attempt.poll(cx)).map_err(Into::into);
                    let failed =
                        this.again.as_ref().and_then(|again| again.failed(&result, this.layer.reads));
                    match failed.and_then(|failed| this.layer.next_attempt(*this.claim, *this.tried, failed))
                    {
                        Some(backoff) => {
                            *this.before = Some(Box::new(Before::of(result)));
                            Step::Waiting { backoff } // which lets go of the failed attempt
                        }
                        None => return Poll::Ready(last(result, this.tried.attempts, this.before.take())),
                    }
                }
                StepProj::Waiting { backoff } => {
                    ready!(backoff.poll(cx));
                    Step::Readying
                }
                StepProj::Readying => {
                    let again = this.again.as_mut().expect("who waits has something to send");
                    if let Err(error) = ready!(again.service.poll_ready(cx)) {
                        let before = this.before.take();
                        return Poll::Ready(last(Err(error.into()), this.tried.attempts, before));
                    }
                    this.tried.attempts += 1;
                    Step::Trying { attempt: again.send() }
                }
            };
            this.step.set(next);
        }
    }
}

/// A failed attempt.
#[derive(Clone, Copy, Debug)]
struct Failed {
    failure: Failure,
    /// It was not processed, and another endpoint may take it.
    elsewhere: bool,
}

/// What the caller gets: the last result, and how many attempts it took.
fn last<R>(
    result: Result<Response<R>, BoxError>,
    attempts: u32,
    before: Option<Box<Before>>,
) -> Result<Response<R>, BoxError> {
    match result {
        Ok(mut response) if attempts > 1 => {
            response.extensions_mut().insert(Attempts(attempts));
            Ok(response)
        }
        Err(error) if attempts > 1 => {
            let before = before.filter(|_| is_own_refusal(&*error)).map(|before| *before);
            Err(GaveUp { attempts, source: error, before }.into())
        }
        first => first,
    }
}

impl<S, B> fmt::Debug for RetryFuture<S, B>
where
    S: Service<Request<ReplayBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture").field("tried", &self.tried).finish_non_exhaustive()
    }
}

// === impl Before ===

impl Before {
    fn of<R>(result: Result<Response<R>, BoxError>) -> Self {
        match result {
            Ok(response) => {
                let (head, _body) = response.into_parts();
                Self::Answered(head.status, head.headers)
            }
            Err(error) => Self::Failed(error),
        }
    }
}

// === impl Again ===

impl<S> Again<S> {
    /// What a result says about another attempt; `None` if there is to be none.
    fn failed<R>(&self, result: &Result<Response<R>, BoxError>, reads: Reads) -> Option<Failed> {
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                let failure = Failure::of_error(&**error)?;
                return Some(Failed { failure, elsewhere: error.is::<Elsewhere>() });
            }
        };
        let turned_away = response.status() == StatusCode::TOO_MANY_REQUESTS;
        if turned_away && self.request.extensions().get::<RatherElsewhere>().is_some() {
            return None;
        }
        let failure = reads(response.status(), response.headers())?;
        Some(Failed { failure, elsewhere: response.extensions().get::<TakenElsewhere>().is_some() })
    }

    fn send<B>(&mut self) -> S::Future
    where
        S: Service<Request<ReplayBody<B>>>,
    {
        self.service.call(self.request.again())
    }
}

// === impl Tried ===

impl policy::Tried {
    /// The first attempt is on its way.
    fn first(extensions: &Extensions) -> Self {
        Self {
            attempts: 1,
            idempotent: extensions.get::<Idempotent>().is_some(),
            deadline: extensions.get::<Deadline>().copied(),
        }
    }
}
