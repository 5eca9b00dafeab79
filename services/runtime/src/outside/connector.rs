//! How connections to one server are made: where its name leads is the gate's to say, and certificates are checked by the
//! machine's roots.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use http::Uri;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connection as _, HttpConnector, dns::Name};
use rustls::{ClientConfig, RootCertStore};
use tokio::time::timeout;
use tower::{BoxError, Service};

use super::{gate::Gate, http_client::Trust};

/// How long a connection is silent before the kernel asks whether its other end is there, how often, and how often in vain.
const PROBES: (Duration, Duration, u32) = (Duration::from_secs(15), Duration::from_secs(15), 3);

/// How long what was sent may stay without the kernel's acknowledgement.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Makes connections, and gives up on those that are not made in time.
#[derive(Clone)]
pub(super) struct Connector {
    inner: HttpsConnector<HttpConnector<Gate>>,
    within: Duration,
    spoken: Spoken,
}

/// Whether the server chose HTTP/2 when it last had the choice. Clones tell the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken(Arc<AtomicBool>);

/// Which versions of HTTP a server is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// HTTP/2 and HTTP/1.1.
    All,
    /// HTTP/2, where it is known to be spoken.
    Two,
}

// === impl Spoken ===

impl Spoken {
    /// What to offer next: all versions until it is known that HTTP/2 will do. Who asks for that alone makes one
    /// connection, however many calls wait for it; else each of them makes its own before it is known what that bears.
    pub(super) fn to_offer(&self) -> Versions {
        if self.0.load(Relaxed) { Versions::Two } else { Versions::All }
    }
}

// === impl Connector ===

impl Connector {
    /// # Errors
    /// When the machine's root certificates cannot be read.
    pub(super) fn new(
        gate: Gate,
        within: Duration,
        trust: Trust,
        (offered, spoken): (Versions, Spoken),
    ) -> Result<Connector, rustls::Error> {
        // The provider of cryptography is the process's; another part may have installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls(trust)?);
        let builder = builder.https_or_http();
        let inner = match offered {
            Versions::All => builder.enable_all_versions().wrap_connector(plain(gate)),
            Versions::Two => builder.enable_http2().wrap_connector(plain(gate)),
        };
        Ok(Connector { inner, within, spoken })
    }
}

fn tls(trust: Trust) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder();
    let trusting = match trust {
        Trust::System => builder.try_with_platform_verifier()?,
        Trust::Nobody => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(trusting.with_no_client_auth())
}

fn plain(gate: Gate) -> HttpConnector<Gate> {
    let (after, every, times) = PROBES;
    let mut plain = HttpConnector::new_with_resolver(gate);
    plain.enforce_http(false); // TLS is above it
    plain.set_nodelay(true); // or every stream pays 40 ms
    plain.set_keepalive(Some(after));
    plain.set_keepalive_interval(Some(every));
    plain.set_keepalive_retries(Some(times));
    #[cfg(target_os = "linux")]
    plain.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    plain
}

impl Service<Uri> for Connector {
    type Response = <HttpsConnector<HttpConnector<Gate>> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let late = |_elapsed| io::Error::new(io::ErrorKind::TimedOut, "the connection was not made in time");
        let connected = timeout(self.within, self.inner.call(to)).map_err(late);
        let spoken = self.spoken.clone();
        async move {
            let stream = connected.await??;
            spoken.0.store(stream.connected().is_negotiated_h2(), Relaxed);
            Ok(stream)
        }
        .boxed()
    }
}

impl Service<Name> for Gate {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    /// The port is the URL's.
    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.clone().addresses(name.as_str().to_owned());
        let of_any_port = |ip| SocketAddr::new(ip, 0);
        found.map_ok(move |found| found.into_iter().map(of_any_port).collect::<Vec<_>>().into_iter()).boxed()
    }
}
