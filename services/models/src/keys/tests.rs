use secrecy::ExposeSecret;

use super::*;

fn pool(keys: &[&str]) -> KeyPool {
    KeyPool::new(keys.iter().map(|key| SecretString::from(*key)).collect())
}

fn picked(pool: &KeyPool, now: Instant) -> String {
    pool.pick(now).unwrap().1.expose_secret().to_owned()
}

fn throttled(wait: Option<u64>) -> Failure {
    Failure::new(Kind::Throttled, "slow down").retry_after(wait.map(Duration::from_secs))
}

#[test]
fn the_first_key_is_used_while_it_is_good() {
    let pool = pool(&["a", "b"]);
    let now = Instant::now();
    assert_eq!((picked(&pool, now), picked(&pool, now)), ("a".to_owned(), "a".to_owned()));
}

#[test]
fn a_refused_key_is_set_aside_and_probed_later() {
    let mut pool = pool(&["a", "b"]);
    let now = Instant::now();
    let (first, _) = pool.pick(now).unwrap();
    pool.note(first, &Failure::new(Kind::Credential, "no"), now);
    assert_eq!(picked(&pool, now), "b");
    assert_eq!(picked(&pool, now + REFUSED_FOR), "a");
}

#[test]
fn a_throttled_key_rests_as_long_as_the_provider_asks() {
    let mut pool = pool(&["a"]);
    let now = Instant::now();
    let (key, _) = pool.pick(now).unwrap();
    pool.note(key, &throttled(Some(7)), now);
    let resting = NoKey::Resting { why: Kind::Throttled, retry_in: Duration::from_secs(6) };
    assert_eq!(pool.usable(now + Duration::from_secs(1)), Err(resting));
    assert_eq!(pool.usable(now + Duration::from_secs(7)), Ok(()));
}

#[test]
fn no_provider_can_make_a_key_rest_for_days() {
    let mut pool = pool(&["a"]);
    let now = Instant::now();
    let (key, _) = pool.pick(now).unwrap();
    pool.note(key, &throttled(Some(999_999)), now);
    assert_eq!(pool.usable(now + crate::failure::LONGEST_WAIT), Ok(()));
}

#[test]
fn a_wait_of_nothing_does_not_bring_the_key_straight_back() {
    let mut pool = pool(&["a", "b"]);
    let now = Instant::now();
    let (key, _) = pool.pick(now).unwrap();
    pool.note(key, &throttled(Some(0)), now);
    assert_eq!(picked(&pool, now), "b");
}

#[test]
fn the_reason_is_that_of_the_key_that_comes_back_first() {
    let mut pool = pool(&["a", "b"]);
    let now = Instant::now();
    let (a, _) = pool.pick(now).unwrap();
    pool.note(a, &Failure::new(Kind::Quota, "empty"), now);
    let (b, _) = pool.pick(now).unwrap();
    pool.note(b, &throttled(None), now);
    assert_eq!(pool.usable(now), Err(NoKey::Resting { why: Kind::Throttled, retry_in: DEFAULT_COOLING }));
}

#[test]
fn a_failure_of_the_provider_leaves_the_key_alone() {
    let mut pool = pool(&["a"]);
    let now = Instant::now();
    let (key, _) = pool.pick(now).unwrap();
    pool.note(key, &Failure::new(Kind::Transient, "500"), now);
    assert_eq!(pool.usable(now), Ok(()));
}

#[test]
fn a_pool_without_keys_says_so() {
    assert_eq!(pool(&[]).usable(Instant::now()), Err(NoKey::Missing));
}

#[test]
fn keys_are_never_shown() {
    assert!(!format!("{:?}", pool(&["sk-canary"])).contains("canary"));
}
