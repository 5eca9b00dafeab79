//! The breaker's usual ways allocate nothing.

use bsm_stack::breaker::{Breaker, Config};
use bsm_stack::classify::Outcome;

fn allocations(run: impl FnOnce()) -> u64 {
    allocation_counter::measure(run).count_total
}

#[test]
fn calls_that_flow_allocate_nothing() {
    let breaker = Breaker::new("memory", Config::internal());
    breaker.acquire().expect("closed").record(Outcome::Healthy);
    let count = allocations(|| {
        breaker.acquire().expect("closed").record(Outcome::Healthy);
        breaker.acquire().expect("closed").record(Outcome::Throttled);
        drop(breaker.acquire().expect("closed"));
    });
    assert_eq!(count, 0);
}

#[test]
fn a_failure_that_does_not_trip_it_allocates_nothing() {
    let breaker = Breaker::new("memory", Config::internal());
    assert_eq!(allocations(|| breaker.acquire().expect("closed").record(Outcome::Failure)), 0);
}

#[test]
fn a_refusal_allocates_nothing() {
    let breaker = Breaker::new("memory", Config { consecutive_failures: 1, ..Config::internal() });
    breaker.acquire().expect("closed").record(Outcome::Failure);
    assert_eq!(allocations(|| drop(breaker.acquire().expect_err("open"))), 0);
}
