//! Finds out that an endpoint is well again while its breaker is open, so that calls need not wait for the time to be
//! over: asks its `grpc.health.v1` now and then, over a connection of its own, because the old one may be dead.
//!
//! What answers SERVING gets a call as a probe. Where no call comes, the question itself is the probe: a way that nobody
//! uses must not look ill for hours. On a way for streams it always is, because the head of a stream may wait for a model,
//! and everybody else would wait with it. An endpoint that fails calls nevertheless is asked more and more seldom.

use std::time::Duration;

use bsm_stack::{
    Outcome,
    breaker::{Breaker, Mode, State, Transition},
    dice,
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, sleep, timeout},
};
use tonic::transport::Channel;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tracing::debug;

use super::{
    Traffic,
    line::{Line, WeakLine},
};

/// The longest pause between two questions, unless the endpoint fails calls though it says that it serves.
const EVERY: Duration = Duration::from_millis(500);

/// The longest pause then.
const AT_LEAST_EVERY: Duration = Duration::from_secs(30);

/// How long an endpoint may take to connect and to answer.
const ANSWER: Duration = Duration::from_millis(500);

/// How long a call has to come and be the probe.
const CALLS_FIRST: Duration = Duration::from_secs(1);

/// Asks whenever `breaker` is not closed, as long as there is a line.
pub(super) fn watch(line: &Line, breaker: &Breaker, traffic: Traffic) {
    let changes = breaker.subscribe();
    let calls_first = match traffic {
        Traffic::Calls => CALLS_FIRST,
        Traffic::Streams => Duration::ZERO,
    };
    line.keep(follow(changes, breaker.clone(), line.downgrade(), calls_first));
}

async fn follow(mut changes: Receiver<Transition>, breaker: Breaker, line: WeakLine, calls_first: Duration) {
    let (mut pause, mut vouched) = (EVERY, None);
    loop {
        match changes.recv().await {
            Ok(change) if change.to == State::Open => {
                pause = after(&change, pause, vouched);
                ask_until_it_serves(&breaker, &line, pause).await;
            }
            Ok(change) if change.to == State::HalfOpen => {
                vouched = probe_unless_calls_do(&breaker, &line, calls_first).await.or(vouched);
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// How long the pauses are after a change to open: longer each time that a probe failed, for it had been let through
/// because the endpoint said that it serves; and so if calls failed soon after this process had `vouched` for it.
fn after(change: &Transition, pause: Duration, vouched: Option<Instant>) -> Duration {
    let was_wrong = vouched.is_some_and(|at| change.at.saturating_duration_since(at) < AT_LEAST_EVERY);
    match change.from {
        State::HalfOpen => (pause * 2).min(AT_LEAST_EVERY),
        State::Closed if was_wrong => (pause * 2).min(AT_LEAST_EVERY),
        State::Closed | State::Open => EVERY,
    }
}

/// Ends when the breaker is half-open no more; says when it was by the word of the endpoint alone. Cancel safe.
async fn probe_unless_calls_do(breaker: &Breaker, line: &WeakLine, calls_first: Duration) -> Option<Instant> {
    sleep(calls_first).await;
    loop {
        let now = breaker.snapshot();
        if (now.state, now.mode) != (State::HalfOpen, Mode::Normal) {
            return None;
        }
        let Ok(permit) = breaker.acquire() else {
            sleep(EVERY).await; // a call is out as the probe
            continue;
        };
        if !permit.is_probe() {
            permit.unsent(); // it closed meanwhile
            return None;
        }
        let serves = serves(line.another()?).await;
        permit.record(if serves { Outcome::Healthy } else { Outcome::Failure });
        return serves.then(Instant::now);
    }
}

/// Ends when the endpoint serves, or when the breaker is open no more for another reason. Cancel safe.
async fn ask_until_it_serves(breaker: &Breaker, line: &WeakLine, pause: Duration) {
    loop {
        sleep(pause.mul_f64(1.0 - dice::roll() / 2.0)).await; // many callers do not all ask at once
        let now = breaker.snapshot();
        if (now.state, now.mode) != (State::Open, Mode::Normal) {
            return;
        }
        let Some(channel) = line.another() else { return };
        if serves(channel.clone()).await {
            debug!(breaker = &*now.name, "the endpoint serves again");
            line.change(channel);
            return breaker.peer_is_well();
        }
    }
}

async fn serves(channel: Channel) -> bool {
    let mut client = HealthClient::new(channel);
    let answer = timeout(ANSWER, client.check(HealthCheckRequest::default())).await;
    matches!(answer, Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving)
}

#[cfg(test)]
mod tests {
    use bsm_stack::breaker::Cause;

    use super::*;

    #[test]
    fn an_endpoint_that_says_it_serves_and_fails_calls_is_not_probed_without_end() {
        let change = |from| Transition {
            breaker: "x".into(),
            from,
            to: State::Open,
            mode: Mode::Normal,
            cause: Cause::ProbeFailed,
            at: Instant::now(),
            generation: 1,
        };
        let mut pause = EVERY;
        for _ in 0..10 {
            pause = after(&change(State::HalfOpen), pause, None);
        }
        assert_eq!(pause, AT_LEAST_EVERY);
        assert_eq!(after(&change(State::Closed), pause, None), EVERY, "a new outage");
        let vouched = Some(Instant::now());
        assert_eq!(after(&change(State::Closed), EVERY, vouched), EVERY * 2, "its word was worth nothing");
    }
}
