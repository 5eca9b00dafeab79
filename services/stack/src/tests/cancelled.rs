//! A caller who goes away at any await: for every k, the call is polled k times and dropped. Whatever it was doing
//! then, nothing of it is left: no slot, no place in the queue, no probe's turn, no retry that was not paid for.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body::Body;
use http_body_util::Empty;
use tower::Service;
use tower_test::mock::{self, Handle, SendResponse};

use super::*;
use crate::Outcome;
use crate::hedge::{self, HedgeLayer, Hedging};
use crate::retry::{Budget, BudgetConfig, Idempotent, Policy, ReplayBody, RetryLayer};
use crate::testing::{Feeder, streaming, trailers_only};

type Sent = Request<ReplayBody<ReplayBody<Empty<Bytes>>>>;
type Callee = Handle<Sent, Rsp>;

const STEP: Duration = Duration::from_millis(50);
const OPEN: Duration = Duration::from_secs(60);

/// What the breaker is at when the call arrives.
#[derive(Clone, Copy, Debug)]
enum Start {
    Closed,
    HalfOpen,
}

/// One edge with a single slot, which somebody else has when the call arrives.
struct World {
    start: Start,
    breaker: Breaker,
    bulkhead: Bulkhead,
    budget: Budget,
    callee: Callee,
    held: Option<bulkhead::Permit>,
    /// Attempts that got no answer.
    hanging: Vec<SendResponse<Rsp>>,
    /// An attempt that gets one in a while.
    late: Option<SendResponse<Rsp>>,
    feeder: Option<Feeder>,
    attempts: u64,
    steps: usize,
}

impl World {
    async fn new(start: Start) -> (Self, Mock<Sent, Rsp>) {
        let (mock, callee) = mock::pair();
        let config = breaker::Config { consecutive_failures: 9, jitter: 0.0, ..breaker::Config::internal() };
        let bulkhead = Bulkhead::new("memory", bulkhead::Config { max_in_flight: 1, max_queue: 1 });
        let world = Self {
            start,
            breaker: Breaker::new("memory", config),
            held: Some(bulkhead.try_acquire().expect("free")),
            bulkhead,
            budget: Budget::new("memory", BudgetConfig::default()),
            callee,
            hanging: Vec::new(),
            late: None,
            feeder: None,
            attempts: 0,
            steps: 0,
        };
        if let Start::HalfOpen = start {
            while let Ok(permit) = world.breaker.acquire() {
                permit.record(Outcome::Failure);
            }
            advance(OPEN).await;
        }
        (world, mock)
    }

    /// Something happens meanwhile: the slot comes free; a first attempt fails, a second hangs, a third answers, while
    /// a probe is answered late; and where nothing else is to do, time passes.
    async fn go_on(&mut self) {
        self.steps += 1;
        if self.steps == 3 {
            self.held = None;
            return;
        }
        if let Poll::Ready(Some((_, send))) = self.callee.poll_request() {
            self.attempts += 1;
            match (self.start, self.attempts) {
                (Start::Closed, 1) => send.send_response(trailers_only("14")),
                (Start::Closed, 2) => self.hanging.push(send),
                (Start::Closed, _) => self.answer(send),
                (Start::HalfOpen, _) => self.late = Some(send),
            }
        } else if self.steps >= 8
            && let Some(send) = self.late.take()
        {
            self.answer(send);
        } else {
            advance(STEP).await;
        }
    }

    fn answer(&mut self, send: SendResponse<Rsp>) {
        let (feeder, response) = streaming();
        self.feeder = Some(feeder);
        send.send_response(response);
    }

    fn feed(&mut self, frame: usize) {
        let feeder = self.feeder.as_ref().expect("the body comes from somewhere");
        if frame < 3 { feeder.data() } else { feeder.trailers("0") }
    }

    /// Nothing of a call is left, however it ended.
    async fn assert_nothing_is_left(&mut self, when: &str) {
        self.held = None;
        let slots = self.bulkhead.snapshot();
        assert_eq!((slots.in_flight, slots.queued), (0, 0), "{when}: a slot leaked");
        let paid = self.budget.snapshot();
        // An attempt may have been paid for that was cancelled while it waited for its turn.
        assert!(paid.asked == 1 && paid.sent + 1 >= self.attempts && paid.sent <= 5, "{when}: {paid:?}");
        if self.breaker.snapshot().state == State::Open {
            advance(OPEN * 2).await; // a probe that failed
        }
        self.breaker
            .acquire()
            .unwrap_or_else(|open| panic!("{when}: wedged, {open}"))
            .record(Outcome::Healthy);
        assert_eq!(self.breaker.snapshot().state, State::Closed, "{when}");
    }
}

/// Counts polls, and says when it is enough.
struct Patience(usize);

impl Patience {
    /// Polls once more; `Err` if the caller's patience is over.
    fn poll<F: Future>(&mut self, future: Pin<&mut F>) -> Result<Poll<F::Output>, ()> {
        self.0 = self.0.checked_sub(1).ok_or(())?;
        Ok(future.poll(&mut Context::from_waker(Waker::noop())))
    }
}

/// Calls and reads the whole answer, unless the patience ends before; whether it was all of it.
async fn call(mock: Mock<Sent, Rsp>, world: &mut World, patience: &mut Patience) -> Result<(), ()> {
    let hedging = hedge::Config { after: Some(STEP * 2), ..hedge::Config::default() };
    let mut stack = ServiceBuilder::new()
        .layer(OutboundLayer::new(DEADLINE, MARGIN))
        .layer(RetryLayer::new(Policy::default(), world.budget.clone()).with_dice(|| 1.0))
        .layer(HedgeLayer::new(Hedging::new("memory", hedging, world.budget.clone())))
        .layer(BreakerLayer::new(world.breaker.clone(), GrpcClassifier).above_a_queue())
        .layer(BulkheadLayer::new(world.bulkhead.clone()))
        .layer(breaker::SentLayer)
        .layer(TimeoutLayer::new(STEP * 5))
        .service(mock);
    let mut request = Request::new(Empty::new());
    request.extensions_mut().insert(Idempotent);
    stack.ready().await.expect("ready");
    let mut head = pin!(stack.call(request));
    let response = loop {
        match patience.poll(head.as_mut())? {
            Poll::Ready(result) => break result.map_err(|error| panic!("{error}"))?,
            Poll::Pending => world.go_on().await,
        }
    };
    let mut body = Box::pin(response.into_body());
    for frame in 1.. {
        let mut next = pin!(std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)));
        match patience.poll(next.as_mut())? {
            Poll::Pending => world.feed(frame),
            Poll::Ready(Some(frame)) if frame.as_ref().is_ok_and(|frame| frame.is_data()) => {}
            Poll::Ready(_) => break,
        }
    }
    Ok(())
}

async fn dropped_after_any_poll(start: Start) {
    for polls in 0.. {
        let (mut world, mock) = World::new(start).await;
        let ended = call(mock, &mut world, &mut Patience(polls)).await;
        world.assert_nothing_is_left(&format!("{start:?}, dropped after {polls} polls")).await;
        if ended.is_ok() {
            assert!(polls > 10, "only {polls} awaits");
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_at_any_await_leaves_nothing_behind() {
    dropped_after_any_poll(Start::Closed).await;
}

#[tokio::test(start_paused = true)]
async fn nor_does_a_probe() {
    dropped_after_any_poll(Start::HalfOpen).await;
}
