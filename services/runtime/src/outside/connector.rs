//! How connections to one server are made: where its name leads is the gate's to say, and certificates are checked by the
//! machine's roots.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use http::Uri;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{HttpConnector, dns::Name};
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
}

// === impl Connector ===

impl Connector {
    /// # Errors
    /// When the machine's root certificates cannot be read.
    pub(super) fn new(gate: Gate, within: Duration, trust: Trust) -> Result<Connector, rustls::Error> {
        // The provider of cryptography is the process's; another part may have installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls(trust)?);
        let inner = builder.https_or_http().enable_all_versions().wrap_connector(plain(gate));
        Ok(Connector { inner, within })
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
        async move { connected.await? }.boxed()
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
