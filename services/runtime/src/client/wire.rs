//! One TCP connection to an endpoint, with what its end means kept for those above.
//!
//! Two truths get lost between the kernel and HTTP/2, and with them the proof that a call was not processed:
//!
//! - A server of HTTP/2 speaks first. A connection that ends before it has said anything was never taken up, such as
//!   one that waited for a listener which closed. That reads as a refused connection here, since it is one.
//! - A server that goes says which calls it took (GOAWAY). A write that fails meanwhile would hide that, so it is left
//!   to the reading side, which comes to the end after what was still said.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
};
use tonic::transport::{Channel, Endpoint};
use tracing::{info, warn};

/// How long a peer may take to accept. Services of a mesh are near, and while there is time there may be another.
const CONNECT: Duration = Duration::from_secs(2);

/// Calls that were given up in the last second and are remembered. What comes of their answers all the same is passed
/// over in silence; what comes of others costs a reset frame each. HTTP/2 takes an answer to a call that it has forgotten
/// for the peer's mistake and ends a connection that has seen 1024 of them in all its life. Within the mesh callers leave
/// and hedges lose by the thousand, so that count is switched off here.
const REMEMBERED: usize = 4096;

/// Where a channel leads.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// What the peer is told that it is called.
    origin: Uri,
    /// Where it is.
    address: SocketAddr,
    /// Told when it cannot be reached: the name may mean another address by now.
    lost: Arc<Notify>,
    /// Whether it could be reached the last time, so that changes are logged and nothing else.
    reached: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Wire {
    stream: TcpStream,
    heard: bool,
    broken: bool,
}

// === impl Route ===

impl Route {
    pub(super) fn new(origin: Uri, address: SocketAddr, lost: Arc<Notify>) -> Route {
        Route { origin, address, lost, reached: Arc::new(AtomicBool::new(true)) }
    }

    /// Where it leads.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A channel that connects when first used, and again after a loss.
    pub(super) fn channel(&self) -> Channel {
        let endpoint = Endpoint::from(self.origin.clone())
            .http2_keep_alive_interval(Duration::from_secs(20)) // finds a peer that vanished without a word
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true)
            .http2_max_concurrent_reset_streams(REMEMBERED)
            .http2_max_local_error_reset_streams(None);
        let route = self.clone();
        endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let route = route.clone();
            async move {
                let connected = connect(route.address).await;
                route.tell(&connected);
                connected.map(TokioIo::new)
            }
        }))
    }

    fn tell<T>(&self, connected: &io::Result<T>) {
        let before = self.reached.swap(connected.is_ok(), Relaxed);
        match connected {
            Ok(_) if !before => info!(endpoint = %self.address, "an endpoint can be reached again"),
            Err(error) if before => {
                warn!(endpoint = %self.address, %error, "an endpoint cannot be reached");
            }
            Ok(_) | Err(_) => {}
        }
        if connected.is_err() {
            self.lost.notify_one();
        }
    }
}

async fn connect(address: SocketAddr) -> io::Result<Wire> {
    // Without a bound a peer that vanished would hold the call until the kernel gives up, minutes later.
    let stream = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await??;
    stream.set_nodelay(true)?; // or each small frame waits for the last one's acknowledgement
    Ok(Wire { stream, heard: false, broken: false })
}

// === impl Wire ===

impl Wire {
    fn written<T>(&mut self, written: io::Result<T>, pretended: T) -> io::Result<T> {
        match written {
            Err(err) if is_gone(&err) => {
                self.broken = true;
                Ok(pretended)
            }
            other => other,
        }
    }
}

fn is_gone(err: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(err.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
        let has_more = read.is_ok() && buf.filled().len() > before;
        if !has_more && !self.heard {
            let sentence = "the peer closed the connection before it said anything";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionRefused, sentence)));
        }
        self.heard = true;
        Poll::Ready(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken {
            return Poll::Ready(Ok(buf.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        Poll::Ready(self.written(written, buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = bufs.iter().map(|buf| buf.len()).sum();
        if self.broken {
            return Poll::Ready(Ok(all));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        Poll::Ready(self.written(written, all))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(cx));
        Poll::Ready(self.written(flushed, ()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
        Poll::Ready(self.written(shut, ()))
    }
}
