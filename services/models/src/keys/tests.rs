use secrecy::ExposeSecret;

use super::*;

fn pool(keys: &[&str]) -> KeyPool {
    KeyPool::new(keys.iter().map(|key| SecretString::from(*key).into()).collect())
}

/// Which key is used at that moment, whatever comes of it.
fn picked(pool: &mut KeyPool, now: Instant) -> String {
    let (ticket, secret) = pool.pick(now).unwrap();
    pool.give_back(ticket, now);
    secret.expose_secret().to_owned()
}

/// Uses the next key, with this end.
fn used(pool: &mut KeyPool, failure: Option<&Failure>, now: Instant) {
    let (ticket, _) = pool.pick(now).unwrap();
    pool.settle(ticket, failure, now);
}

fn throttled(wait: Option<u64>) -> Failure {
    Failure::new(Kind::Throttled, "slow down").retry_after(wait.map(Duration::from_secs))
}

fn failed(kind: Kind) -> Failure {
    Failure::new(kind, "no")
}

#[test]
fn the_first_key_is_used_while_it_is_good() {
    let (mut pool, now) = (pool(&["a", "b"]), Instant::now());
    assert_eq!((picked(&mut pool, now), picked(&mut pool, now)), ("a".to_owned(), "a".to_owned()));
}

#[test]
fn a_refused_key_is_set_aside_and_probed_later() {
    let (mut pool, now) = (pool(&["a", "b"]), Instant::now());
    used(&mut pool, Some(&failed(Kind::Credential)), now);
    assert_eq!(picked(&mut pool, now), "b");
    assert_eq!(picked(&mut pool, now + REFUSED_FOR), "a");
}

#[test]
fn a_key_that_comes_back_is_probed_by_one_call_at_a_time() {
    let (mut pool, now) = (pool(&["a", "b"]), Instant::now());
    used(&mut pool, Some(&failed(Kind::Credential)), now);
    let back = now + REFUSED_FOR;
    let (probe, secret) = pool.pick(back).unwrap();
    assert_eq!(secret.expose_secret(), "a");
    assert_eq!(pool.lines(back)[0].state, KeyState::Probing);
    for _ in 0..3 {
        assert_eq!(picked(&mut pool, back), "b", "the others do not wait for the probe");
    }
    pool.settle(probe, Some(&failed(Kind::Credential)), back);
    assert_eq!(picked(&mut pool, back), "b", "it rests again");
    let (probe, _) = pool.pick(back + REFUSED_FOR).unwrap();
    pool.settle(probe, None, back + REFUSED_FOR);
    let two = [(); 2].map(|()| pool.pick(back + REFUSED_FOR).unwrap().1.expose_secret().to_owned());
    assert_eq!(two, ["a", "a"], "it serves everybody again");
}

#[test]
fn while_the_only_key_is_probed_the_others_are_told_to_come_back_soon() {
    let (mut pool, now) = (pool(&["a"]), Instant::now());
    used(&mut pool, Some(&throttled(Some(7))), now);
    let back = now + Duration::from_secs(7);
    let (probe, _) = pool.pick(back).unwrap();
    let resting = NoKey::Resting { why: Kind::Throttled, retry_in: PROBE_PAUSE };
    assert_eq!(pool.pick(back).map(|_| ()), Err(resting));
    pool.give_back(probe, back); // its caller left
    assert_eq!(pool.usable(back), Ok(()), "the next call is the probe");
}

#[test]
fn a_probe_is_over_when_the_key_is_let_in_and_not_when_the_answer_ends() {
    let (mut pool, now) = (pool(&["a"]), Instant::now());
    used(&mut pool, Some(&failed(Kind::Credential)), now);
    let back = now + REFUSED_FOR;
    let (probe, _) = pool.pick(back).unwrap();
    assert!(
        pool.usable(back + DOUBTED_FOR).is_err(),
        "a refused key is probed by one at a time, however long"
    );
    let going_on = pool.accepted(probe);
    assert_eq!(pool.lines(back)[0].state, KeyState::Usable);
    pool.settle(going_on, Some(&failed(Kind::Quota)), back);
    assert_eq!(pool.lines(back)[0].state, KeyState::Exhausted, "what it ends in counts all the same");
}

#[test]
fn a_throttled_key_whose_probe_is_not_sent_back_at_once_serves_again() {
    let (mut pool, now) = (pool(&["a"]), Instant::now());
    used(&mut pool, Some(&throttled(Some(7))), now);
    let back = now + Duration::from_secs(7);
    let (slow, _) = pool.pick(back).unwrap();
    assert!(pool.pick(back).is_err());
    let (other, _) = pool.pick(back + PROBE_PAUSE).unwrap();
    pool.settle(other, None, back + PROBE_PAUSE);
    pool.settle(slow, None, back + PROBE_PAUSE * 9);
    assert_eq!(pool.lines(back)[0].state, KeyState::Usable);
}

#[test]
fn three_failures_in_a_row_and_no_fewer_make_a_key_doubtful() {
    let (mut pool, now) = (pool(&["a", "b"]), Instant::now());
    let failures = [Kind::Transient, Kind::Timeout, Kind::Malformed].map(failed);
    for failure in &failures[..2] {
        used(&mut pool, Some(failure), now);
    }
    used(&mut pool, None, now);
    for failure in &failures {
        assert_eq!(picked(&mut pool, now), "a");
        used(&mut pool, Some(failure), now);
    }
    assert_eq!(pool.lines(now)[0].state, KeyState::Doubtful);
    assert_eq!(picked(&mut pool, now), "b");
    assert_eq!(picked(&mut pool, now + DOUBTED_FOR), "a", "and is probed later");
}

#[test]
fn a_doubtful_key_is_better_than_none() {
    let (mut pool, now) = (pool(&["a"]), Instant::now());
    for _ in 0..9 {
        assert_eq!(pool.usable(now), Ok(()), "an outage is the breaker's matter");
        used(&mut pool, Some(&failed(Kind::Transient)), now);
    }
    used(&mut pool, None, now);
    assert_eq!(pool.lines(now)[0].state, KeyState::Usable, "it has served");
}

#[test]
fn what_says_nothing_about_a_key_changes_nothing() {
    let (mut pool, now) = (pool(&["a"]), Instant::now());
    for kind in [Kind::CircuitOpen, Kind::BulkheadFull, Kind::CallerDeadline, Kind::Internal] {
        (0..5).for_each(|_| used(&mut pool, Some(&failed(kind)), now));
    }
    assert_eq!(pool.lines(now)[0].state, KeyState::Usable);
}

#[test]
fn an_answer_from_before_a_key_was_set_aside_does_not_bring_it_back() {
    let (mut pool, now) = (pool(&["a", "b"]), Instant::now());
    let (slow, _) = pool.pick(now).unwrap();
    let (quick, _) = pool.pick(now).unwrap();
    let (longer, _) = pool.pick(now).unwrap();
    pool.settle(quick, Some(&throttled(Some(7))), now);
    pool.settle(slow, None, now);
    assert_eq!(picked(&mut pool, now), "b");
    pool.settle(longer, Some(&throttled(Some(70))), now);
    assert_eq!(pool.lines(now)[0].retry_in, Some(Duration::from_secs(70)), "but may keep it away for longer");
}

#[test]
fn a_throttled_key_rests_as_long_as_the_provider_asks() {
    let (mut pool, now) = (pool(&["a"]), Instant::now());
    used(&mut pool, Some(&throttled(Some(7))), now);
    let resting = NoKey::Resting { why: Kind::Throttled, retry_in: Duration::from_secs(6) };
    assert_eq!(pool.usable(now + Duration::from_secs(1)), Err(resting));
    assert_eq!(pool.usable(now + Duration::from_secs(7)), Ok(()));
}

#[test]
fn no_provider_can_make_a_key_rest_for_days() {
    let (mut pool, now) = (pool(&["a"]), Instant::now());
    used(&mut pool, Some(&throttled(Some(999_999))), now);
    assert_eq!(pool.usable(now + crate::failure::LONGEST_WAIT), Ok(()));
}

#[test]
fn a_wait_of_nothing_does_not_bring_the_key_straight_back() {
    let (mut pool, now) = (pool(&["a", "b"]), Instant::now());
    used(&mut pool, Some(&throttled(Some(0))), now);
    assert_eq!(picked(&mut pool, now), "b");
}

#[test]
fn the_reason_is_that_of_the_key_that_comes_back_first() {
    let (mut pool, now) = (pool(&["a", "b"]), Instant::now());
    used(&mut pool, Some(&failed(Kind::Quota)), now);
    used(&mut pool, Some(&throttled(None)), now);
    assert_eq!(pool.usable(now), Err(NoKey::Resting { why: Kind::Throttled, retry_in: DEFAULT_COOLING }));
}

#[test]
fn a_pool_without_keys_says_so() {
    assert_eq!(pool(&[]).usable(Instant::now()), Err(NoKey::Missing));
}

#[test]
fn keys_are_shown_by_place_and_variable_and_never_themselves() {
    let key = NamedKey { variable: "OPENAI_API_KEY".into(), secret: "sk-canary".into() };
    let keys = vec![SecretString::from("sk-canary").into(), key];
    let (mut pool, now) = (KeyPool::new(keys), Instant::now());
    used(&mut pool, Some(&failed(Kind::Quota)), now);
    let lines = pool.lines(now);
    let told: Vec<_> =
        lines.iter().map(|line| (line.position, &*line.variable, line.state.name(), line.reason)).collect();
    assert_eq!(told, [(1, "", "exhausted", "QUOTA_EXHAUSTED"), (2, "OPENAI_API_KEY", "usable", "")]);
    assert!(!format!("{pool:?} {lines:?}").contains("canary"));
}

#[tokio::test]
async fn whoever_waited_goes_out_with_the_key_that_is_best_then() {
    let ring = Ring::new(["a", "b"].map(|key| SecretString::from(key).into()).into());
    let (waits, other) = (ring.lend().unwrap(), ring.lend().unwrap());
    assert_eq!(other.secret().unwrap().expose_secret(), "a");
    other.settle(Some(&failed(Kind::Credential)));
    assert_eq!(waits.secret().unwrap().expose_secret(), "b", "the first was refused meanwhile");
    assert_eq!(waits.secret().unwrap().expose_secret(), "b", "and it stays with it");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_gives_his_probe_back() {
    let ring = Ring::new(vec![SecretString::from("a").into()]);
    let first = ring.lend().unwrap();
    first.secret().unwrap();
    first.settle(Some(&failed(Kind::Credential)));
    tokio::time::advance(REFUSED_FOR).await;
    let probe = ring.lend().unwrap();
    probe.secret().unwrap();
    assert!(ring.usable().is_err(), "one at a time");
    drop(probe);
    assert_eq!(ring.usable(), Ok(()));
}
