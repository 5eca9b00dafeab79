//! Resets.

use std::io::ErrorKind;

use super::*;
use crate::client::read_to_end;

#[tokio::test]
async fn a_connection_is_reset_after_n_bytes_exactly() {
    let proxy = proxy().await;
    proxy.set(fault("down.reset-after=5")).await.unwrap();
    for _ in 0..2 {
        let mut stream = connect(&proxy).await;
        stream.write_all(b"0123456789").await.unwrap();
        let (bytes, end) = read_to_end(&mut stream).await;
        assert_eq!((bytes.as_slice(), end), (&b"01234"[..], Some(ErrorKind::ConnectionReset)));
    }
    proxy.fired().unwrap();
    let counts = proxy.counts();
    assert_eq!((counts.down.resets, counts.down.passed, counts.up.resets), (2, 10, 0));
}

#[tokio::test]
async fn a_new_fault_counts_the_bytes_of_old_connections_anew() {
    let proxy = proxy().await;
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream, b"0123456789").await;
    proxy.set(fault("down.reset-after=2")).await.unwrap();
    round_trip(&mut stream, b"a").await;
    stream.write_all(b"bc").await.unwrap();
    let (bytes, end) = read_to_end(&mut stream).await;
    assert_eq!((bytes.as_slice(), end), (&b"b"[..], Some(ErrorKind::ConnectionReset)));
}

#[tokio::test]
async fn a_reset_after_no_byte_does_not_wait_for_one() {
    let proxy = proxy().await;
    let mut stream = connect(&proxy).await;
    round_trip(&mut stream, b"a").await;
    proxy.set(fault("reset-after=0")).await.unwrap();
    assert_eq!(read_to_end(&mut stream).await.1, Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_cut_resets_what_is_open_and_spares_what_comes_later() {
    let proxy = proxy().await;
    let mut old = connect(&proxy).await;
    round_trip(&mut old, b"a").await;
    proxy.cut();
    assert_eq!(read_to_end(&mut old).await.1, Some(ErrorKind::ConnectionReset));
    assert_eq!(round_trip(&mut connect(&proxy).await, b"b").await.0, b"b");
    assert_eq!(proxy.counts().cut, 1);
}

#[tokio::test]
async fn a_reset_by_one_end_reaches_the_other() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
    let mut client = connect(&proxy).await;
    let (server, _) = listener.accept().await.unwrap();
    server.set_zero_linger().unwrap();
    drop(server);
    assert_eq!(read_to_end(&mut client).await.1, Some(ErrorKind::ConnectionReset));
}
