//! The accept loop: hyper with timers, limits and a graceful end, which `axum::serve` does not offer.

use std::{net::SocketAddr, time::Duration};

use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::{ServiceBuilder, ServiceExt};
use tracing::debug;

use super::{connections::Connections, door::Door};

/// The address at the other end of a connection, in the extensions of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// A client that sends its headers more slowly than this is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Headers of a request at most, in bytes.
const HEADER_LIMIT: u32 = 16 * 1024;

/// Streams of one HTTP/2 connection at once: more than any bulkhead on an edge lets through, so that the bulkhead
/// refuses with a reason where the connection would only make callers wait.
const STREAMS: u32 = 4096;

/// Accepts until `stop`, then closes the listener first and lets the requests in flight end. How long that may
/// take is the drain's affair: it aborts what is left after the grace period by ending the process.
pub(super) async fn accept(listener: TcpListener, door: Door, stop: CancellationToken) -> anyhow::Result<()> {
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let connections = Connections::default();
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(err) => {
                    // Usually too many open files: wait for some to close rather than spin.
                    tracing::warn!(error = %err, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let Some(place) = connections.take(peer.ip()) else {
            debug!(%peer, "a connection beyond the bound of its address was closed");
            continue;
        };
        let connection = Connection { stream, peer, door: door.clone(), builder: builder.clone() };
        let (watcher, stop) = (graceful.watcher(), stop.clone());
        tokio::spawn(async move {
            connection.serve(watcher, stop).await;
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

/// One client on the wire.
struct Connection {
    stream: TcpStream,
    peer: SocketAddr,
    door: Door,
    builder: Builder<TokioExecutor>,
}

impl Connection {
    async fn serve(self, watcher: Watcher, stop: CancellationToken) {
        let Connection { stream, peer, door, builder } = self;
        // hyper starts its clock for headers with the first byte; a client that sends none is ours to cut off.
        if !speaks(&stream, &stop).await {
            return;
        }
        // Without this each small frame waits for the last one's acknowledgement, 40 ms on Linux.
        if let Err(err) = stream.set_nodelay(true) {
            debug!(error = %err, "TCP_NODELAY could not be set");
        }
        let service = ServiceBuilder::new()
            .map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer));
                request.extensions_mut().insert(ConnectInfo(peer));
                request
            })
            .service(door);
        let service = TowerToHyperService::new(service.boxed_clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        if let Err(err) = watcher.watch(connection).await {
            debug!(error = %err, %peer, "a connection ended badly");
        }
    }
}

/// Whether the client says anything in time. While draining nobody is waited for.
async fn speaks(stream: &TcpStream, stop: &CancellationToken) -> bool {
    let mut byte = [0];
    tokio::select! {
        () = stop.cancelled() => false,
        first = tokio::time::timeout(HEADER_TIMEOUT, stream.peek(&mut byte)) => matches!(first, Ok(Ok(1))),
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_LIMIT as usize)
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_header_list_size(HEADER_LIMIT)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(4 * 1024 * 1024);
    builder
}
