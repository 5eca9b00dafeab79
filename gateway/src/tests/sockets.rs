//! The gateway on a real port, where HTTP and gRPC meet.

use bsm_proto::ops::v1::{GetHealthRequest, mesh_service_client::MeshServiceClient};
use bsm_runtime::server::{Listeners, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;

pub(super) async fn listen(rig: &Rig) -> SocketAddr {
    let listeners = Listeners {
        api: TcpListener::bind("127.0.0.1:0").await.unwrap(),
        ops: TcpListener::bind("127.0.0.1:0").await.unwrap(),
    };
    let address = listeners.api.local_addr().unwrap();
    serve(&rig.process, listeners, crate::open(&rig.process).await.unwrap());
    address
}

/// What comes back for raw bytes, until the server closes.
async fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(SOON, stream.read_to_string(&mut answer)).await.expect("in time").unwrap();
    answer
}

#[tokio::test]
async fn rest_and_grpc_share_the_port() {
    let rig = Rig::start(&[]).await;
    let address = listen(&rig).await;
    let rest = format!("GET /api/status HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let answer = exchange(address, &rest).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(r#""ip":"127.0.0.1""#), "{answer}");
    let mut client = MeshServiceClient::connect(format!("http://{address}")).await.unwrap();
    assert_eq!(client.get_health(GetHealthRequest {}).await.unwrap().into_inner().status, "ok");
}

#[tokio::test]
async fn this_machine_is_known_by_its_address_and_not_by_a_header() {
    let rig = Rig::start(&[]).await;
    let address = listen(&rig).await;
    let ask = |host: &str| {
        format!(
            "GET /api/knowledge HTTP/1.1\r\nhost: {host}\r\nx-forwarded-for: 127.0.0.1\r\nconnection: close\r\n\r\n"
        )
    };
    assert!(exchange(address, &ask("localhost")).await.starts_with("HTTP/1.1 200"));
    assert!(exchange(address, &ask("rebound.evil.example")).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn a_body_that_is_declared_too_large_is_refused_before_it_is_sent() {
    let rig = Rig::start(&[]).await;
    let address = listen(&rig).await;
    let head = "POST /api/agents/run HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: 9999999\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n";
    let answer = exchange(address, head).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}
