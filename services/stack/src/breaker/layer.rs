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
use tower::{BoxError, Layer, Service};

use super::{Breaker, CircuitOpen, Permit};
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
}

/// The service that [`BreakerLayer`] makes.
#[derive(Clone, Debug)]
pub struct BreakerService<S, C> {
    inner: S,
    breaker: Breaker,
    classifier: C,
    below: Below,
}

/// What is right below the breaker, which decides when a call's time begins.
#[derive(Clone, Copy, Debug)]
enum Below {
    Peer,
    Queue,
}

/// The permit of one call with the one who knows what its answer means.
#[derive(Debug)]
pub struct Verdict<C> {
    permit: Permit,
    classifier: C,
}

pin_project! {
    /// The response, or [`CircuitOpen`].
    #[project = BreakerFutureProj]
    #[derive(Debug)]
    pub enum BreakerFuture<F, C> {
        /// The call is out; without a verdict if it passes by the breaker.
        #[doc(hidden)]
        Admitted { #[pin] call: F, verdict: Option<Verdict<C>> },
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
        Self { breaker, classifier, below: Below::Peer }
    }

    /// For a stack with a queue between the breaker and the peer: a call's time counts from the moment it passes a
    /// [`SentLayer`](super::SentLayer), which must be right below the queue. A call that is given up before that is
    /// never slow.
    #[must_use]
    pub fn above_a_queue(self) -> Self {
        Self { below: Below::Queue, ..self }
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = BreakerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { breaker, classifier, below } = self.clone();
        BreakerService { inner, breaker, classifier, below }
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

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        if !Switches::of(request.extensions()).breaker {
            return BreakerFuture::Admitted { call: self.inner.call(request), verdict: None };
        }
        let mut permit = match self.breaker.acquire() {
            Ok(permit) => permit,
            Err(error) => return BreakerFuture::Refused { error: Some(error) },
        };
        if let Below::Queue = self.below {
            request.extensions_mut().insert(permit.stopwatch());
        }
        let verdict = Some(Verdict { permit, classifier: self.classifier.clone() });
        BreakerFuture::Admitted { call: self.inner.call(request), verdict }
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
            BreakerFutureProj::Admitted { call, verdict } => {
                let result = ready!(call.poll(cx)).map_err(Into::into);
                Poll::Ready(match verdict.take() {
                    Some(verdict) => verdict.on_head(result),
                    None => result.map(|response| response.map(GuardedBody::unguarded)),
                })
            }
        }
    }
}

// === impl Verdict ===

impl<C: Classify> Verdict<C> {
    /// Settles on an error or on a head that tells enough; otherwise goes with the body.
    fn on_head<B: Body>(
        mut self,
        result: Result<Response<B>, BoxError>,
    ) -> Result<Response<GuardedBody<B, Self>>, BoxError> {
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                self.on_error(&*error);
                return Err(error);
            }
        };
        let (head, body) = response.into_parts();
        let body = match self.classifier.head(&head) {
            None => {
                self.permit.head();
                GuardedBody::new(body, self)
            }
            Some(outcome) => {
                self.permit.record(outcome);
                GuardedBody::unguarded(body)
            }
        };
        Ok(Response::from_parts(head, body))
    }

    fn on_error(self, error: &(dyn Error + 'static)) {
        if is_unsent(error) {
            return self.permit.unsent();
        }
        let outcome = self.classifier.error(error);
        self.permit.record(outcome);
    }
}

impl<C: Classify> Guard for Verdict<C> {
    fn lasts(&mut self) {
        self.permit.lasts();
    }

    fn end(self, end: End<'_>) {
        match end {
            End::Complete(trailers) => {
                let outcome: Outcome = self.classifier.trailers(trailers);
                self.permit.record(outcome);
            }
            End::Failed(error) => self.on_error(error),
        }
    }
}

/// Whether a guard below refused the call, so that it never left this process.
fn is_unsent(error: &(dyn Error + 'static)) -> bool {
    iter::successors(Some(error), |&error| error.source())
        .any(|error| error.is::<CircuitOpen>() || error.is::<Rejected>())
}
