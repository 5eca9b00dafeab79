//! What was loaded before an invalidation is not seen after it.

use super::*;

/// One of the three ways to end an epoch.
type End = fn(&Cached);

const ENDS: [(&str, End); 3] = [
    ("invalidate", |cache| _ = cache.invalidate(&"a")),
    ("clear", |cache| _ = cache.clear()),
    ("put", |cache| cache.put("a", 7)),
];

#[tokio::test(start_paused = true)]
async fn a_load_from_before_an_invalidation_answers_its_waiters_and_is_not_kept() {
    for (name, end) in ENDS {
        let (upstream, cache) = setup();
        let early = call(&cache, "a").await;
        end(&cache);
        upstream.next().await.succeed(1);
        assert_eq!(got(early).await, loaded(1), "{name}: it came before");
        let kept = cache.peek(&"a").map(|got| got.value);
        assert_eq!(kept, (name == "put").then_some(7), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_after_an_invalidation_does_not_join_an_older_load() {
    for (name, end) in &ENDS[..2] {
        let (upstream, cache) = setup();
        let early = call(&cache, "a").await;
        end(&cache);
        let late = call(&cache, "a").await;
        let (old, new) = (upstream.next().await, upstream.next().await);
        new.succeed(2);
        assert_eq!(got(late).await, loaded(2), "{name}");
        old.succeed(1);
        assert_eq!(got(early).await, loaded(1), "{name}");
        assert_eq!(cache.peek(&"a"), Some(Got::hit(2)), "{name}: the older load came last");
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_load_that_ends_leaves_the_newer_one_to_be_joined() {
    let (upstream, cache) = setup();
    let early = call(&cache, "a").await;
    cache.invalidate(&"a");
    let late = call(&cache, "a").await;
    upstream.next().await.succeed(1);
    got(early).await;
    let later = call(&cache, "a").await;
    upstream.next().await.succeed(2);
    assert_eq!((got(late).await, got(later).await), (loaded(2), joined(2)));
}

#[tokio::test(start_paused = true)]
async fn a_failure_from_before_an_invalidation_is_not_remembered() {
    let (upstream, cache) = setup();
    let early = call(&cache, "a").await;
    cache.invalidate(&"a");
    upstream.next().await.fail();
    assert_eq!(*error(early).await, LoadError::Failed(Down));
    load(&upstream, &cache, "a", 2).await; // asked at once
}

#[tokio::test(start_paused = true)]
async fn a_remembered_failure_is_forgotten_by_an_invalidation() {
    let (upstream, cache) = setup();
    let failing = call(&cache, "a").await;
    upstream.next().await.fail();
    error(failing).await;
    assert!(cache.invalidate(&"a"));
    load(&upstream, &cache, "a", 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_from_before_an_invalidation_is_dropped_because_nobody_waits() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    advance(TTL).await;
    ask(&cache, "a").await.expect("stale");
    let reload = upstream.next().await;
    assert!(!reload.is_dropped());
    cache.invalidate(&"a");
    rest().await;
    assert!(reload.is_dropped());
    assert_eq!(cache.stats().load_failures, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_loads_by_itself_is_bound_by_epochs_too() {
    let (upstream, cache) = setup();
    cache.set_stampede(Stampede::Allowed);
    let early = call(&cache, "a").await;
    cache.invalidate(&"a");
    upstream.next().await.succeed(1);
    assert_eq!(got(early).await, loaded(1));
    assert_eq!(cache.peek(&"a"), None);
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_concerns_its_key_only() {
    let (upstream, cache) = setup();
    let b = call(&cache, "b").await;
    assert!(!cache.invalidate(&"a"), "nothing was there");
    upstream.next().await.succeed(2);
    got(b).await;
    assert_eq!(cache.peek(&"b"), Some(Got::hit(2)));
}

#[tokio::test(start_paused = true)]
async fn clearing_tells_how_much_was_there() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    cache.put("b", 2);
    assert_eq!((cache.clear(), cache.clear()), (2, 0));
    assert_eq!(cache.peek(&"a"), None);
}

#[tokio::test(start_paused = true)]
async fn a_stand_in_is_never_from_before_an_invalidation() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    advance(TTL + STALE).await;
    let waiting = call(&cache, "a").await;
    cache.invalidate(&"a");
    upstream.next().await.fail();
    assert_eq!(*error(waiting).await, LoadError::Failed(Down));
}
