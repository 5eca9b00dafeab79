//! Hedging as a layer: two attempts in one future, so that whoever drops the one drops the other.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower::{BoxError, Layer, Service};

use super::{Hedging, Winner};
use crate::balance::Tried;
use crate::retry::{Idempotent, ReplayBody, gather, is_good};
use crate::switches::Switches;

/// Sends a second attempt when the first is late.
#[derive(Clone, Debug)]
pub struct HedgeLayer {
    hedging: Hedging,
}

/// The service that [`HedgeLayer`] makes.
#[derive(Clone, Debug)]
pub struct Hedge<S> {
    inner: S,
    hedging: Hedging,
}

type Outcome<R> = Result<Response<R>, BoxError>;

pin_project! {
    /// The first good head; or, when there is none, the answer of the attempt that gave one, or the first one's
    /// error. A failure with a body still to come ends the race at once.
    pub struct HedgeFuture<S, B, R>
    where
        S: Service<Request<ReplayBody<B>>>,
    {
        #[pin]
        first: Attempt<S::Future, R>,
        #[pin]
        second: Attempt<S::Future, R>,
        // When the second attempt is due; `None` if there is none, or it is.
        #[pin]
        alarm: Option<Sleep>,
        // `None` if this call may not be asked twice; then there is nothing to learn from it either.
        spare: Option<Spare<S>>,
        hedging: Hedging,
        started: Instant,
    }
}

pin_project! {
    #[project = AttemptProj]
    enum Attempt<F, R> {
        // Not sent, or let go.
        Idle,
        // Paid for; waits for the layers below to be ready.
        Due,
        Running { #[pin] call: F },
        Failed { outcome: Option<Outcome<R>> },
    }
}

/// What the second attempt needs.
struct Spare<S> {
    service: S,
    request: Tried,
}

// === impl HedgeLayer ===

impl HedgeLayer {
    /// All services this layer makes share `hedging`.
    #[must_use]
    pub const fn new(hedging: Hedging) -> Self {
        Self { hedging }
    }
}

impl<S> Layer<S> for HedgeLayer {
    type Service = Hedge<S>;

    fn layer(&self, inner: S) -> Hedge<S> {
        Hedge { inner, hedging: self.hedging.clone() }
    }
}

// === impl Hedge ===

impl<S, B, R> Service<Request<B>> for Hedge<S>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
    R: Body,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = HedgeFuture<S, B, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let extensions = request.extensions();
        let may = extensions.get::<Idempotent>().is_some() && Switches::of(extensions).hedging;
        let (request, aside) = match may {
            true => put_aside(request, self.hedging.shared.config.max_body),
            false => (request.map(ReplayBody::once), None),
        };
        let first = Attempt::Running { call: self.inner.call(request) };
        let spare = aside.map(|request| {
            // The service that was polled ready goes with the call; a fresh clone stays for the next one.
            let fresh = self.inner.clone();
            Spare { service: mem::replace(&mut self.inner, fresh), request }
        });
        let alarm = spare.as_ref().and_then(|_| self.hedging.after()).map(sleep);
        let hedging = self.hedging.clone();
        HedgeFuture { first, second: Attempt::Idle, alarm, spare, hedging, started: Instant::now() }
    }
}

/// The request for the first attempt, and what the second is made from, if the body is there and no larger than `max`.
/// A retry layer above has put the request aside already.
fn put_aside<B>(request: Request<B>, max: usize) -> (Request<ReplayBody<B>>, Option<Tried>)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    if let Some(aside) = request.extensions().get::<Tried>() {
        let aside = Some(aside.clone()).filter(|aside| aside.body_len() <= max);
        return (request.map(ReplayBody::once), aside);
    }
    let (mut head, body) = request.into_parts();
    let (body, whole) = gather(body, max);
    let aside = whole.map(|whole| Tried::nothing_yet(&head, whole));
    if let Some(aside) = &aside {
        head.extensions.insert(aside.clone()); // the second attempt goes elsewhere, if it can
    }
    (Request::from_parts(head, body), aside)
}

// === impl HedgeFuture ===

impl<S, B, R> Future for HedgeFuture<S, B, R>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    R: Body,
{
    type Output = Outcome<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<R>> {
        let mut this = self.project();
        if let Some(last) = this.first.as_mut().poll_last(cx) {
            this.second.set(Attempt::Idle); // drops the loser now, not when the caller drops this future
            learn(&last, this.spare, this.hedging, *this.started, Winner::First);
            return Poll::Ready(Ok(last));
        }
        if this.second.is_unsent() {
            if let Some(outcome) = this.first.as_mut().failure() {
                return Poll::Ready(outcome);
            }
            if rings(this.alarm, cx) && this.hedging.pay(Instant::now()) {
                this.second.set(Attempt::Due);
            }
            if let (Attempt::Due, Some(spare)) = (&*this.second, this.spare.as_mut()) {
                this.second.set(ready!(spare.poll_send(cx)));
            }
        }
        if let Some(last) = this.second.as_mut().poll_last(cx) {
            this.first.set(Attempt::Idle);
            learn(&last, this.spare, this.hedging, *this.started, Winner::Second);
            return Poll::Ready(Ok(last));
        }
        if matches!((&*this.first, &*this.second), (Attempt::Failed { .. }, Attempt::Failed { .. })) {
            let (first, second) = (this.first.failure(), this.second.failure());
            return Poll::Ready(more_telling(first.expect("it failed"), second.expect("it failed too")));
        }
        Poll::Pending
    }
}

fn rings(mut alarm: Pin<&mut Option<Sleep>>, cx: &mut Context<'_>) -> bool {
    let rings = alarm.as_mut().as_pin_mut().is_some_and(|sleep| sleep.poll(cx).is_ready());
    if rings {
        alarm.set(None);
    }
    rings
}

fn learn<S, R>(
    last: &Response<R>,
    spare: &Option<Spare<S>>,
    hedging: &Hedging,
    started: Instant,
    winner: Winner,
) {
    if spare.is_some() && is_good(last) {
        hedging.answered(started.elapsed(), winner);
    }
}

/// Of two failures an answer says more than an error, and the first attempt's more than the second's, which may be no
/// more than a refusal of our own.
fn more_telling<R>(first: Outcome<R>, second: Outcome<R>) -> Outcome<R> {
    first.or_else(|error| second.map_err(|_| error))
}

impl<S, B, R> fmt::Debug for HedgeFuture<S, B, R>
where
    S: Service<Request<ReplayBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeFuture").field("unsent", &self.second.is_unsent()).finish_non_exhaustive()
    }
}

// === impl Attempt ===

impl<F, R> Attempt<F, R> {
    fn is_unsent(&self) -> bool {
        matches!(self, Self::Idle | Self::Due)
    }

    /// The outcome of an attempt that has failed.
    fn failure(self: Pin<&mut Self>) -> Option<Outcome<R>> {
        match self.project() {
            AttemptProj::Failed { outcome } => outcome.take(),
            AttemptProj::Idle | AttemptProj::Due | AttemptProj::Running { .. } => None,
        }
    }

    /// Polls an attempt that is out; its head if that ends the race. A failure is kept, in case the other attempt
    /// fails too, unless its body is still to come: it would keep a slot of the bulkhead, for which the other attempt
    /// may be waiting.
    fn poll_last<E>(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Response<R>>
    where
        F: Future<Output = Result<Response<R>, E>>,
        E: Into<BoxError>,
        R: Body,
    {
        let AttemptProj::Running { call } = self.as_mut().project() else { return None };
        match call.poll(cx) {
            Poll::Pending => None,
            Poll::Ready(Ok(response)) if is_good(&response) || !response.body().is_end_stream() => {
                Some(response)
            }
            Poll::Ready(outcome) => {
                self.set(Self::Failed { outcome: Some(outcome.map_err(Into::into)) });
                None
            }
        }
    }
}

// === impl Spare ===

impl<S> Spare<S> {
    /// Sends the second attempt as soon as the layers below are ready for it.
    fn poll_send<B, R>(&mut self, cx: &mut Context<'_>) -> Poll<Attempt<S::Future, R>>
    where
        S: Service<Request<ReplayBody<B>>, Response = Response<R>>,
        S::Error: Into<BoxError>,
    {
        Poll::Ready(match ready!(self.service.poll_ready(cx)) {
            Err(error) => Attempt::Failed { outcome: Some(Err(error.into())) },
            Ok(()) => Attempt::Running { call: self.service.call(self.request.again()) },
        })
    }
}
