//! Latency, jitter, bandwidth, slow ends.

use super::*;
use crate::client::read_to_end;

#[tokio::test]
async fn latency_is_added_to_connections_that_exist_and_taken_away_again() {
    let proxy = proxy().await;
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream, b"a").await;
    proxy.set(fault("down.latency=100ms")).await.unwrap();
    assert!(proxy.fired().is_err());
    let (_, during) = round_trip(&mut stream, b"a").await;
    proxy.fired().unwrap();
    proxy.heal().await.unwrap();
    round_trip(&mut stream, b"a").await;
    assert!(during >= 100 * MS, "{during:?}");
    let counts = proxy.counts();
    let delays = (counts.up.delayed, counts.down.delayed, counts.down.delay);
    assert_eq!(delays, (0, 1, 100 * MS), "neither before nor after");
}

#[tokio::test]
async fn latency_counts_in_each_direction() {
    let proxy = proxy().await;
    proxy.set(fault("latency=40ms")).await.unwrap();
    let (_, took) = round_trip(&mut connect(&proxy).await, b"a").await;
    assert!(took >= 80 * MS, "{took:?}");
}

#[tokio::test]
async fn what_is_delayed_when_the_fault_ends_comes_at_once() {
    let proxy = proxy().await;
    proxy.set(fault("up.latency=60s")).await.unwrap();
    let mut stream = connect(&proxy).await;
    stream.write_all(b"a").await.unwrap();
    assert!(is_silent(&mut stream).await);
    proxy.fired().unwrap();
    proxy.heal().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'a');
}

#[tokio::test]
async fn jitter_is_the_same_for_the_same_seed() {
    let mut delays = Vec::new();
    for seed in [1, 1, 2] {
        let setup = bsm_testkit::proxy::Setup { seed: bsm_testkit::Seed(seed), ..Default::default() };
        let proxy = Proxy::set_up(echo().await, setup).await.unwrap();
        proxy.set(fault("up.jitter=20ms")).await.unwrap();
        let mut stream = connect(&proxy).await;
        for _ in 0..3 {
            round_trip(&mut stream, b"a").await;
        }
        proxy.fired().unwrap();
        delays.push(proxy.counts().up.delay);
    }
    assert!(delays[0] == delays[1] && delays[0] != delays[2], "{delays:?}");
}

#[tokio::test]
async fn bandwidth_holds_bytes_back() {
    let proxy = proxy().await;
    proxy.set(fault("up.bandwidth=100k")).await.unwrap();
    let mut stream = connect(&proxy).await;
    let (_, took) = round_trip(&mut stream, &[7; 15_000]).await;
    assert!(took >= 149 * MS, "15 kB at 100 kB/s took {took:?}");
    proxy.fired().unwrap();
    assert_eq!(proxy.counts().up.throttled, 150 * MS);
    assert_eq!(proxy.counts().down.throttled, Duration::ZERO);
}

#[tokio::test]
async fn an_end_is_passed_on_late_and_the_bytes_before_it_are_not() {
    let proxy = proxy().await;
    proxy.set(fault("down.slow-close=100ms")).await.unwrap();
    let mut stream = connect(&proxy).await;
    let began = Instant::now();
    stream.write_all(b"a").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'a');
    assert_eq!(proxy.counts().down.delayed, 0);
    assert_eq!(read_to_end(&mut stream).await, (Vec::new(), None));
    assert!(began.elapsed() >= 100 * MS, "{:?}", began.elapsed());
    proxy.fired().unwrap();
}
