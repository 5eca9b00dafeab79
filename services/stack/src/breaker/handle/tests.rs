use std::sync::Barrier;

use tokio::time::advance;

use super::*;
use crate::breaker::{Cause, State};

const OPEN: Duration = Duration::from_secs(60);

fn breaker() -> Breaker {
    Breaker::new("memory", Config { jitter: 0.0, ramp: Duration::ZERO, ..Config::internal() })
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
    assert_eq!(refused, CircuitOpen { breaker: "memory".into(), retry_in: OPEN, forced: false });

    advance(OPEN).await;
    breaker.acquire().expect("the probe").record(Outcome::Healthy);
    assert_eq!(state(&breaker), State::Closed);
    fail(&breaker, 4);
    assert_eq!(state(&breaker), State::Closed, "the failures before the trip are forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_says_whether_an_operator_holds_the_circuit_open() {
    let breaker = breaker();
    breaker.set_mode(Mode::ForcedOpen);
    assert!(breaker.acquire().expect_err("forced open").forced);
    breaker.set_mode(Mode::Normal);
    fail(&breaker, 5);
    advance(OPEN).await;
    let _probe = breaker.acquire().expect("the probe");
    assert!(!breaker.acquire().expect_err("another probe is out").forced);
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
            mode: Mode::Normal,
            generation: 1,
            consecutive_failures: 0,
            recent: Recent::default(),
            admits_percent: 0,
            opened_at: Some(Instant::now()),
            retry_in: Some(OPEN),
            last_transition: Some(Transition {
                breaker: "memory".into(),
                from: State::Closed,
                to: State::Open,
                mode: Mode::Normal,
                cause: Cause::FailuresInARow,
                at: Instant::now(),
                generation: 1,
            }),
            total: 7,
            failures: 5,
            successes: 1,
            slow: 0,
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

#[test]
fn each_outcome_counts_as_one_thing_if_at_all() {
    let table = [
        (Outcome::Healthy, Some(Hit::Healthy), Some(Hit::SlowAnswer)),
        (Outcome::Failure, Some(Hit::Failed), Some(Hit::Failed)),
        (Outcome::Neutral, None, Some(Hit::SlowSilence)),
        (Outcome::Throttled, None, None),
        (Outcome::Credential, None, None),
    ];
    for (outcome, in_time, slow) in table {
        assert_eq!((hit(outcome, false), hit(outcome, true)), (in_time, slow), "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_share_is_judged_when_the_twentieth_call_is_healthy_too() {
    let breaker = breaker();
    for n in 0..20 {
        assert_eq!(state(&breaker), State::Closed, "call {n}");
        let outcome = if n % 2 == 0 { Outcome::Failure } else { Outcome::Healthy };
        breaker.acquire().expect("closed").record(outcome);
    }
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.state, State::Open);
    assert_eq!(snapshot.last_transition.map(|last| last.cause), Some(Cause::ShareOfCalls));
}

#[tokio::test(start_paused = true)]
async fn slow_calls_trip_it_like_failures() {
    let breaker = breaker();
    let slow: Vec<_> = (0..10).map(|_| breaker.acquire().expect("closed")).collect();
    advance(Config::internal().slow_call).await;
    for _ in 0..10 {
        breaker.acquire().expect("closed").record(Outcome::Healthy);
    }
    for (n, permit) in slow.into_iter().enumerate() {
        assert_eq!((state(&breaker), breaker.snapshot().recent.slow), (State::Closed, n as u32));
        match n % 2 {
            0 => drop(permit), // the caller went away
            _ => permit.record(Outcome::Healthy),
        }
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.slow, snapshot.failures), (State::Open, 10, 0));
}

#[tokio::test(start_paused = true)]
async fn the_gate_opens_by_itself_when_the_ramp_is_over() {
    let config = Config { jitter: 0.0, ..Config::internal() };
    let breaker = Breaker::new("memory", config.clone());
    fail(&breaker, 5);
    advance(OPEN).await;
    breaker.acquire().expect("the probe").record(Outcome::Healthy);
    assert_eq!(breaker.snapshot().admits_percent, 10);
    let first: Vec<_> = (0..10).map(|_| breaker.acquire()).collect();
    assert_eq!(first.iter().filter(|verdict| verdict.is_ok()).count(), 1);
    let refused = first.into_iter().find_map(Result::err).expect("most are refused");
    assert!(refused.retry_in < Duration::from_secs(1), "come back soon: {:?}", refused.retry_in);

    advance(config.ramp).await;
    assert!((0..10).all(|_| breaker.acquire().is_ok()));
    assert_eq!(breaker.shared.gate.read().1, Way::Flows, "without the lock from now on");
    assert_eq!(breaker.snapshot().generation, 3, "the end of a ramp is no change of state");
}

#[tokio::test(start_paused = true)]
async fn an_operator_may_force_it_open_disable_it_or_have_it_only_count() {
    let breaker = breaker();
    let mut changes = breaker.subscribe();
    for mode in [Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly, Mode::Normal] {
        breaker.set_mode(mode);
        assert_eq!((breaker.mode(), breaker.snapshot().mode), (mode, mode));
        let told = changes.try_recv().expect("each change is told");
        assert_eq!((told.mode, told.cause), (mode, Cause::ModeSet));
        let before = breaker.snapshot();
        let admitted = (0..30).filter_map(|_| breaker.acquire().ok());
        let admitted = admitted.map(|permit| permit.record(Outcome::Failure)).count() as u64;
        let after = breaker.snapshot();
        let counted = (after.failures - before.failures, after.rejected - before.rejected);
        let (expected, expected_counts) = match mode {
            Mode::ForcedOpen => (0, (0, 30)),
            Mode::Disabled => (30, (0, 0)),
            Mode::MetricsOnly => (30, (30, 0)),
            Mode::Normal => (5, (5, 25)),
        };
        assert_eq!((admitted, counted), (expected, expected_counts), "{mode:?}");
    }
}

/// Nothing on these ways waits for the lock, even while somebody holds it.
#[test]
fn calls_flow_and_are_refused_without_the_lock() {
    let tripped = Breaker::new("models", Config { consecutive_failures: 1, ..Config::internal() });
    fail(&tripped, 1);
    let (breaker, done) = (breaker(), std::sync::mpsc::channel());
    let (ours, theirs) = (breaker.clone(), tripped.clone());
    let (_held, _held_too) = (breaker.shared.lock(), tripped.shared.lock());
    std::thread::spawn(move || {
        ours.acquire().expect("closed").record(Outcome::Healthy);
        ours.acquire().expect("closed").record(Outcome::Throttled);
        drop(ours.acquire().expect("closed"));
        theirs.acquire().expect_err("open");
        done.0.send(()).expect("the test waits");
    });
    done.1.recv_timeout(Duration::from_secs(10)).expect("nobody waited for the lock");
}
