use std::sync::Barrier;

use tokio::time::advance;

use super::*;

const OPEN: Duration = Duration::from_secs(60);

fn breaker() -> Breaker {
    Breaker::new("memory", Config { jitter: 0.0, ..Config::internal() })
}

fn fail(breaker: &Breaker, times: usize) {
    for _ in 0..times {
        breaker.acquire().expect("closed").record(Outcome::Failure);
    }
}

fn state(breaker: &Breaker) -> State {
    breaker.snapshot().state
}

#[tokio::test(start_paused = true)]
async fn opens_refuses_probes_and_closes_again() {
    let breaker = breaker();
    fail(&breaker, 4);
    assert_eq!(state(&breaker), State::Closed);
    fail(&breaker, 1);
    let refused = breaker.acquire().expect_err("open");
    assert_eq!(refused, CircuitOpen { breaker: "memory".into(), retry_in: OPEN });

    advance(OPEN).await;
    breaker.acquire().expect("the probe").record(Outcome::Healthy);
    assert_eq!(state(&breaker), State::Closed);
    fail(&breaker, 4);
    assert_eq!(state(&breaker), State::Closed, "the failures before the trip are forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_healthy_answer_in_between_ends_the_run() {
    let breaker = breaker();
    for _ in 0..9 {
        breaker.acquire().expect("closed").record(Outcome::Healthy);
    }
    for _ in 0..2 {
        fail(&breaker, 4);
        breaker.acquire().expect("closed").record(Outcome::Healthy);
    }
    assert_eq!(state(&breaker), State::Closed);
    assert_eq!(breaker.snapshot().consecutive_failures, 0);
}

#[tokio::test(start_paused = true)]
async fn half_of_twenty_calls_trip_it_without_a_run() {
    let breaker = breaker();
    for _ in 0..10 {
        assert_eq!(state(&breaker), State::Closed);
        breaker.acquire().expect("closed").record(Outcome::Healthy);
        breaker.acquire().expect("closed").record(Outcome::Failure);
    }
    assert_eq!(state(&breaker), State::Open);
}

#[tokio::test(start_paused = true)]
async fn throttling_bad_keys_and_callers_who_left_trip_nothing_and_end_no_run() {
    let breaker = breaker();
    fail(&breaker, 4);
    for outcome in [Outcome::Throttled, Outcome::Credential, Outcome::Neutral] {
        for _ in 0..30 {
            breaker.acquire().expect("closed").record(outcome);
        }
    }
    drop(breaker.acquire());
    assert_eq!(breaker.snapshot().consecutive_failures, 4);
    fail(&breaker, 1);
    assert_eq!(state(&breaker), State::Open);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_arrives_after_the_state_changed_touches_nothing() {
    let breaker = breaker();
    let late: Vec<_> = (0..10).map(|_| breaker.acquire().expect("closed")).collect();
    fail(&breaker, 5);
    advance(OPEN).await;
    let probe = breaker.acquire().expect("the probe");
    let before = breaker.snapshot();
    for (n, permit) in late.into_iter().enumerate() {
        permit.record(if n % 2 == 0 { Outcome::Failure } else { Outcome::Healthy });
    }
    assert_eq!(breaker.snapshot(), before);

    probe.record(Outcome::Healthy);
    assert_eq!(state(&breaker), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_probe_gives_its_turn_back() {
    let breaker = breaker();
    fail(&breaker, 5);
    advance(OPEN).await;
    let probe = breaker.acquire().expect("the probe");
    assert!(breaker.acquire().is_err(), "one at a time");
    drop(probe);
    breaker.acquire().expect("the next probe").record(Outcome::Healthy);
    assert_eq!(state(&breaker), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn half_open_does_not_outlast_the_lease_of_a_lost_probe() {
    let breaker = breaker();
    fail(&breaker, 5);
    advance(OPEN).await;
    let lost = breaker.acquire().expect("the probe");
    advance(Config::internal().probe_lease).await;
    assert_eq!(state(&breaker), State::Open, "even if nobody calls");
    lost.record(Outcome::Healthy);
    assert_eq!(state(&breaker), State::Open);
    advance(OPEN * 2).await;
    assert!(breaker.acquire().is_ok());
}

#[test]
fn of_many_callers_at_once_exactly_one_is_the_probe() {
    const CALLERS: usize = 8;
    for _ in 0..200 {
        let config = Config { open: Duration::ZERO, consecutive_failures: 1, ..Config::internal() };
        let breaker = Breaker::new("memory", config);
        fail(&breaker, 1);
        let start = Barrier::new(CALLERS);
        let ask = || {
            start.wait();
            breaker.acquire()
        };
        let verdicts: Vec<_> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(ask)).collect();
            callers.into_iter().map(|caller| caller.join().expect("no panic")).collect()
        });
        assert_eq!(verdicts.iter().filter(|verdict| verdict.is_ok()).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn every_change_is_told_once_and_in_order() {
    let breaker = breaker();
    let mut changes = breaker.subscribe();
    fail(&breaker, 5);
    advance(OPEN).await;
    breaker.acquire().expect("the probe").record(Outcome::Healthy);
    breaker.reset();

    let mut told = Vec::new();
    while let Ok(change) = changes.try_recv() {
        told.push((change.from, change.to, change.generation));
    }
    assert_eq!(
        told,
        [
            (State::Closed, State::Open, 1),
            (State::Open, State::HalfOpen, 2),
            (State::HalfOpen, State::Closed, 3)
        ],
        "a reset of a closed breaker changes nothing that anyone can see"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reset_closes_it_and_forgets_the_failures() {
    let breaker = breaker();
    fail(&breaker, 5);
    breaker.reset();
    fail(&breaker, 4);
    breaker.reset();
    fail(&breaker, 4);
    assert_eq!(state(&breaker), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_adds_up() {
    let breaker = breaker();
    breaker.acquire().expect("closed").record(Outcome::Healthy);
    fail(&breaker, 5);
    assert!(breaker.acquire().is_err());
    let snapshot = breaker.snapshot();
    assert_eq!(
        snapshot,
        Snapshot {
            name: "memory".into(),
            state: State::Open,
            consecutive_failures: 0,
            retry_in: Some(OPEN),
            total: 7,
            failures: 5,
            successes: 1,
            rejected: 1,
        }
    );
}

/// Late outcomes race with changes of state: whatever the interleaving, the new state starts from nothing.
#[test]
fn late_outcomes_that_race_with_a_change_of_state_touch_nothing() {
    for round in 0..500 {
        let config = Config { consecutive_failures: 3, ..Config::internal() };
        let breaker = Breaker::new("memory", config);
        let late: Vec<_> = (0..4).map(|_| breaker.acquire().expect("closed")).collect();
        let start = Barrier::new(late.len() + 1);
        std::thread::scope(|scope| {
            for (n, permit) in late.into_iter().enumerate() {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    permit.record(if n % 2 == 0 { Outcome::Failure } else { Outcome::Healthy });
                });
            }
            start.wait();
            breaker.reset();
        });
        let before = breaker.snapshot();
        assert_eq!((before.state, before.consecutive_failures), (State::Closed, 0), "round {round}");
        fail(&breaker, 2);
        assert_eq!(breaker.snapshot().consecutive_failures, 2, "round {round}");
    }
}
