use std::time::Duration;

use proptest::prelude::*;

use super::*;

const OPEN: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(60);

fn core(probes: u32, jitter: f64, roll: f64) -> Core {
    let config = Config { probes, jitter, ..Config::internal() };
    Core::new(config, Box::new(move || roll))
}

/// A core without jitter that has just opened.
fn opened(probes: u32, now: Instant) -> Core {
    let mut core = core(probes, 0.0, 0.0);
    trip(&mut core, now);
    core
}

fn trip(core: &mut Core, now: Instant) -> Change {
    let counts = Counts { consecutive: 5, calls: 5, failures: 5 };
    core.failed(counts, now).expect("five failures in a row trip")
}

fn probe(core: &mut Core, now: Instant) -> Ticket {
    core.admit(now).0.expect("a probe is due")
}

#[test]
fn trips_on_failures_in_a_row_or_on_a_share_of_enough_calls() {
    let cases = [
        (Counts { consecutive: 4, calls: 4, failures: 4 }, false),
        (Counts { consecutive: 5, calls: 5, failures: 5 }, true),
        (Counts { consecutive: 1, calls: 19, failures: 19 }, false),
        (Counts { consecutive: 1, calls: 20, failures: 9 }, false),
        (Counts { consecutive: 1, calls: 20, failures: 10 }, true),
    ];
    for (counts, trips) in cases {
        assert_eq!(core(1, 0.0, 0.0).failed(counts, Instant::now()).is_some(), trips, "{counts:?}");
    }
}

#[test]
fn refuses_until_its_time_is_over_and_says_how_long_that_is() {
    let now = Instant::now();
    let mut core = opened(1, now);
    assert_eq!(core.admit(now + Duration::from_secs(20)).0, Err(Duration::from_secs(40)));
    assert!(core.admit(now + OPEN).0.is_ok());
    assert_eq!(core.state(), State::HalfOpen);
}

#[test]
fn half_open_lets_exactly_as_many_probes_through_as_configured() {
    let now = Instant::now();
    let mut core = opened(3, now);
    let then = now + OPEN;
    let tickets: Vec<_> = (0..3).map(|_| probe(&mut core, then)).collect();
    assert!(core.admit(then).0.is_err(), "the fourth");
    assert_eq!(core.settle_probe(tickets[0], Outcome::Healthy, then).change, None);
    assert!(core.admit(then).0.is_err(), "a probe that has passed is not replaced");
    core.settle_probe(tickets[1], Outcome::Healthy, then);
    core.settle_probe(tickets[2], Outcome::Healthy, then);
    assert_eq!(core.state(), State::Closed);
}

#[test]
fn one_failed_probe_opens_again_and_silences_the_others() {
    let now = Instant::now();
    let mut core = opened(2, now);
    let (first, second) = (probe(&mut core, now + OPEN), probe(&mut core, now + OPEN));
    core.settle_probe(first, Outcome::Failure, now + OPEN);
    assert_eq!(core.state(), State::Open);
    let late = core.settle_probe(second, Outcome::Healthy, now + OPEN);
    assert_eq!(late, Settled { counted: false, change: None });
}

#[test]
fn a_probe_that_says_nothing_gives_its_turn_back() {
    let now = Instant::now();
    for outcome in [Outcome::Neutral, Outcome::Throttled, Outcome::Credential] {
        let mut core = opened(1, now);
        let ticket = probe(&mut core, now + OPEN);
        core.settle_probe(ticket, outcome, now + OPEN);
        assert_eq!(core.state(), State::HalfOpen, "{outcome:?} decides nothing");
        probe(&mut core, now + OPEN);
    }
}

#[test]
fn a_probe_that_never_comes_back_has_failed_when_its_lease_ends() {
    let now = Instant::now();
    let mut core = opened(1, now);
    let ticket = probe(&mut core, now + OPEN);
    let (verdict, change) = core.admit(now + OPEN + LEASE);
    assert_eq!(verdict, Err(OPEN * 2), "open again, for twice as long");
    assert_eq!(change.map(|change| (change.from, change.to)), Some((State::HalfOpen, State::Open)));
    let late = core.settle_probe(ticket, Outcome::Healthy, now + OPEN + LEASE);
    assert!(!late.counted, "too late to close it");
}

#[test]
fn a_lost_probe_that_nobody_missed_for_long_delays_nobody() {
    let now = Instant::now();
    let mut core = opened(1, now);
    probe(&mut core, now + OPEN);
    let (verdict, change) = core.admit(now + OPEN + LEASE + OPEN * 2);
    assert!(verdict.is_ok(), "it was open again, and that time is over too");
    assert_eq!(change, Some(Change { from: State::HalfOpen, to: State::HalfOpen, generation: 4 }));
}

#[test]
fn a_probe_that_answers_after_its_lease_has_failed_even_if_nobody_asked_meanwhile() {
    let now = Instant::now();
    let mut core = opened(1, now);
    let ticket = probe(&mut core, now + OPEN);
    let settled = core.settle_probe(ticket, Outcome::Healthy, now + OPEN + LEASE);
    assert!(!settled.counted);
    assert_eq!(core.state(), State::Open);
}

#[test]
fn open_time_doubles_up_to_the_ceiling_and_starts_afresh_after_closing() {
    let mut now = Instant::now();
    let mut core = opened(1, now);
    for expected in [60, 120, 240, 300, 300] {
        assert_eq!(core.retry_in(now), Some(Duration::from_secs(expected)));
        now += Duration::from_secs(expected);
        let ticket = probe(&mut core, now);
        core.settle_probe(ticket, Outcome::Failure, now);
    }
    now += Duration::from_secs(300);
    let ticket = probe(&mut core, now);
    core.settle_probe(ticket, Outcome::Healthy, now);
    trip(&mut core, now);
    assert_eq!(core.retry_in(now), Some(OPEN));
}

#[test]
fn jitter_shortens_the_open_time_by_its_share_and_never_lengthens_it() {
    let now = Instant::now();
    for (roll, expected) in [(0.0, 60.0), (0.5, 57.0), (1.0, 54.0), (7.0, 54.0)] {
        let mut core = core(1, 0.1, roll);
        trip(&mut core, now);
        let open = core.retry_in(now).expect("open").as_secs_f64();
        assert!((open - expected).abs() < 1e-6, "roll {roll}: {open}");
    }
}

#[test]
fn a_reset_closes_it_and_forgets_the_probes_that_are_out() {
    let now = Instant::now();
    let mut core = opened(1, now);
    let ticket = probe(&mut core, now + OPEN);
    core.reset();
    assert_eq!(core.state(), State::Closed);
    core.settle_probe(ticket, Outcome::Failure, now + OPEN);
    assert_eq!(core.state(), State::Closed);
}

// === any sequence of events ===

#[derive(Clone, Debug)]
enum Event {
    Admit,
    Settle { which: prop::sample::Index, outcome: Outcome },
    Trip,
    Pass(u64),
    Reset,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let outcome = prop_oneof![
        Just(Outcome::Healthy),
        Just(Outcome::Failure),
        Just(Outcome::Throttled),
        Just(Outcome::Credential),
        Just(Outcome::Neutral),
    ];
    let settle =
        (any::<prop::sample::Index>(), outcome).prop_map(|(which, outcome)| Event::Settle { which, outcome });
    let event = prop_oneof![
        6 => Just(Event::Admit),
        6 => settle,
        2 => Just(Event::Trip),
        4 => (0u64..120_000).prop_map(Event::Pass),
        1 => Just(Event::Reset),
    ];
    prop::collection::vec(event, 0..200)
}

proptest! {
    #[test]
    fn no_sequence_wedges_it_or_lets_more_probes_out_or_listens_to_the_past(
        events in events(), probes in 1u32..4, roll in 0.0f64..1.0,
    ) {
        let mut core = core(probes, 0.1, roll);
        let mut now = Instant::now();
        let mut out: Vec<Ticket> = Vec::new();
        for event in events {
            match event {
                Event::Pass(millis) => now += Duration::from_millis(millis),
                Event::Reset => { core.reset(); }
                Event::Trip => if core.state() == State::Closed { trip(&mut core, now); },
                Event::Admit => out.extend(core.admit(now).0),
                Event::Settle { which, outcome } if !out.is_empty() => {
                    let ticket = out.swap_remove(which.index(out.len()));
                    settle(&mut core, ticket, outcome, now)?;
                }
                Event::Settle { .. } => {}
            }
            let of_now = |ticket: &&Ticket| ticket.generation == core.generation() && ticket.probe.is_some();
            prop_assert!(out.iter().filter(of_now).count() <= probes as usize);
        }
        prop_assert!(admits_again(&mut core, now), "wedged in {:?}", core.state());
    }
}

fn settle(core: &mut Core, ticket: Ticket, outcome: Outcome, now: Instant) -> Result<(), TestCaseError> {
    core.expire(now);
    let (state, generation, retry) = (core.state(), core.generation(), core.retry_in(now));
    let settled = core.settle_probe(ticket, outcome, now);
    if ticket.generation != generation || ticket.probe.is_none() {
        prop_assert_eq!(settled, Settled { counted: false, change: None });
        prop_assert_eq!((state, generation, retry), (core.state(), core.generation(), core.retry_in(now)));
    }
    Ok(())
}

/// With every call that is out lost, it lets one through after at most a lease and the longest open time.
fn admits_again(core: &mut Core, now: Instant) -> bool {
    core.admit(now + LEASE + Config::internal().max_open).0.is_ok()
}
