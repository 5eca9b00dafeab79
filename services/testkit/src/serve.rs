//! The accept loop of the HTTP servers here: a handler may end its connection with a real TCP reset.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceBuilder};

/// The connection that a request came on; in the extensions of every request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connection {
    reset: CancellationToken,
}

// === impl Connection ===

impl Connection {
    /// Sends RST. Whatever has been written but not sent is lost with it.
    pub(crate) fn reset(&self) {
        self.reset.cancel();
    }
}

/// Accepts for as long as the runtime lives.
pub(crate) fn spawn(listener: TcpListener, router: Router) {
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(connection(stream, router.clone()))),
                // Usually too many open files: wait for some to close rather than spin.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
}

async fn connection(stream: TcpStream, router: Router) {
    let _ = stream.set_nodelay(true); // without it every small chunk waits 40 ms for an acknowledgement
    let connection = Connection::default();
    let reset = connection.reset.clone();
    let line = TokioIo::new(Line { stream, reset: reset.clone() });
    let service = TowerToHyperService::new(tagged(connection, router));
    let builder = Builder::new(TokioExecutor::new());
    tokio::select! {
        biased;
        () = reset.cancelled() => {} // dropping the line resets it
        _ = builder.serve_connection(line, service) => {}
    }
}

fn tagged(
    connection: Connection,
    router: Router,
) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
+ Clone
+ Send
+ 'static {
    ServiceBuilder::new()
        .map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(connection.clone());
            request
        })
        .service(router)
}

/// A stream that is reset, rather than closed, when it is dropped after `reset`.
struct Line {
    stream: TcpStream,
    reset: CancellationToken,
}

// === impl Line ===

impl Drop for Line {
    fn drop(&mut self) {
        if self.reset.is_cancelled() {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
