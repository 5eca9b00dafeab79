//! Balancing as a service: picks an endpoint for each request, and sees how it went there.
//!
//! The breaker of an endpoint is asked before the request is handed over, so that one which refuses after all costs
//! nothing but the next pick. Each call drives a fresh copy of the endpoint's service to readiness: what one endpoint
//! cannot take at the moment must not keep the others waiting.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::{Extensions, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{BoxError, Service};

use super::endpoints::{Endpoint, Endpoints, List};
use super::load::Load;
use super::pick::{View, pick};
use super::{Elsewhere, NoEndpoint, TakenElsewhere, Tried};
use crate::body::{End, Guard, GuardedBody};
use crate::breaker::{BreakerFuture, BreakerService, CircuitOpen, Pass, Verdict};
use crate::classify::{Classify, Outcome};
use crate::dice::{Dice, roll};
use crate::retry::{Failure, NotSent, Processed, is_draining};
use crate::switches::Switches;

/// Sends each call to one of several endpoints, each with a breaker of its own.
pub struct Balance<S> {
    endpoints: Endpoints<S>,
    dice: Dice,
}

/// A call that is out, to the end of its body: part of what its endpoint has to do.
#[derive(Debug)]
pub struct Held(Arc<Load>);

pin_project! {
    /// The response of the endpoint that was picked; [`CircuitOpen`] if every breaker refuses, [`NoEndpoint`] (not
    /// sent) if there is none.
    pub struct BalanceFuture<S, C, A>
    where
        S: Service<Request<A>>,
    {
        #[pin]
        step: Step<S, C, A>,
        dice: Dice,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<S, C, A>
    where
        S: Service<Request<A>>,
    {
        // Nobody has looked for endpoints yet.
        Looking { first: First<BreakerService<S, C>>, request: Option<Request<A>> },
        Readying { service: BreakerService<S, C>, call: Option<(Pass, Request<A>, Choice<BreakerService<S, C>>)> },
        Calling { #[pin] call: BreakerFuture<S::Future, C>, choice: Option<Choice<BreakerService<S, C>>> },
        Refused { error: Option<BoxError> },
    }
}

type First<S> = Pin<Box<dyn Future<Output = Option<List<S>>> + Send>>;

/// Where a call went.
struct Choice<S> {
    list: List<S>,
    at: usize,
    tried: Option<Tried>,
    held: Held,
    sent: Instant,
}

// === impl Balance ===

impl<S> Balance<S> {
    /// Sends calls to these endpoints, as they change.
    #[must_use]
    pub fn new(endpoints: Endpoints<S>) -> Self {
        Self { endpoints, dice: roll }
    }

    /// The same with another source of chance: numbers in [0, 1).
    #[must_use]
    pub fn with_dice(self, dice: Dice) -> Self {
        Self { dice, ..self }
    }
}

impl<S> Clone for Balance<S> {
    fn clone(&self) -> Self {
        Self { endpoints: self.endpoints.clone(), dice: self.dice }
    }
}

impl<S> fmt::Debug for Balance<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balance").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

impl<S, C, A, B> Service<Request<A>> for Balance<BreakerService<S, C>>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    C: Classify + Clone + Send + Sync + 'static,
    B: Body,
    B::Error: Into<BoxError>,
{
    type Response = Response<GuardedBody<GuardedBody<B, Verdict<C>>, Held>>;
    type Error = BoxError;
    type Future = BalanceFuture<S, C, A>;

    /// Always ready: which endpoint is asked, and whether that one is, shows with the request.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let step = match self.endpoints.list() {
            Some(list) => Step::begin(list, request, self.dice),
            None => Step::Looking { first: Box::pin(self.endpoints.first()), request: Some(request) },
        };
        BalanceFuture { step, dice: self.dice }
    }
}

// === impl Step ===

impl<S, C, A> Step<S, C, A>
where
    S: Service<Request<A>> + Clone,
    C: Classify + Clone,
{
    fn begin(list: List<BreakerService<S, C>>, request: Request<A>, dice: Dice) -> Self {
        if list.is_empty() {
            return Self::Refused { error: Some(NotSent(NoEndpoint.into()).into()) };
        }
        let now = Instant::now();
        match choose(&list, request.extensions(), dice, now) {
            Ok((at, pass)) => {
                let service = list[at].service.clone();
                let choice = Choice::new(list, at, request.extensions(), now);
                Self::Readying { service, call: Some((pass, request, choice)) }
            }
            Err(open) => Self::Refused { error: Some(open.into()) },
        }
    }
}

/// Picks until a breaker agrees.
fn choose<S, C: Clone>(
    list: &[Arc<Endpoint<BreakerService<S, C>>>],
    extensions: &Extensions,
    dice: Dice,
    now: Instant,
) -> Result<(usize, Pass), CircuitOpen> {
    let switches = Switches::of(extensions);
    let ask = |at: usize| list[at].service.admit(switches, now).map(|pass| (at, pass));
    if list.len() == 1 {
        return ask(0);
    }
    let (mut views, mut waits) = look(list, extensions.get(), switches, now);
    while let Some(at) = pick(&views, [dice(), dice()]) {
        match ask(at) {
            Ok(chosen) => return Ok(chosen),
            Err(open) => (views[at].admits, waits[at]) = (false, Some(open.retry_in)),
        }
    }
    let soonest = (0..list.len()).min_by_key(|&at| waits[at]).expect("there is an endpoint");
    ask(soonest) // which tells the wait, and counts the refusal where it belongs
}

/// What is known of each, and how long its breaker is certain to refuse.
fn look<S, C: Clone>(
    list: &[Arc<Endpoint<BreakerService<S, C>>>],
    tried: Option<&Tried>,
    switches: Switches,
    now: Instant,
) -> (Vec<View>, Vec<Option<Duration>>) {
    let view = |(at, endpoint): (usize, &Arc<Endpoint<BreakerService<S, C>>>)| {
        let shut = endpoint.service.breaker().shut_for(now).filter(|_| switches.breaker);
        let (load, rests) = endpoint.load.view(now);
        let tried = tried.is_some_and(|tried| tried.contains(at));
        (View { admits: shut.is_none(), rests, tried, load }, shut)
    };
    list.iter().enumerate().map(view).unzip()
}

// === impl Choice ===

impl<S, C> Choice<BreakerService<S, C>> {
    fn new(list: List<BreakerService<S, C>>, at: usize, extensions: &Extensions, now: Instant) -> Self {
        let tried = extensions.get::<Tried>().cloned();
        if let Some(tried) = &tried {
            tried.insert(at);
        }
        let held = Held::new(Arc::clone(&list[at].load));
        Self { list, at, tried, held, sent: now }
    }

    /// Learns from the head, or from the error that came instead, and says if another endpoint is worth trying.
    fn settle<B: Body>(
        self,
        result: Result<Response<B>, BoxError>,
    ) -> Result<Response<GuardedBody<B, Held>>, BoxError>
    where
        C: Classify + Clone,
    {
        let now = Instant::now();
        match result {
            Ok(response) => Ok(self.on_head(response, now)),
            Err(error) => Err(self.on_error(error, now)),
        }
    }

    fn on_head<B: Body>(self, response: Response<B>, now: Instant) -> Response<GuardedBody<B, Held>>
    where
        C: Classify + Clone,
    {
        let (mut head, body) = response.into_parts();
        let (load, took) = (&self.held.0, now - self.sent);
        if is_draining(&head.headers) {
            load.turned_away(now);
            if self.others_may_take_it(now) {
                head.extensions.insert(TakenElsewhere);
            }
        } else if self.list[self.at].service.classifier().head(&head) == Some(Outcome::Failure) {
            load.failed(took, now);
        } else {
            load.answered(took, now);
        }
        Response::from_parts(head, GuardedBody::new(body, self.held))
    }

    fn on_error(&self, error: BoxError, now: Instant) -> BoxError {
        match Failure::of_error(&*error).map(|failure| failure.processed) {
            None => error, // refused by a guard of ours
            Some(Processed::Perhaps) => {
                self.held.0.failed(now - self.sent, now);
                error
            }
            Some(Processed::No) => {
                self.held.0.turned_away(now);
                if self.others_may_take_it(now) { Elsewhere(error).into() } else { error }
            }
        }
    }

    /// Whether there is an endpoint that this call has not been at and whose breaker does not refuse. That it rests
    /// does not matter: it may have come back since, and to find out costs little.
    fn others_may_take_it(&self, now: Instant) -> bool {
        let is_tried = |at| self.tried.as_ref().is_some_and(|tried| tried.contains(at));
        let takes =
            |endpoint: &Endpoint<BreakerService<S, C>>| endpoint.service.breaker().shut_for(now).is_none();
        let mut others = self.list.iter().enumerate().filter(|&(at, _)| at != self.at && !is_tried(at));
        others.any(|(_, endpoint)| takes(endpoint))
    }
}

// === impl BalanceFuture ===

impl<S, C, A, B> Future for BalanceFuture<S, C, A>
where
    S: Service<Request<A>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    C: Classify + Clone,
    B: Body,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<GuardedBody<GuardedBody<B, Verdict<C>>, Held>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.step.as_mut().project() {
                StepProj::Looking { first, request } => {
                    let list = ready!(first.as_mut().poll(cx)).unwrap_or_else(|| Arc::new([]));
                    Step::begin(list, request.take().expect("a request is sent once"), *this.dice)
                }
                StepProj::Readying { service, call } => {
                    let ready = ready!(service.poll_ready(cx));
                    let (pass, request, choice) = call.take().expect("a request is sent once");
                    match ready {
                        Ok(()) => {
                            Step::Calling { call: service.call_admitted(pass, request), choice: Some(choice) }
                        }
                        Err(error) => Step::Refused { error: Some(choice.on_error(error, Instant::now())) },
                    }
                }
                StepProj::Calling { call, choice } => {
                    let result = ready!(call.poll(cx));
                    return Poll::Ready(choice.take().expect("polled after it was ready").settle(result));
                }
                StepProj::Refused { error } => {
                    return Poll::Ready(Err(error.take().expect("polled after it was ready")));
                }
            };
            this.step.set(next);
        }
    }
}

impl<S, C, A> fmt::Debug for BalanceFuture<S, C, A>
where
    S: Service<Request<A>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match &self.step {
            Step::Looking { .. } => "looking",
            Step::Readying { .. } => "readying",
            Step::Calling { .. } => "calling",
            Step::Refused { .. } => "refused",
        };
        f.debug_tuple("BalanceFuture").field(&step).finish()
    }
}

// === impl Held ===

impl Held {
    fn new(load: Arc<Load>) -> Self {
        load.begin();
        Self(load)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Guard for Held {
    fn end(self, _end: End<'_>) {}
}
