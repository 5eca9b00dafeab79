//! The fault proxy, between a client and a server that sends back what it gets.

mod carries;
mod delays;
mod refuses;
mod resets;
mod swallows;

use std::time::{Duration, Instant};

use bsm_testkit::Proxy;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const MS: Duration = Duration::from_millis(1);

/// Whatever has not come by then on loopback does not come.
const SHORT: Duration = Duration::from_millis(80);

/// A server that sends back every byte, and ends when the client does.
async fn echo() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    address
}

async fn proxy() -> Proxy {
    Proxy::start(echo().await).await.unwrap()
}

async fn connect(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// There and back: what came, and how long it took.
async fn round_trip(stream: &mut TcpStream, bytes: &[u8]) -> (Vec<u8>, Duration) {
    let began = Instant::now();
    stream.write_all(bytes).await.unwrap();
    let mut back = vec![0; bytes.len()];
    stream.read_exact(&mut back).await.unwrap();
    (back, began.elapsed())
}

/// Whether nothing comes for a while.
async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(SHORT, stream.read_u8()).await.is_err()
}

fn fault(text: &str) -> bsm_testkit::Fault {
    text.parse().unwrap()
}
