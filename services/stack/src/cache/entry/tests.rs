use super::*;

const TTL: Duration = Duration::from_secs(100);
const STALE: Duration = Duration::from_secs(50);
const ON_ERROR: Duration = Duration::from_secs(200);
const REMEMBERED: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn rules(jitter: f64) -> Rules {
    Rules::new(&Config { max_stale: STALE, max_stale_on_error: ON_ERROR, jitter, ..Config::with_ttl(TTL) })
}

fn loaded(now: Instant) -> Entry<&'static str, ()> {
    Entry::loaded("value", now, 0.0, &rules(0.0))
}

fn failed(before: Option<Entry<&'static str, ()>>, now: Instant) -> Entry<&'static str, ()> {
    Entry::failed(before, Arc::new(LoadError::Lost), now, &rules(0.0))
}

fn verdict(entry: Entry<&'static str, ()>, now: Instant) -> &'static str {
    match entry.judge(now, &rules(0.0)) {
        Verdict::Fresh(_) => "fresh",
        Verdict::Stale(_, _, Reload::Due) => "stale, reload",
        Verdict::Stale(_, _, Reload::NotYet) => "stale",
        Verdict::Failing(_, Some(_)) => "failing, old value",
        Verdict::Failing(_, None) => "failing",
        Verdict::Expired => "expired",
    }
}

#[test]
fn a_value_is_fresh_then_stale_then_gone_with_hard_bounds() {
    let now = Instant::now();
    let cases = [
        (Duration::ZERO, "fresh"),
        (TTL - MS, "fresh"),
        (TTL, "stale, reload"),
        (TTL + STALE - MS, "stale, reload"),
        (TTL + STALE, "expired"),
        (TTL + ON_ERROR, "expired"),
    ];
    for (age, expected) in cases {
        assert_eq!(verdict(loaded(now), now + age), expected, "at {age:?}");
    }
}

#[test]
fn while_loading_fails_an_old_value_stands_in_up_to_a_bound_of_its_own() {
    let now = Instant::now();
    let cases = [
        (TTL - MS, "fresh"),
        (TTL, "stale"),
        (TTL + STALE - MS, "stale"),
        (TTL + STALE, "failing, old value"),
        (TTL + ON_ERROR - MS, "failing, old value"),
        (TTL + ON_ERROR, "failing"),
    ];
    for (age, expected) in cases {
        let then = now + age;
        assert_eq!(verdict(failed(Some(loaded(now)), then), then), expected, "at {age:?}");
    }
}

#[test]
fn a_failure_is_forgotten_after_its_time_and_the_value_is_not() {
    let now = Instant::now();
    assert_eq!(verdict(failed(None, now), now + REMEMBERED - MS), "failing");
    assert_eq!(verdict(failed(None, now), now + REMEMBERED), "expired");

    let then = now + TTL;
    let entry = failed(Some(loaded(now)), then);
    assert_eq!(verdict(entry.clone(), then + REMEMBERED - MS), "stale");
    assert_eq!(verdict(entry, then + REMEMBERED), "stale, reload");
}

#[test]
fn a_value_loaded_after_a_failure_is_fresh_at_once() {
    let now = Instant::now();
    let _forgotten = failed(Some(loaded(now)), now + TTL);
    assert_eq!(verdict(loaded(now + TTL), now + TTL), "fresh");
}

#[test]
fn a_failed_load_is_covered_by_whatever_value_is_within_either_bound() {
    let now = Instant::now();
    let stand_in = |age: Duration| loaded(now).stand_in(now + age, &rules(0.0));
    assert_eq!(stand_in(TTL - MS), Some(Got::hit("value")), "put there meanwhile");
    assert_eq!(stand_in(TTL), Some(Got::stale("value", TTL)));
    let last = TTL + ON_ERROR - MS;
    assert_eq!(stand_in(last), Some(Got::stale("value", last)));
    assert_eq!(stand_in(TTL + ON_ERROR), None);
}

#[test]
fn a_failure_lets_go_of_a_value_that_can_never_be_served_again() {
    let now = Instant::now();
    assert!(failed(Some(loaded(now)), now + TTL + ON_ERROR - MS).held.is_some());
    assert!(failed(Some(loaded(now)), now + TTL + ON_ERROR).held.is_none());
}

#[test]
fn jitter_only_shortens_and_by_at_most_its_share() {
    for (jitter, roll, percent) in
        [(0.1, 0.0, 100), (0.1, 0.5, 95), (0.1, 1.0, 90), (0.0, 1.0, 100), (1.0, 0.25, 75)]
    {
        assert_eq!(rules(jitter).lifetime(roll), TTL * percent / 100, "jitter {jitter}, roll {roll}");
    }
}

#[test]
fn odd_settings_do_not_break_the_arithmetic() {
    let config = Config { jitter: f64::NAN, ..Config::with_ttl(Duration::MAX) };
    let rules = Rules::new(&config);
    assert_eq!(rules.lifetime(0.5), Duration::MAX);
    let now = Instant::now();
    let entry: Entry<_, ()> = Entry::loaded("value", now, 0.5, &rules);
    assert!(matches!(entry.judge(now + TTL, &rules), Verdict::Fresh(_)));
}
