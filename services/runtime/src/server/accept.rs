//! The accept loop: hyper with timers, limits and a graceful end, which `axum::serve` does not offer.

use std::{io, net::SocketAddr, pin::pin, time::Duration};

use axum::extract::ConnectInfo;
use bsm_stack::pieces::PIECE;
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

/// What an HTTP/2 client says first.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Between two looks at a greeting that comes in parts, which is rare.
const MOMENT: Duration = Duration::from_millis(10);

/// Headers of a request at most, in bytes.
const HEADER_LIMIT: u32 = 16 * 1024;

/// Streams of one HTTP/2 connection at once: more than any bulkhead on an edge lets through, so that the bulkhead
/// refuses with a reason where the connection would only make callers wait.
const STREAMS: u32 = 4096;

/// Bytes of one answer at most that a connection of HTTP/2 has taken and not sent. What is in there is out of sight: a
/// process whose connections are slower than its handlers would take on more and more, and finish nothing.
const SEND_BUFFER: usize = 2 * PIECE;

/// What a client that has connected may take to say something once the server drains.
const LAST_WORDS: Duration = Duration::from_millis(250);

/// Connections at most that are taken up as the listener closes: more than a kernel keeps waiting.
const BACKLOG: usize = 4096;

/// Who connects to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clients {
    /// Anybody. Who gives up more than 20 calls before they were looked at, or goes on sending to more than 1024 that were
    /// refused, loses its connection: that is how floods of resets look.
    Strangers,
    /// Services of this mesh. Their callers leave and their hedges lose by the thousand, and a connection that ended for
    /// it would fail all the other calls on it.
    Mesh,
}

/// Accepts until `stop`, then closes the listener first and lets the requests in flight end, those of connections that
/// still waited to be accepted as well. How long that may take is the drain's affair: it aborts what is left after
/// the grace period by ending the process.
pub(super) async fn accept(
    listener: TcpListener,
    door: Door,
    clients: Clients,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let graceful = GracefulShutdown::new();
    let reception = Reception { door, builder: builder(clients), connections: Connections::default(), stop };
    loop {
        let (stream, peer) = tokio::select! {
            biased;
            () = reception.stop.cancelled() => break,
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
        reception.take_up(stream, peer, graceful.watcher());
    }
    for (stream, peer) in close(listener)? {
        reception.take_up(stream, peer, graceful.watcher());
    }
    graceful.shutdown().await;
    Ok(())
}

/// Closes the listener; returns the connections that the kernel had made by then, which it would reset otherwise.
fn close(listener: TcpListener) -> io::Result<Vec<(TcpStream, SocketAddr)>> {
    let listener = listener.into_std()?;
    let waiting = std::iter::from_fn(|| listener.accept().ok()).take(BACKLOG);
    let nonblocking = waiting.map(|(stream, peer)| {
        stream.set_nonblocking(true)?;
        Ok((TcpStream::from_std(stream)?, peer))
    });
    nonblocking.collect()
}

/// What every connection of a listener is given.
struct Reception {
    door: Door,
    builder: Builder<TokioExecutor>,
    connections: Connections,
    stop: CancellationToken,
}

impl Reception {
    /// Serves a connection to its end, which begins with the drain; the drain waits for `watcher`.
    fn take_up(&self, stream: TcpStream, peer: SocketAddr, watcher: Watcher) {
        let Some(place) = self.connections.take(peer.ip()) else {
            debug!(%peer, "a connection beyond the bound of its address was closed");
            return;
        };
        let connection = Connection { stream, peer, door: self.door.clone(), builder: self.builder.clone() };
        let stop = self.stop.clone();
        tokio::spawn(async move {
            connection.serve(watcher, stop).await;
            drop(place);
        });
    }
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
        // hyper starts its clock for headers when it knows the protocol; until then a client is ours to cut off.
        let Some(greeting) = greeting(&stream, &stop).await else { return };
        // Without this each small frame waits for the last one's acknowledgement, 40 ms on Linux.
        if let Err(err) = stream.set_nodelay(true) {
            debug!(error = %err, "TCP_NODELAY could not be set");
        }
        let asked = CancellationToken::new();
        let asks = asked.clone();
        let service = ServiceBuilder::new()
            .map_request(move |mut request: Request<Incoming>| {
                asks.cancel();
                request.extensions_mut().insert(Peer(peer));
                request.extensions_mut().insert(ConnectInfo(peer));
                request
            })
            .service(door);
        let service = TowerToHyperService::new(service.boxed_clone());
        let builder = greeting.only(builder);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = greeting.may_end(&stop, &asked) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(err) = ended {
            debug!(error = %err, %peer, "a connection ended badly");
        }
        drop(watcher); // the drain has waited for it
    }
}

/// Which protocol the first bytes belong to. Told to hyper, because while it finds out by itself, a drain makes it
/// drop the connection, and with it the request that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Greeting {
    Http1,
    Http2,
    TooShort,
}

impl Greeting {
    fn of(bytes: &[u8]) -> Greeting {
        match bytes {
            [b'P', b'R', b'I', ..] => Greeting::Http2, // no method of HTTP/1 begins like this
            [_, _, _, ..] => Greeting::Http1,
            _ => Greeting::TooShort,
        }
    }

    /// Until a drain may end the connection. One of HTTP/1 that has not asked anything yet hyper would drop at once, be
    /// its first request on the way; one of HTTP/2 takes what is on the way by itself.
    async fn may_end(self, stop: &CancellationToken, asked: &CancellationToken) {
        stop.cancelled().await;
        if self != Greeting::Http2 {
            let _ = tokio::time::timeout(LAST_WORDS, asked.cancelled()).await; // either way it ends now
        }
    }

    fn only(self, builder: Builder<TokioExecutor>) -> Builder<TokioExecutor> {
        match self {
            Greeting::Http1 => builder.http1_only(),
            Greeting::Http2 => builder.http2_only(),
            Greeting::TooShort => builder,
        }
    }
}

/// What the client says first, if it says anything in time. Who has connected just before a drain still may.
async fn greeting(stream: &TcpStream, stop: &CancellationToken) -> Option<Greeting> {
    let drained = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        biased;
        greeting = tokio::time::timeout(HEADER_TIMEOUT, whole_greeting(stream)) => greeting.ok().flatten(),
        () = drained => None,
    }
}

/// Waits until what the client has said is all of HTTP/2's greeting or no beginning of it: for the rest of one hyper
/// would wait without a clock. `None` if the client is gone.
async fn whole_greeting(stream: &TcpStream) -> Option<Greeting> {
    let mut said = [0; GREETING.len()];
    loop {
        match stream.peek(&mut said).await {
            Ok(0) | Err(_) => return None,
            Ok(length) if length < GREETING.len() && GREETING.starts_with(&said[..length]) => {
                tokio::time::sleep(MOMENT).await; // what is there already would wake us at once
            }
            Ok(length) => return Some(Greeting::of(&said[..length])),
        }
    }
}

fn builder(clients: Clients) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    if clients == Clients::Mesh {
        builder.http2().max_pending_accept_reset_streams(usize::MAX).max_local_error_reset_streams(None);
    }
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
        .max_send_buf_size(SEND_BUFFER)
        .initial_stream_window_size(1024 * 1024)
        .initial_connection_window_size(4 * 1024 * 1024);
    builder
}
