use std::time::Duration;

use proptest::prelude::*;

use super::*;

const OPEN: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(60);
const RAMP: Duration = Duration::from_secs(3);
const HEALTHY: Option<Hit> = Some(Hit::Healthy);
const FAILED: Option<Hit> = Some(Hit::Failed);

fn core(probes: u32, jitter: f64, roll: f64) -> Core {
    let config = Config { probes, jitter, ramp: Duration::ZERO, ..Config::internal() };
    Core::new(config, Box::new(move || roll))
}

/// A core whose one probe has passed a moment ago, with a ramp of three seconds before it.
fn recovering(now: Instant) -> Core {
    let config = Config { jitter: 0.0, ..Config::internal() };
    let mut core = Core::new(config, Box::new(|| 0.0));
    trip(&mut core, now - OPEN);
    let ticket = probe(&mut core, now);
    core.settle_probe(ticket, HEALTHY, now);
    core.take_changes();
    core
}

/// A core without jitter that has just opened.
fn opened(probes: u32, now: Instant) -> Core {
    let mut core = core(probes, 0.0, 0.0);
    trip(&mut core, now);
    core
}

fn trip(core: &mut Core, now: Instant) {
    core.judge(counts(5, 5, 5, 0), now);
    assert_eq!(core.state(), State::Open, "five failures in a row trip");
}

fn counts(consecutive: u32, calls: u32, failures: u32, slow: u32) -> Counts {
    Counts { consecutive, calls, failures, slow }
}

fn probe(core: &mut Core, now: Instant) -> Ticket {
    core.admit(now).expect("a probe is due")
}

fn retry_in(core: &Core, now: Instant) -> Option<Duration> {
    core.open_until().map(|until| until.saturating_duration_since(now))
}

/// The changes nobody has been told yet.
fn told(core: &mut Core) -> Vec<(State, State, Cause)> {
    core.take_changes().into_iter().map(|change| (change.from, change.to, change.cause)).collect()
}

#[test]
fn a_peer_that_is_well_is_probed_before_its_time_and_only_then() {
    let now = Instant::now();
    let mut core = opened(1, now);
    core.peer_is_well(now);
    assert_eq!(core.state(), State::HalfOpen);
    core.peer_is_well(now); // no second turn for it
    let ticket = probe(&mut core, now);
    assert!(core.admit(now).is_err());
    core.settle_probe(ticket, HEALTHY, now);
    core.peer_is_well(now);
    let expected = [
        (State::Closed, State::Open, Cause::FailuresInARow),
        (State::Open, State::HalfOpen, Cause::PeerWell),
        (State::HalfOpen, State::Closed, Cause::ProbesPassed),
    ];
    assert_eq!(told(&mut core), expected);

    core.set_mode(Mode::ForcedOpen, now);
    core.peer_is_well(now);
    assert_eq!(core.state(), State::Open, "an operator's word counts for more");
}

#[test]
fn trips_on_failures_in_a_row_or_on_a_share_of_enough_calls() {
    let cases = [
        (counts(4, 4, 4, 0), None),
        (counts(5, 5, 5, 0), Some(Cause::FailuresInARow)),
        (counts(1, 19, 19, 0), None),
        (counts(1, 20, 9, 0), None),
        (counts(1, 20, 10, 0), Some(Cause::ShareOfCalls)),
        (counts(0, 20, 0, 9), None),
        (counts(0, 20, 0, 10), Some(Cause::ShareOfCalls)),
        (counts(0, 20, 4, 5), None),
        (counts(0, 20, 5, 5), Some(Cause::ShareOfCalls)),
        (counts(0, 19, 0, 19), None),
    ];
    for (counts, cause) in cases {
        let mut core = core(1, 0.0, 0.0);
        core.judge(counts, Instant::now());
        let expected: Vec<_> = cause.map(|cause| (State::Closed, State::Open, cause)).into_iter().collect();
        assert_eq!(told(&mut core), expected, "{counts:?}");
    }
}

#[test]
fn refuses_until_its_time_is_over_and_says_how_long_that_is() {
    let now = Instant::now();
    let mut core = opened(1, now);
    assert_eq!(core.admit(now + Duration::from_secs(20)), Err(Duration::from_secs(40)));
    assert!(core.admit(now + OPEN).is_ok());
    assert_eq!(core.state(), State::HalfOpen);
}

#[test]
fn half_open_lets_exactly_as_many_probes_through_as_configured() {
    let now = Instant::now();
    let mut core = opened(3, now);
    let then = now + OPEN;
    let tickets: Vec<_> = (0..3).map(|_| probe(&mut core, then)).collect();
    assert!(core.admit(then).is_err(), "the fourth");
    core.settle_probe(tickets[0], HEALTHY, then);
    assert_eq!(core.state(), State::HalfOpen);
    assert!(core.admit(then).is_err(), "a probe that has passed is not replaced");
    core.settle_probe(tickets[1], HEALTHY, then);
    core.settle_probe(tickets[2], HEALTHY, then);
    assert_eq!(core.state(), State::Closed);
}

#[test]
fn one_failed_probe_opens_again_and_silences_the_others() {
    let now = Instant::now();
    let mut core = opened(2, now);
    let (first, second) = (probe(&mut core, now + OPEN), probe(&mut core, now + OPEN));
    core.settle_probe(first, FAILED, now + OPEN);
    assert_eq!(core.state(), State::Open);
    let late = core.settle_probe(second, HEALTHY, now + OPEN);
    assert_eq!(late, Settled::TooLate);
}

#[test]
fn a_slow_probe_has_failed() {
    let now = Instant::now();
    for hit in [Hit::SlowAnswer, Hit::SlowSilence] {
        let mut core = opened(1, now);
        let ticket = probe(&mut core, now + OPEN);
        core.settle_probe(ticket, Some(hit), now + OPEN);
        assert_eq!(retry_in(&core, now + OPEN), Some(OPEN * 2), "{hit:?}");
    }
}

#[test]
fn a_probe_that_says_nothing_gives_its_turn_back() {
    let now = Instant::now();
    let mut core = opened(1, now);
    let ticket = probe(&mut core, now + OPEN);
    core.settle_probe(ticket, None, now + OPEN);
    assert_eq!(core.state(), State::HalfOpen, "it decides nothing");
    probe(&mut core, now + OPEN);
}

#[test]
fn a_probe_that_never_comes_back_has_failed_when_its_lease_ends() {
    let now = Instant::now();
    let mut core = opened(1, now);
    let ticket = probe(&mut core, now + OPEN);
    told(&mut core);
    let verdict = core.admit(now + OPEN + LEASE);
    assert_eq!(verdict, Err(OPEN * 2), "open again, for twice as long");
    assert_eq!(told(&mut core), [(State::HalfOpen, State::Open, Cause::ProbeLost)]);
    let late = core.settle_probe(ticket, HEALTHY, now + OPEN + LEASE);
    assert_eq!(late, Settled::TooLate, "too late to close it");
}

#[test]
fn a_probe_that_has_its_head_and_goes_on_has_passed_when_its_lease_ends() {
    let now = Instant::now();
    let mut core = opened(2, now);
    let (stream, quiet) = (probe(&mut core, now + OPEN), probe(&mut core, now + OPEN));
    core.probe_has_head(stream, now + OPEN);
    core.settle_probe(quiet, HEALTHY, now + OPEN);
    core.expire(now + OPEN + LEASE);
    assert_eq!(core.state(), State::Closed);
    let late = core.settle_probe(stream, FAILED, now + OPEN + LEASE);
    assert_eq!(late, Settled::TooLate);
}

#[test]
fn a_lost_probe_that_nobody_missed_for_long_delays_nobody() {
    let now = Instant::now();
    let mut core = opened(1, now);
    probe(&mut core, now + OPEN);
    told(&mut core);
    let verdict = core.admit(now + OPEN + LEASE + OPEN * 2);
    assert!(verdict.is_ok(), "it was open again, and that time is over too");
    assert_eq!(
        told(&mut core),
        [(State::HalfOpen, State::Open, Cause::ProbeLost), (State::Open, State::HalfOpen, Cause::ProbeDue)]
    );
}

#[test]
fn a_probe_that_answers_after_its_lease_has_failed_even_if_nobody_asked_meanwhile() {
    let now = Instant::now();
    let mut core = opened(1, now);
    let ticket = probe(&mut core, now + OPEN);
    let settled = core.settle_probe(ticket, HEALTHY, now + OPEN + LEASE);
    assert_eq!(settled, Settled::TooLate);
    assert_eq!(core.state(), State::Open);
}

#[test]
fn open_time_doubles_up_to_the_ceiling_and_starts_afresh_after_closing() {
    let mut now = Instant::now();
    let mut core = opened(1, now);
    for expected in [60, 120, 240, 300, 300] {
        assert_eq!(retry_in(&core, now), Some(Duration::from_secs(expected)));
        now += Duration::from_secs(expected);
        let ticket = probe(&mut core, now);
        core.settle_probe(ticket, FAILED, now);
    }
    now += Duration::from_secs(300);
    let ticket = probe(&mut core, now);
    core.settle_probe(ticket, HEALTHY, now);
    trip(&mut core, now);
    assert_eq!(retry_in(&core, now), Some(OPEN));
}

#[test]
fn jitter_shortens_the_open_time_by_its_share_and_never_lengthens_it() {
    let now = Instant::now();
    for (roll, expected) in [(0.0, 60.0), (0.5, 57.0), (1.0, 54.0), (7.0, 54.0)] {
        let mut core = core(1, 0.1, roll);
        trip(&mut core, now);
        let open = retry_in(&core, now).expect("open").as_secs_f64();
        assert!((open - expected).abs() < 1e-6, "roll {roll}: {open}");
    }
}

#[test]
fn a_reset_closes_it_and_forgets_the_probes_that_are_out() {
    let now = Instant::now();
    let mut core = opened(1, now);
    let ticket = probe(&mut core, now + OPEN);
    core.reset(now);
    assert_eq!(core.state(), State::Closed);
    core.settle_probe(ticket, FAILED, now + OPEN);
    assert_eq!(core.state(), State::Closed);
}

// === the way back ===

#[test]
fn after_a_recovery_the_admitted_share_ramps_up_and_does_not_jump() {
    let now = Instant::now();
    let mut core = recovering(now);
    let mut admitted = |at: Instant| (0..100).filter(|_| core.admit(at).is_ok()).count();
    assert_eq!(admitted(now), 10);
    assert_eq!(admitted(now + RAMP / 2), 55);
    assert_eq!(admitted(now + RAMP), 100);
}

#[test]
fn too_many_failures_in_the_ramp_open_it_again_for_twice_as_long() {
    let now = Instant::now();
    let mut core = recovering(now);
    trip(&mut core, now);
    assert_eq!(retry_in(&core, now), Some(OPEN * 2), "it had not recovered");

    let mut core = recovering(now);
    core.expire(now + RAMP);
    trip(&mut core, now + RAMP);
    assert_eq!(retry_in(&core, now + RAMP), Some(OPEN), "it had");
}

// === modes ===

#[test]
fn each_mode_decides_alone_who_goes_and_what_trips() {
    let now = Instant::now();
    let cases = [
        (Mode::ForcedOpen, State::Open, false, Way::Asks),
        (Mode::Disabled, State::Closed, true, Way::Bypasses),
        (Mode::MetricsOnly, State::Closed, true, Way::Flows),
    ];
    for (mode, state, admits, way) in cases {
        let mut core = core(1, 0.0, 0.0);
        core.set_mode(mode, now);
        core.judge(counts(5, 5, 5, 0), now);
        assert_eq!((core.state(), core.way()), (state, way), "{mode:?} does not trip");
        assert_eq!(core.admit(now + OPEN * 100).is_ok(), admits, "{mode:?}");
        assert_eq!(core.state(), state, "{mode:?} lasts until somebody ends it");
    }
}

#[test]
fn a_change_of_mode_starts_over_and_is_told_once() {
    let now = Instant::now();
    let mut core = opened(1, now);
    let ticket = probe(&mut core, now + OPEN);
    told(&mut core);
    core.set_mode(Mode::MetricsOnly, now + OPEN);
    core.set_mode(Mode::MetricsOnly, now + OPEN);
    assert_eq!(told(&mut core), [(State::HalfOpen, State::Closed, Cause::ModeSet)]);
    core.set_mode(Mode::Normal, now + OPEN);
    assert_eq!(told(&mut core), [(State::Closed, State::Closed, Cause::ModeSet)], "the mode changed");
    assert_eq!(core.settle_probe(ticket, FAILED, now + OPEN), Settled::TooLate);
    trip(&mut core, now + OPEN);
    assert_eq!(retry_in(&core, now + OPEN), Some(OPEN), "earlier trips are forgotten");
}

#[test]
fn the_way_back_from_forced_open_is_a_ramp_too() {
    let now = Instant::now();
    let config = Config { jitter: 0.0, ..Config::internal() };
    let mut core = Core::new(config, Box::new(|| 0.0));
    core.set_mode(Mode::ForcedOpen, now);
    core.reset(now);
    assert_eq!(core.state(), State::Open, "a reset does not overrule an operator");
    core.set_mode(Mode::Normal, now);
    assert_eq!((core.state(), core.admits_percent(now)), (State::Closed, 10));
    assert_eq!(core.admits_percent(now + RAMP / 2), 55);
    core.reset(now);
    assert_eq!(core.admits_percent(now), 100, "a reset says that it works");
}

#[test]
fn it_knows_when_it_opened_until_it_has_closed() {
    let now = Instant::now();
    let mut core = opened(1, now);
    assert_eq!(core.opened_at(), Some(now));
    let ticket = probe(&mut core, now + OPEN);
    core.settle_probe(ticket, FAILED, now + OPEN);
    assert_eq!(core.opened_at(), Some(now), "it has not closed since");
    let ticket = probe(&mut core, now + OPEN * 3);
    core.settle_probe(ticket, HEALTHY, now + OPEN * 3);
    assert_eq!(core.opened_at(), None);
}

// === any sequence of events ===

#[derive(Clone, Debug)]
enum Event {
    Admit,
    Head { which: prop::sample::Index },
    Settle { which: prop::sample::Index, hit: Option<Hit> },
    Trip,
    Pass(u64),
    Reset,
    Mode(Mode),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let hit =
        prop::sample::select(vec![HEALTHY, FAILED, Some(Hit::SlowAnswer), Some(Hit::SlowSilence), None]);
    let index = any::<prop::sample::Index>;
    let settle = (index(), hit).prop_map(|(which, hit)| Event::Settle { which, hit });
    let modes = vec![Mode::Normal, Mode::ForcedOpen, Mode::Disabled, Mode::MetricsOnly];
    let mode = prop::sample::select(modes).prop_map(Event::Mode);
    let event = prop_oneof![
        6 => Just(Event::Admit),
        6 => settle,
        1 => index().prop_map(|which| Event::Head { which }),
        1 => mode,
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
                Event::Reset => core.reset(now),
                Event::Mode(mode) => core.set_mode(mode, now),
                Event::Trip => core.judge(counts(5, 5, 5, 0), now),
                Event::Admit => out.extend(core.admit(now)),
                Event::Head { which } if !out.is_empty() => core.probe_has_head(*which.get(&out), now),
                Event::Settle { which, hit } if !out.is_empty() => {
                    let ticket = out.swap_remove(which.index(out.len()));
                    settle(&mut core, ticket, hit, now)?;
                }
                Event::Settle { .. } | Event::Head { .. } => {}
            }
            let of_now = |ticket: &&Ticket| ticket.generation == core.generation() && ticket.probe.is_some();
            prop_assert!(out.iter().filter(of_now).count() <= probes as usize);
        }
        core.set_mode(Mode::Normal, now);
        prop_assert!(admits_again(&mut core, now), "wedged in {:?}", core.state());
    }
}

fn settle(core: &mut Core, ticket: Ticket, hit: Option<Hit>, now: Instant) -> Result<(), TestCaseError> {
    core.expire(now);
    let (state, generation, retry) = (core.state(), core.generation(), core.open_until());
    let settled = core.settle_probe(ticket, hit, now);
    if ticket.generation != generation || ticket.probe.is_none() {
        prop_assert_eq!(settled, Settled::TooLate);
        prop_assert_eq!((state, generation, retry), (core.state(), core.generation(), core.open_until()));
    }
    Ok(())
}

/// With every call that is out lost, it lets one through after at most a lease and the longest open time.
fn admits_again(core: &mut Core, now: Instant) -> bool {
    core.admit(now + LEASE + Config::internal().max_open).is_ok()
}
