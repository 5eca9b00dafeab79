//! One load for many, which belongs to none of them.

use super::*;

/// Many calls for a cold key, all waiting.
async fn stampede(cache: &Cached, size: usize) -> Vec<Call> {
    let calls = (0..size)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get(&"a").await })
        })
        .collect();
    while cache.stats().misses < size as u64 {
        yield_now().await;
    }
    calls
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_calls_for_a_cold_key_are_one_load() {
    let (upstream, cache) = setup();
    let calls = stampede(&cache, 10_000).await;
    assert_eq!(upstream.begun().await, 1);
    upstream.next().await.succeed(1);
    for call in calls {
        assert_eq!(got(call).await.value, 1);
    }
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.misses, stats.coalesced), (1, 10_000, 9_999));
}

#[test]
fn ten_thousand_calls_from_many_threads_are_one_load() {
    let upstream = Upstream::default();
    let cache = upstream.cache(config());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().expect("threads");
    runtime.block_on(async {
        let calls = stampede(&cache, 10_000).await;
        upstream.next().await.succeed(1);
        for call in calls {
            assert_eq!(got(call).await.value, 1);
        }
    });
    assert_eq!(cache.stats().loads, 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_killed_harms_nobody() {
    let (upstream, cache) = setup();
    let mut calls = stampede(&cache, 10_000).await;
    let leader = calls.remove(0);
    leader.abort();
    assert!(leader.await.expect_err("killed").is_cancelled());
    upstream.next().await.succeed(1);
    for call in calls {
        assert_eq!(got(call).await, joined(1));
    }
    assert_eq!(upstream.begun().await, 0, "nobody had to begin again");
}

#[tokio::test(start_paused = true)]
async fn a_load_outlives_all_its_waiters_and_is_kept() {
    let (upstream, cache) = setup();
    let only = call(&cache, "a").await;
    only.abort();
    let load = upstream.next().await;
    assert!(!load.is_dropped());
    load.succeed(1);
    rest().await;
    assert_eq!(cache.peek(&"a"), Some(Got::hit(1)));
}

#[tokio::test(start_paused = true)]
async fn a_load_that_panics_is_an_error_for_its_waiters_and_no_hang() {
    let (upstream, cache) = setup();
    let calls = stampede(&cache, 3).await;
    drop(upstream.next().await); // it panics
    for call in calls {
        assert_eq!(*error(call).await, LoadError::Lost);
    }
    advance(SECOND).await;
    load(&upstream, &cache, "a", 2).await; // and the key works again
}

#[tokio::test(start_paused = true)]
async fn a_loader_that_panics_when_it_is_called_is_the_same() {
    let loader = |_key| -> BoxLoad { panic!("the test blows this loader up") };
    let cache: Cached = Cache::new("agents", config(), loader);
    assert_eq!(*error(call(&cache, "a").await).await, LoadError::Lost);
    assert_eq!(cache.stats().load_failures, 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_whose_runtime_is_gone_is_an_error_and_does_not_wedge_its_key() {
    let upstream = Upstream::default();
    let world = World { spawn: Box::new(drop), ..World::default() };
    let cache: Cached = Cache::in_world(world, "agents", config(), upstream.loader());
    for _ in 0..2 {
        assert_eq!(*error(call(&cache, "a").await).await, LoadError::Lost);
        advance(SECOND).await;
    }
    assert_eq!(cache.stats().loads, 2);
}

#[tokio::test(start_paused = true)]
async fn loads_end_when_the_cache_is_dropped() {
    let (upstream, cache) = setup();
    call(&cache, "a").await.abort();
    let load = upstream.next().await;
    drop(cache);
    rest().await;
    assert!(load.is_dropped());
}

#[tokio::test(start_paused = true)]
async fn keys_do_not_wait_for_each_other() {
    let (upstream, cache) = setup();
    let (a, b) = (call(&cache, "a").await, call(&cache, "b").await);
    let _first = upstream.next().await;
    upstream.next().await.succeed(2);
    assert_eq!(got(b).await, loaded(2));
    assert!(!a.is_finished());
}

#[tokio::test(start_paused = true)]
async fn with_the_stampede_allowed_each_call_loads_by_itself() {
    let (upstream, cache) = setup();
    cache.set_stampede(Stampede::Allowed);
    let calls = stampede(&cache, 5).await;
    assert_eq!(upstream.begun().await, 5);
    for (value, call) in calls.into_iter().enumerate() {
        upstream.next().await.succeed(value as u32);
        assert_eq!(got(call).await, loaded(value as u32));
    }
    let stats = cache.stats();
    assert_eq!((stats.loads, stats.coalesced), (5, 0));

    cache.set_stampede(Stampede::Prevented);
    assert_eq!(ask(&cache, "a").await, Ok(Got::hit(4)), "what they loaded is kept");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_loads_by_itself_takes_its_load_along_when_it_goes() {
    let (upstream, cache) = setup();
    let shared = call(&cache, "a").await;
    let shared_load = upstream.next().await;
    let alone = cache.get_under(&"a", Stampede::Allowed);
    let alone = timeout(SECOND, alone);
    let ((), timed_out) = tokio::join!(rest(), alone);
    timed_out.expect_err("nobody answers");
    assert!(upstream.next().await.is_dropped());
    assert!(!shared_load.is_dropped(), "the others' load is not its own");
    shared_load.succeed(1);
    assert_eq!(got(shared).await, loaded(1));
}
