//! Real threads that fall over each other: no probe beyond the one, no outcome twice, no wedge.

use std::hint;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use bsm_stack::breaker::{Breaker, Config, Mode};
use bsm_stack::classify::Outcome;

const THREADS: usize = 4;
const PROBES: u64 = 100_000;

/// Opens at the first failure and probes at once.
fn flapping() -> Config {
    let at_once = Duration::ZERO;
    Config { consecutive_failures: 1, open: at_once, ramp: at_once, jitter: 0.0, ..Config::internal() }
}

fn outcome(n: u64) -> Outcome {
    match n % 7 {
        0 | 3 => Outcome::Failure,
        1 | 4 | 6 => Outcome::Healthy,
        2 => Outcome::Throttled,
        _ => Outcome::Neutral,
    }
}

#[test]
fn of_a_hundred_thousand_probes_no_two_are_out_at_once() {
    let breaker = Breaker::new("memory", flapping());
    let (probes, out) = (AtomicU64::new(0), AtomicUsize::new(0));
    let (failures, successes) = (AtomicU64::new(0), AtomicU64::new(0));
    let call = || {
        let Ok(permit) = breaker.acquire() else { return };
        if !permit.is_probe() {
            return permit.record(Outcome::Failure); // back to half-open; may come too late to count
        }
        assert_eq!(out.fetch_add(1, SeqCst), 0, "a second probe is out");
        let outcome = outcome(probes.fetch_add(1, SeqCst));
        (0..20).for_each(|_| hint::spin_loop()); // time for others to ask; yielding would give them whole slices
        out.fetch_sub(1, SeqCst);
        failures.fetch_add(u64::from(outcome == Outcome::Failure), SeqCst);
        successes.fetch_add(u64::from(outcome == Outcome::Healthy), SeqCst);
        permit.record(outcome);
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while probes.load(SeqCst) < PROBES {
                    call()
                }
            });
        }
    });
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.successes, successes.into_inner(), "each healthy probe counts once");
    assert!(snapshot.failures >= failures.into_inner(), "each failed probe counts, and some of the others");
    breaker.acquire().expect("it is not wedged").record(Outcome::Healthy);
}

#[test]
fn operators_and_callers_at_once_leave_it_as_the_last_operator_said() {
    let breaker = Breaker::new("memory", flapping());
    let modes =
        [Mode::ForcedOpen, Mode::Normal, Mode::Disabled, Mode::Normal, Mode::MetricsOnly, Mode::Normal];
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let breaker = breaker.clone();
            scope.spawn(move || {
                for n in 0..5_000 {
                    if let Ok(permit) = breaker.acquire() {
                        permit.record(outcome(n + thread));
                    }
                }
            });
        }
        for mode in modes.into_iter().cycle().take(600) {
            breaker.set_mode(mode);
            breaker.reset();
        }
    });
    assert_eq!(breaker.mode(), Mode::Normal);
    let snapshot = breaker.snapshot();
    assert!(snapshot.failures + snapshot.successes + snapshot.rejected <= snapshot.total);
    breaker.reset();
    let fresh = breaker.snapshot();
    assert_eq!(
        (fresh.consecutive_failures, fresh.recent, fresh.admits_percent),
        (0, Default::default(), 100)
    );
}
