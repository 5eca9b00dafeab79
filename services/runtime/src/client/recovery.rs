//! Finds out that an endpoint is well again while its breaker is open, so that calls need not wait for the time to be
//! over: asks its `grpc.health.v1` now and then, over a connection of its own, because the old one may be dead.
//!
//! What answers SERVING gets a call as a probe. One that fails it nevertheless is asked more and more seldom.

use std::time::Duration;

use bsm_stack::{
    breaker::{Breaker, Mode, State, Transition},
    dice,
};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{sleep, timeout},
};
use tonic::transport::Channel;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tracing::debug;

use super::line::{Line, WeakLine};

/// The longest pause between two questions, unless the endpoint fails calls though it says that it serves.
const EVERY: Duration = Duration::from_millis(500);

/// The longest pause then.
const AT_LEAST_EVERY: Duration = Duration::from_secs(30);

/// How long an endpoint may take to connect and to answer.
const ANSWER: Duration = Duration::from_millis(500);

/// Asks whenever `breaker` is open, as long as there is a line.
pub(super) fn watch(line: &Line, breaker: &Breaker) {
    let changes = breaker.subscribe();
    line.keep(follow(changes, breaker.clone(), line.downgrade()));
}

async fn follow(mut changes: Receiver<Transition>, breaker: Breaker, line: WeakLine) {
    let mut pause = EVERY;
    loop {
        match changes.recv().await {
            Ok(change) if change.to == State::Open => {
                pause = after(&change, pause);
                ask_until_it_serves(&breaker, &line, pause).await;
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// How long the pauses are after a change to open: longer each time that a probe failed, for it had been let through
/// because the endpoint said that it serves.
fn after(change: &Transition, pause: Duration) -> Duration {
    match change.from {
        State::HalfOpen => (pause * 2).min(AT_LEAST_EVERY),
        State::Closed | State::Open => EVERY,
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
    use tokio::time::Instant;

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
            pause = after(&change(State::HalfOpen), pause);
        }
        assert_eq!(pause, AT_LEAST_EVERY);
        assert_eq!(after(&change(State::Closed), pause), EVERY, "a new outage");
    }
}
