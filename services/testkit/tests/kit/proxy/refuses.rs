//! A closed port.

use std::io::ErrorKind;

use super::*;

#[tokio::test]
async fn a_closed_port_refuses_and_opens_again_as_the_same() {
    let proxy = proxy().await;
    let address = proxy.address();
    let mut old = connect(&proxy).await;
    round_trip(&mut old, b"a").await;
    for _ in 0..3 {
        proxy.set(fault("refuse")).await.unwrap();
        let refused = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        round_trip(&mut old, b"b").await;
        proxy.heal().await.unwrap();
        round_trip(&mut connect(&proxy).await, b"c").await;
    }
    assert_eq!((proxy.address(), proxy.counts().closed), (address, 3));
}

#[tokio::test]
async fn a_refusal_and_a_cut_are_what_a_killed_process_looks_like() {
    let proxy = proxy().await;
    let mut old = connect(&proxy).await;
    round_trip(&mut old, b"a").await;
    proxy.set(bsm_testkit::Fault::refused()).await.unwrap();
    proxy.cut();
    assert_eq!(old.read_u8().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(TcpStream::connect(proxy.address()).await.is_err());
}
