//! The clients of these tests.

use std::{io, net::SocketAddr};

use reqwest::{Client, ClientBuilder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An HTTP client without patience of its own.
pub(crate) fn client() -> Client {
    builder().user_agent("kit").build().unwrap()
}

/// One that does not say what it is.
pub(crate) fn nameless_client() -> Client {
    builder().build().unwrap()
}

fn builder() -> ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy()
}

/// Everything that the peer sends until it ends, and how that was.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> (Vec<u8>, Option<io::ErrorKind>) {
    let mut all = Vec::new();
    match stream.read_to_end(&mut all).await {
        Ok(_) => (all, None),
        Err(err) => (all, Some(err.kind())),
    }
}

/// A bare request on its own connection, to see what HTTP clients hide.
pub(crate) async fn raw(address: SocketAddr, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}
