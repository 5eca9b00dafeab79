//! The HTTP client below the stack: it goes where it is sent and nowhere else, and is silent about where it went.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use bsm_stack::{
    deadline::GRPC_TIMEOUT,
    retry::{NotSent, PREVIOUS_ATTEMPTS, RETRIES, ReplayBody},
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderName, Request, Response};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use reqwest::{Client, redirect, retry};
use tokio::time::Instant;
use tower::{BoxError, Service};
use tracing::debug;

use crate::call::CORRELATION_HEADER;

/// How often an HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(5));

/// What the layers above tell each other and no stranger needs to know.
const OURS: [HeaderName; 4] =
    [GRPC_TIMEOUT, RETRIES, PREVIOUS_ATTEMPTS, HeaderName::from_static(CORRELATION_HEADER)];

/// Whom to believe about who a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The machine's root certificates, which are read at once.
    System,
    /// Nobody: for servers without TLS, and for those that are not asked at all, so that a minimal image without
    /// certificates will do.
    Nobody,
}

/// In a response's extensions: how long its attempt took to the head, without any wait of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Took(pub Duration);

/// Sends requests as they are. Clones share the connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: Client,
}

// === impl Trust ===

impl Trust {
    /// What it takes to ask the server at this URL.
    #[must_use]
    pub fn needed_for(url: &str) -> Trust {
        let scheme = url.split(':').next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("http") { Trust::Nobody } else { Trust::System }
    }
}

// === impl HttpClient ===

impl HttpClient {
    /// A client that gives up on a connection that is not made within `connect_timeout`.
    ///
    /// # Errors
    /// When the machine's root certificates cannot be read.
    pub fn new(connect_timeout: Duration, trust: Trust) -> Result<HttpClient, reqwest::Error> {
        // The provider of cryptography is the process's; another part may have installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (interval, patience) = KEEP_ALIVE;
        let client = Client::builder()
            .redirect(redirect::Policy::none()) // a key is for its own origin only
            .no_proxy() // the same: nobody stands between
            .referer(false)
            .retry(retry::never()) // the stack above counts every attempt
            .user_agent(concat!("bsm/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout)
            .tcp_nodelay(true) // or every stream pays 40 ms
            .http2_keep_alive_interval(interval)
            .http2_keep_alive_timeout(patience);
        let client = match trust {
            Trust::System => client,
            Trust::Nobody => client.tls_certs_only([]),
        };
        Ok(HttpClient { client: client.build()? })
    }
}

impl Service<Request<ReplayBody<Full<Bytes>>>> for HttpClient {
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReplayBody<Full<Bytes>>>) -> Self::Future {
        Box::pin(send(self.client.clone(), request))
    }
}

async fn send(
    client: Client,
    request: Request<ReplayBody<Full<Bytes>>>,
) -> Result<Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError> {
    let began = Instant::now();
    let (mut head, body) = request.into_parts();
    for header in &OURS {
        head.headers.remove(header);
    }
    let body = body.collect().await?.to_bytes(); // all of it is there
    let request = reqwest::Request::try_from(Request::from_parts(head, body)).map_err(told)?;
    let response = client.execute(request).await.map_err(told)?;
    let mut response: Response<reqwest::Body> = response.into();
    response.extensions_mut().insert(Took(began.elapsed()));
    Ok(response.map(|body| body.map_err(told).boxed_unsync()))
}

/// An error without the address it is about, which may hold a secret; one of a connection that could not be made is
/// marked as such, because then nothing was sent.
fn told(error: reqwest::Error) -> BoxError {
    let error = error.without_url();
    debug!(error = %error, "a call to the outside failed");
    if error.is_connect() { NotSent(error.into()).into() } else { error.into() }
}
