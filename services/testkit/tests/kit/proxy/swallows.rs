//! Black holes.

use super::*;

#[tokio::test]
async fn a_black_hole_accepts_and_says_nothing_until_it_is_healed() {
    let proxy = proxy().await;
    proxy.set(fault("black-hole")).await.unwrap();
    let mut stream = connect(&proxy).await;
    assert!(is_silent(&mut stream).await);
    assert!(proxy.fired().is_err(), "nothing fell into it yet");
    stream.write_all(b"a").await.unwrap();
    assert!(is_silent(&mut stream).await);
    proxy.fired().unwrap();
    let counts = proxy.counts();
    assert_eq!((counts.up.held, counts.up.read), (1, 0));
    assert!(counts.up.frozen >= SHORT, "{counts:?}");
    proxy.heal().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'a', "held, not lost");
}

#[tokio::test]
async fn connections_that_exist_freeze_in_both_directions() {
    let proxy = proxy().await;
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream, b"a").await;
    proxy.set(fault("black-hole")).await.unwrap();
    stream.write_all(b"b").await.unwrap();
    assert!(is_silent(&mut stream).await);
    let counts = proxy.counts();
    assert_eq!((counts.up.passed, counts.up.held, counts.down.held), (1, 1, 0));
    proxy.heal().await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'b');
}

#[tokio::test]
async fn a_black_hole_may_swallow_only_the_answers() {
    let proxy = proxy().await;
    let mut stream = connect(&proxy).await;
    proxy.set(fault("down.black-hole")).await.unwrap();
    stream.write_all(b"a").await.unwrap();
    assert!(is_silent(&mut stream).await);
    proxy.fired().unwrap();
    assert_eq!((proxy.counts().up.passed, proxy.counts().down.held), (1, 1));
}
