//! How long a value, or a failure, is good for; and what is counted.

use super::*;

async fn fail(upstream: &Upstream, cache: &Cached) -> Arc<LoadError<Down>> {
    let failing = call(cache, "a").await;
    upstream.next().await.fail();
    error(failing).await
}

#[tokio::test(start_paused = true)]
async fn a_fresh_value_is_served_without_a_load() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    advance(TTL - SECOND).await;
    assert_eq!(ask(&cache, "a").await, Ok(Got::hit(1)));
    assert_eq!(upstream.begun().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_is_served_marked_while_one_load_replaces_it() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    advance(TTL).await;
    for _ in 0..100 {
        assert_eq!(ask(&cache, "a").await, Ok(Got::stale(1, TTL)));
    }
    assert_eq!(upstream.begun().await, 1);
    upstream.next().await.succeed(2);
    rest().await;
    assert_eq!(ask(&cache, "a").await, Ok(Got::hit(2)));
    assert_eq!(cache.stats().stale_served, 100);
}

#[tokio::test(start_paused = true)]
async fn beyond_the_ceiling_a_call_waits_and_joins_the_reload() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    advance(TTL).await;
    ask(&cache, "a").await.expect("stale");
    advance(STALE).await;
    let waiting = call(&cache, "a").await;
    assert!(!waiting.is_finished(), "too old to be served, although a reload is under way");
    upstream.next().await.succeed(2);
    assert_eq!(got(waiting).await, joined(2));
    assert_eq!(upstream.begun().await, 0);
}

#[tokio::test(start_paused = true)]
async fn reloads_are_shared_even_where_stampedes_are_allowed() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    cache.set_stampede(Stampede::Allowed);
    advance(TTL).await;
    for _ in 0..100 {
        ask(&cache, "a").await.expect("stale");
    }
    assert_eq!(upstream.begun().await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_value_stands_in_for_a_failed_load_and_says_its_age() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    let age = TTL + ON_ERROR - SECOND;
    advance(age).await;
    let waiting = call(&cache, "a").await;
    upstream.next().await.fail();
    assert_eq!(got(waiting).await, Got::stale(1, age));
    assert_eq!(ask(&cache, "a").await, Ok(Got::stale(1, age)), "while the failure is remembered");
    assert_eq!(upstream.begun().await, 0);
    assert_eq!(cache.stats().stale_served, 2);
}

#[tokio::test(start_paused = true)]
async fn an_old_value_does_not_stand_in_beyond_its_bound() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    advance(TTL + ON_ERROR).await;
    assert_eq!(*fail(&upstream, &cache).await, LoadError::Failed(Down));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_one_and_the_same_for_all_who_waited() {
    let (upstream, cache) = setup();
    let calls = [call(&cache, "a").await, call(&cache, "a").await];
    upstream.next().await.fail();
    let [first, second] = calls;
    let (first, second) = (error(first).await, error(second).await);
    assert!(Arc::ptr_eq(&first, &second));
    assert!(Arc::ptr_eq(&first, &ask(&cache, "a").await.expect_err("remembered")));
}

#[tokio::test(start_paused = true)]
async fn a_stampede_on_a_failing_key_is_one_load_a_second() {
    let (upstream, cache) = setup();
    let mut loads = 0;
    for _ in 0..100 {
        let calls: Vec<Call> = [call(&cache, "a").await, call(&cache, "a").await].into();
        if upstream.begun().await > 0 {
            loads += 1;
            upstream.next().await.fail();
        }
        for call in calls {
            error(call).await;
        }
        advance(SECOND / 10).await;
    }
    assert_eq!(loads, 10);
    assert_eq!(cache.stats().loads, 10);
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_whose_reload_fails_is_reloaded_once_a_second() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    advance(TTL).await;
    ask(&cache, "a").await.expect("stale");
    upstream.next().await.fail();
    rest().await;
    advance(SECOND - Duration::from_millis(1)).await;
    ask(&cache, "a").await.expect("stale");
    assert_eq!(upstream.begun().await, 0);
    advance(Duration::from_millis(1)).await;
    ask(&cache, "a").await.expect("stale");
    assert_eq!(upstream.begun().await, 1);
}

#[tokio::test(start_paused = true)]
async fn no_setting_makes_a_failure_last_longer_than_a_second() {
    let upstream = Upstream::default();
    let cache = upstream.cache(Config { remember_failure: TTL, ..config() });
    fail(&upstream, &cache).await;
    advance(SECOND).await;
    load(&upstream, &cache, "a", 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_value_that_was_put_is_served_as_long_as_one_that_was_loaded() {
    let (_upstream, cache) = setup();
    cache.put("a", 1);
    assert_eq!(ask(&cache, "a").await, Ok(Got::hit(1)));
    advance(TTL).await;
    assert_eq!(ask(&cache, "a").await, Ok(Got::stale(1, TTL)));
}

#[tokio::test(start_paused = true)]
async fn jitter_makes_values_stale_early_and_moves_no_ceiling() {
    let upstream = Upstream::default();
    let world = World { roll: Box::new(|| 0.5), ..World::default() };
    let config = Config { jitter: 0.1, ..config() };
    let cache: Cached = Cache::in_world(world, "agents", config, upstream.loader());
    cache.put("a", 1);
    let early = TTL * 95 / 100;
    advance(early - SECOND).await;
    assert_eq!(cache.peek(&"a"), Some(Got::hit(1)));
    advance(SECOND).await;
    assert_eq!(cache.peek(&"a"), Some(Got::stale(1, early)));
    advance(TTL + STALE - early).await;
    assert_eq!(cache.peek(&"a"), None);
}

#[tokio::test(start_paused = true)]
async fn peeking_loads_nothing_and_counts_nowhere() {
    let (upstream, cache) = setup();
    assert_eq!(cache.peek(&"a"), None);
    cache.put("b", 1);
    advance(TTL).await;
    assert_eq!(cache.peek(&"b"), Some(Got::stale(1, TTL)));
    assert_eq!(upstream.begun().await, 0);
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.stale_served), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn it_holds_no_more_than_its_capacity() {
    let cache: Cache<u32, u32, Down> =
        Cache::new("agents", Config { capacity: 100, ..config() }, Upstream::default().loader());
    for key in 0..10_000 {
        cache.put(key, key);
    }
    let entries = cache.stats().entries;
    assert!((50..=100).contains(&entries), "{entries}");
}

#[tokio::test(start_paused = true)]
async fn stats_say_what_happened_and_how_old_the_values_are() {
    let (upstream, cache) = setup();
    assert_eq!(cache.stats().hit_rate(), None);
    load(&upstream, &cache, "b", 1).await;
    advance(TTL - SECOND).await;
    cache.put("c", 1);
    ask(&cache, "c").await.expect("a hit");
    fail(&upstream, &cache).await;
    ask(&cache, "a").await.expect_err("remembered");
    advance(SECOND).await;
    ask(&cache, "b").await.expect("stale");

    let stats = cache.stats();
    let expected = Stats {
        name: "agents".into(),
        entries: 2, // the failure is no value
        capacity: 10_000,
        ttl: TTL,
        hits: 2,
        misses: 2,
        failures_recalled: 1,
        loads: 3,
        load_failures: 1,
        coalesced: 0,
        stale_served: 1,
        oldest: Some(TTL),
        newest: Some(SECOND),
        held_bytes: None,
        most_bytes: None,
        evicted: None,
    };
    assert_eq!(stats, expected);
    assert_eq!(stats.hit_rate(), Some(0.4));
}

#[tokio::test(start_paused = true)]
async fn a_doubted_value_is_stale_whatever_its_time() {
    let (upstream, cache) = setup();
    load(&upstream, &cache, "a", 1).await;
    advance(SECOND).await;
    cache.doubt();
    assert_eq!(ask(&cache, "a").await, Ok(Got::stale(1, SECOND)));
    upstream.next().await.succeed(2);
    rest().await;
    assert_eq!(ask(&cache, "a").await, Ok(Got::hit(2)), "what is loaded later is not doubted");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_stale_is_served_a_doubted_value_stands_in_only_for_a_failed_load() {
    let upstream = Upstream::default();
    let cache = upstream.cache(Config { max_stale: Duration::ZERO, jitter: 1.0, ..config() });
    cache.put("a", 1);
    advance(SECOND).await;
    cache.doubt();
    let waiting = call(&cache, "a").await;
    assert!(!waiting.is_finished(), "it waits for the load, far within the ttl");
    upstream.next().await.fail();
    assert_eq!(got(waiting).await, Got::stale(1, SECOND));
    advance(SECOND).await;
    let waiting = call(&cache, "a").await;
    upstream.next().await.succeed(2);
    assert_eq!(got(waiting).await, loaded(2));
    cache.doubt();
    advance(TTL + ON_ERROR).await;
    let waiting = call(&cache, "a").await;
    upstream.next().await.fail();
    assert_eq!(*error(waiting).await, LoadError::Failed(Down), "doubt moves no ceiling");
}

#[tokio::test(start_paused = true)]
async fn warming_loads_what_is_missing_once_and_counts_no_call() {
    let (upstream, cache) = setup();
    cache.warm(&"a");
    cache.warm(&"a");
    assert_eq!(upstream.begun().await, 1);
    upstream.next().await.succeed(1);
    rest().await;
    cache.warm(&"a");
    assert_eq!((upstream.begun().await, cache.keys(9)), (0, vec!["a"]));
    assert_eq!((cache.keys(0).len(), cache.stats().loads, cache.stats().misses), (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_load_from_before_a_doubt_is_not_kept_and_a_failure_is_forgotten() {
    let (upstream, cache) = setup();
    let waiting = call(&cache, "a").await;
    cache.doubt();
    upstream.next().await.succeed(1);
    assert_eq!(got(waiting).await, loaded(1));
    assert_eq!(cache.peek(&"a"), None);
    fail(&upstream, &cache).await;
    cache.doubt();
    let waiting = call(&cache, "a").await;
    upstream.next().await.succeed(2);
    assert_eq!(got(waiting).await, loaded(2));
}
