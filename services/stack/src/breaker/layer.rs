//! The breaker as a layer. The permit travels with the call: from the head into the body, and the first of them that
//! tells how the call went settles it.
//!
//! A call whose [`Switches`] say so passes by the breaker: it is neither refused nor judged.

use std::error::Error;
use std::future::Future;
use std::iter;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

use super::{Breaker, CircuitOpen, Judge, Permit};
use crate::body::{End, Guard, GuardedBody};
use crate::bulkhead::Rejected;
use crate::classify::{Classify, Outcome};
use crate::switches::Switches;

#[cfg(test)]
mod tests;

/// Refuses calls while a [`Breaker`] is open, and tells it how the others went.
#[derive(Clone, Debug)]
pub struct BreakerLayer<C> {
    breaker: Breaker,
    classifier: C,
    below: Below,
    judged: Judged,
}

/// The service that [`BreakerLayer`] makes.
#[derive(Clone, Debug)]
pub struct BreakerService<S, C> {
    inner: S,
    breaker: Breaker,
    classifier: C,
    below: Below,
    judged: Judged,
}

/// What is right below the breaker, which decides when a call's time begins.
#[derive(Clone, Copy, Debug)]
enum Below {
    Peer,
    Queue,
}

/// Who judges an answer whose head promises well.
#[derive(Clone, Copy, Debug)]
enum Judged {
    ByItsEnd,
    /// By its end; a probe by its head already.
    ProbedByHead,
    ByItsReader,
}

/// One call may go: with a permit, or past the breaker.
#[derive(Debug)]
pub(crate) struct Pass(Option<Permit>);

/// The permit of one call with the one who knows what its answer means, until the head has come.
#[derive(Debug)]
pub struct Pending<C> {
    permit: Permit,
    classifier: C,
    judged: Judged,
}

/// The same while the body comes.
#[derive(Debug)]
pub struct Verdict<C> {
    permit: Held,
    classifier: C,
}

/// Where the permit of a call is.
#[derive(Debug)]
enum Held {
    Here(Permit),
    /// The reader of the body may take it.
    Offered(Judge),
}

pin_project! {
    /// The response, or [`CircuitOpen`].
    #[project = BreakerFutureProj]
    #[derive(Debug)]
    pub enum BreakerFuture<F, C> {
        /// The call is out; with nothing pending if it passes by the breaker.
        #[doc(hidden)]
        Admitted { #[pin] call: F, pending: Option<Pending<C>> },
        /// The call was not made.
        #[doc(hidden)]
        Refused { error: Option<CircuitOpen> },
    }
}

// === impl BreakerLayer ===

impl<C> BreakerLayer<C> {
    /// All services this layer makes share `breaker`; `classifier` says what an answer counts as.
    #[must_use]
    pub const fn new(breaker: Breaker, classifier: C) -> Self {
        Self { breaker, classifier, below: Below::Peer, judged: Judged::ByItsEnd }
    }

    /// For a stack with a queue between the breaker and the peer: a call's time counts from the moment it passes a
    /// [`SentLayer`](super::SentLayer), which must be right below the queue. A call that is given up before that is
    /// never slow.
    #[must_use]
    pub fn above_a_queue(self) -> Self {
        Self { below: Below::Queue, ..self }
    }

    /// For streams that may be quiet for hours after their head: a probe whose head promises well has passed, and what
    /// becomes of the stream later is counted nowhere. A stream that is no probe is judged by its end, as ever.
    #[must_use]
    pub fn probed_by_heads(self) -> Self {
        Self { judged: Judged::ProbedByHead, ..self }
    }

    /// For answers that only their reader can judge: one whose head promises well carries a [`Judge`] in its
    /// extensions.
    #[must_use]
    pub fn judged_by_its_reader(self) -> Self {
        Self { judged: Judged::ByItsReader, ..self }
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = BreakerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { breaker, classifier, below, judged } = self.clone();
        BreakerService { inner, breaker, classifier, below, judged }
    }
}

// === impl BreakerService ===

impl<S, C, A, B> Service<Request<A>> for BreakerService<S, C>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    C: Classify + Clone,
    B: Body,
{
    type Response = Response<GuardedBody<B, Verdict<C>>>;
    type Error = BoxError;
    type Future = BreakerFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        match self.admit(Switches::of(request.extensions()), Instant::now()) {
            Ok(pass) => self.call_admitted(pass, request),
            Err(error) => BreakerFuture::Refused { error: Some(error) },
        }
    }
}

impl<S, C: Clone> BreakerService<S, C> {
    /// Asks for one call before there is a request to lose, for those who can send it elsewhere instead.
    pub(crate) fn admit(&self, switches: Switches, now: Instant) -> Result<Pass, CircuitOpen> {
        let permit = if switches.breaker { Some(self.breaker.acquire_at(now)?) } else { None };
        Ok(Pass(permit))
    }

    /// Makes the call that was asked for. The service must be ready.
    pub(crate) fn call_admitted<A>(
        &mut self,
        pass: Pass,
        mut request: Request<A>,
    ) -> BreakerFuture<S::Future, C>
    where
        S: Service<Request<A>>,
    {
        let pending = pass.0.map(|mut permit| {
            if let Below::Queue = self.below {
                request.extensions_mut().insert(permit.stopwatch());
            }
            Pending { permit, classifier: self.classifier.clone(), judged: self.judged }
        });
        BreakerFuture::Admitted { call: self.inner.call(request), pending }
    }
}

impl<S, C> BreakerService<S, C> {
    pub(crate) fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    pub(crate) fn classifier(&self) -> &C {
        &self.classifier
    }
}

// === impl BreakerFuture ===

impl<F, C, B, E> Future for BreakerFuture<F, C>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    C: Classify,
    B: Body,
{
    type Output = Result<Response<GuardedBody<B, Verdict<C>>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            BreakerFutureProj::Refused { error } => {
                Poll::Ready(Err(error.take().expect("polled after it was ready").into()))
            }
            BreakerFutureProj::Admitted { call, pending } => {
                let result = ready!(call.poll(cx)).map_err(Into::into);
                Poll::Ready(match pending.take() {
                    Some(pending) => pending.on_head(result),
                    None => result.map(|response| response.map(GuardedBody::unguarded)),
                })
            }
        }
    }
}

// === impl Pending ===

impl<C: Classify> Pending<C> {
    /// Settles on an error or on a head that tells enough; otherwise goes with the body.
    fn on_head<B: Body>(
        mut self,
        result: Result<Response<B>, BoxError>,
    ) -> Result<Response<GuardedBody<B, Verdict<C>>>, BoxError> {
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                on_error(self.permit, &self.classifier, &*error);
                return Err(error);
            }
        };
        let (mut head, body) = response.into_parts();
        let body = match (self.classifier.head(&head), self.judged) {
            (None, Judged::ByItsEnd | Judged::ProbedByHead) => {
                self.permit.head();
                if let Judged::ProbedByHead = self.judged {
                    self.permit.lasts();
                }
                GuardedBody::new(
                    body,
                    Verdict { permit: Held::Here(self.permit), classifier: self.classifier },
                )
            }
            (None, Judged::ByItsReader) => {
                self.permit.head();
                let judge = Judge::new(self.permit);
                head.extensions.insert(judge.clone());
                match body.is_end_stream() {
                    true => GuardedBody::unguarded(body), // its end would speak before its reader can
                    false => GuardedBody::new(
                        body,
                        Verdict { permit: Held::Offered(judge), classifier: self.classifier },
                    ),
                }
            }
            (Some(outcome), _) => {
                self.permit.record(outcome);
                GuardedBody::unguarded(body)
            }
        };
        Ok(Response::from_parts(head, body))
    }
}

// === impl Verdict ===

impl<C: Classify> Guard for Verdict<C> {
    fn lasts(&mut self) {
        match &mut self.permit {
            Held::Here(permit) => permit.lasts(),
            Held::Offered(judge) => judge.lasts(),
        }
    }

    fn end(self, end: End<'_>) {
        let permit = match self.permit {
            Held::Here(permit) => permit,
            Held::Offered(judge) => match judge.take() {
                Some(permit) => permit,
                None => return, // its reader judges
            },
        };
        match end {
            End::Complete(trailers) => {
                let outcome: Outcome = self.classifier.trailers(trailers);
                permit.record(outcome);
            }
            End::Failed(error) => on_error(permit, &self.classifier, error),
        }
    }
}

fn on_error(permit: Permit, classifier: &impl Classify, error: &(dyn Error + 'static)) {
    if is_unsent(error) {
        return permit.unsent();
    }
    let outcome = classifier.error(error);
    permit.record(outcome);
}

/// Whether a guard below refused the call, so that it never left this process.
fn is_unsent(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source())
        .any(|error| error.is::<CircuitOpen>() || error.is::<Rejected>())
}
