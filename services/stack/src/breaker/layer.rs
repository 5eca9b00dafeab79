//! The breaker as a layer. The permit travels with the call: from the head into the body, and the first of them that
//! tells how the call went settles it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{BoxError, Layer, Service};

use super::{Breaker, CircuitOpen, Permit};
use crate::body::{End, Guard, GuardedBody};
use crate::classify::{Classify, Outcome};

#[cfg(test)]
mod tests;

/// Refuses calls while a [`Breaker`] is open, and tells it how the others went.
#[derive(Clone, Debug)]
pub struct BreakerLayer<C> {
    breaker: Breaker,
    classifier: C,
}

/// The service that [`BreakerLayer`] makes.
#[derive(Clone, Debug)]
pub struct BreakerService<S, C> {
    inner: S,
    breaker: Breaker,
    classifier: C,
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
        /// The call is out.
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
        Self { breaker, classifier }
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = BreakerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService { inner, breaker: self.breaker.clone(), classifier: self.classifier.clone() }
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
        match self.breaker.acquire() {
            Err(error) => BreakerFuture::Refused { error: Some(error) },
            Ok(permit) => {
                let verdict = Some(Verdict { permit, classifier: self.classifier.clone() });
                BreakerFuture::Admitted { call: self.inner.call(request), verdict }
            }
        }
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
                let verdict = verdict.take().expect("polled after it was ready");
                Poll::Ready(verdict.on_head(result))
            }
        }
    }
}

// === impl Verdict ===

impl<C: Classify> Verdict<C> {
    /// Settles on an error or on a head that tells enough; otherwise goes with the body.
    fn on_head<B: Body>(
        self,
        result: Result<Response<B>, BoxError>,
    ) -> Result<Response<GuardedBody<B, Self>>, BoxError> {
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                let outcome = self.classifier.error(&*error);
                self.permit.record(outcome);
                return Err(error);
            }
        };
        let (head, body) = response.into_parts();
        let body = match self.classifier.head(&head) {
            None => GuardedBody::new(body, self),
            Some(outcome) => {
                self.permit.record(outcome);
                GuardedBody::unguarded(body)
            }
        };
        Ok(Response::from_parts(head, body))
    }
}

impl<C: Classify> Guard for Verdict<C> {
    fn end(self, end: End<'_>) {
        let outcome: Outcome = match end {
            End::Complete(trailers) => self.classifier.trailers(trailers),
            End::Failed(error) => self.classifier.error(error),
        };
        self.permit.record(outcome);
    }
}
