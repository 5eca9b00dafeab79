//! The bulkhead as a layer: a slot is taken in `call` and kept until the body of the response has ended.
//!
//! Not in `poll_ready`: a slot taken there would be held by every idle connection. A call whose [`Switches`] leave the
//! bulkhead out takes no slot.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{BoxError, Layer, Service};

use super::{Bulkhead, Permit, Rejected};
use crate::body::{End, Guard, GuardedBody};
use crate::deadline::Deadline;
use crate::switches::Switches;

/// Sends calls through a [`Bulkhead`]; a wait is bounded by the [`Deadline`] in the request's extensions.
#[derive(Clone, Debug)]
pub struct BulkheadLayer {
    bulkhead: Bulkhead,
}

/// The service that [`BulkheadLayer`] makes.
#[derive(Clone, Debug)]
pub struct BulkheadService<S> {
    inner: S,
    bulkhead: Bulkhead,
}

type Turn = Pin<Box<dyn Future<Output = Result<Permit, Rejected>> + Send>>;

pin_project! {
    /// The response, or [`Rejected`].
    pub struct BulkheadFuture<S, A>
    where
        S: Service<Request<A>>,
    {
        #[pin]
        step: Step<S, A, S::Future>,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<S, A, F> {
        // Only a call that has to queue pays for a box.
        Queued { turn: Turn, call: Option<(S, Request<A>)> },
        Running { #[pin] call: F, permit: Option<Permit> },
        Refused { error: Option<Rejected> },
    }
}

// === impl BulkheadLayer ===

impl BulkheadLayer {
    /// All services this layer makes share `bulkhead`.
    #[must_use]
    pub const fn new(bulkhead: Bulkhead) -> Self {
        Self { bulkhead }
    }
}

impl<S> Layer<S> for BulkheadLayer {
    type Service = BulkheadService<S>;

    fn layer(&self, inner: S) -> BulkheadService<S> {
        BulkheadService { inner, bulkhead: self.bulkhead.clone() }
    }
}

// === impl BulkheadService ===

impl<S, A, B> Service<Request<A>> for BulkheadService<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: Body,
{
    type Response = Response<GuardedBody<B, Permit>>;
    type Error = BoxError;
    type Future = BulkheadFuture<S, A>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        if !Switches::of(request.extensions()).bulkhead {
            return BulkheadFuture { step: Step::Running { call: self.inner.call(request), permit: None } };
        }
        let deadline = request.extensions().get::<Deadline>().copied();
        let step = match self.bulkhead.take_free_slot(deadline) {
            Ok(Some(permit)) => Step::Running { call: self.inner.call(request), permit: Some(permit) },
            Ok(None) => self.wait(deadline, request),
            Err(rejected) => Step::Refused { error: Some(rejected) },
        };
        BulkheadFuture { step }
    }
}

impl<S: Clone> BulkheadService<S> {
    fn wait<A, F>(&mut self, deadline: Option<Deadline>, request: Request<A>) -> Step<S, A, F> {
        let bulkhead = self.bulkhead.clone();
        let turn = Box::pin(async move { bulkhead.acquire(deadline).await });
        // The service that was polled ready goes with the call; a fresh clone stays for the next one.
        let fresh = self.inner.clone();
        let inner = mem::replace(&mut self.inner, fresh);
        Step::Queued { turn, call: Some((inner, request)) }
    }
}

// === impl BulkheadFuture ===

impl<S, A, B> Future for BulkheadFuture<S, A>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body,
{
    type Output = Result<Response<GuardedBody<B, Permit>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut step = self.project().step;
        loop {
            let next = match step.as_mut().project() {
                StepProj::Refused { error } => {
                    return Poll::Ready(Err(error.take().expect("polled after it was ready").into()));
                }
                StepProj::Queued { turn, call } => match ready!(turn.as_mut().poll(cx)) {
                    Err(error) => Step::Refused { error: Some(error) },
                    Ok(permit) => {
                        let (mut inner, request) = call.take().expect("a queued call is started once");
                        Step::Running { call: inner.call(request), permit: Some(permit) }
                    }
                },
                StepProj::Running { call, permit } => {
                    let response = ready!(call.poll(cx)).map_err(Into::into);
                    let held = permit.take();
                    return Poll::Ready(
                        response.map(|response| response.map(|body| held_to_its_end(body, held))),
                    );
                }
            };
            step.set(next);
        }
    }
}

fn held_to_its_end<B: Body>(body: B, permit: Option<Permit>) -> GuardedBody<B, Permit> {
    match permit {
        Some(permit) => GuardedBody::new(body, permit),
        None => GuardedBody::unguarded(body), // it runs without a slot
    }
}

impl<S: Service<Request<A>>, A> fmt::Debug for BulkheadFuture<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match &self.step {
            Step::Queued { .. } => "queued",
            Step::Running { .. } => "running",
            Step::Refused { .. } => "refused",
        };
        f.debug_tuple("BulkheadFuture").field(&step).finish()
    }
}

// === impl Permit ===

impl Guard for Permit {
    /// The slot is free again, however the body ended.
    fn end(self, _end: End<'_>) {}
}
