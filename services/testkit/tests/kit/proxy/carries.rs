//! Without a fault it changes nothing.

use super::*;
use crate::client::read_to_end;

#[tokio::test]
async fn bytes_pass_unchanged_and_are_counted() {
    let proxy = proxy().await;
    let mut stream = connect(&proxy).await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
    let (mut from, mut to) = stream.split();
    let mut back = vec![0; bytes.len()];
    let (wrote, read) = tokio::join!(to.write_all(&bytes), from.read_exact(&mut back));
    wrote.unwrap();
    read.unwrap();
    assert!(back == bytes);
    let counts = proxy.counts();
    assert_eq!((counts.accepted, counts.open), (1, 1));
    assert_eq!((counts.up.passed, counts.down.passed), (3_000_000, 3_000_000));
}

#[tokio::test]
async fn one_direction_may_end_before_the_other() {
    let proxy = proxy().await;
    let mut stream = connect(&proxy).await;
    stream.write_all(b"last words").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, (b"last words".to_vec(), None));
}

#[tokio::test]
async fn a_target_that_is_not_there_looks_like_a_reset_and_is_found_when_it_comes() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let proxy = Proxy::start(address).await.unwrap();
    let mut stream = connect(&proxy).await;
    assert_eq!(read_to_end(&mut stream).await.1, Some(std::io::ErrorKind::ConnectionReset));
    assert_eq!(proxy.counts().unreachable, 1);
    let back = TcpListener::bind(address).await.unwrap();
    let (_stream, accepted) = (connect(&proxy).await, back.accept().await);
    accepted.unwrap();
}

#[tokio::test]
async fn a_proxy_that_is_dropped_leaves_nothing_behind() {
    let proxy = proxy().await;
    let address = proxy.address();
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream, b"a").await;
    drop(proxy);
    assert_eq!(read_to_end(&mut stream).await.1, Some(std::io::ErrorKind::ConnectionReset));
    assert!(TcpStream::connect(address).await.is_err());
}
