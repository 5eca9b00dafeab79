//! The HTTP client below the stack: it goes where it is sent and nowhere else, and is silent about where it went.

use std::{
    fmt,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bsm_stack::{
    AttemptTimedOut,
    body::GuardedBody,
    classify::{Withheld, is_own_refusal},
    deadline::GRPC_TIMEOUT,
    retry::{NotSent, PREVIOUS_ATTEMPTS, RETRIES, ReplayBody},
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header, request::Parts};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::time::{Instant, timeout};
use tower::{BoxError, Service};
use tracing::debug;

use super::{
    address::Address,
    connector::{Connector, Spoken, Versions},
    egress::Egress,
    gate::{self, Destination, Gate},
    lanes::Lanes,
};
use crate::call::CORRELATION_HEADER;

/// How often an HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(5));

/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(90);

/// What a request says of us and of the answer, unless it says otherwise.
const SAID: [(HeaderName, HeaderValue); 2] = [
    (header::ACCEPT, HeaderValue::from_static("*/*")),
    (header::USER_AGENT, HeaderValue::from_static(concat!("bsm/", env!("CARGO_PKG_VERSION")))),
];

/// What the layers above tell each other and no stranger needs to know.
const OURS: [HeaderName; 4] = [GRPC_TIMEOUT, RETRIES, PREVIOUS_ATTEMPTS, CORRELATION_HEADER];

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

/// In a request's extensions: what is decided only as an attempt goes out, after any queue, such as its key. An error
/// withholds the request, which says nothing about the server.
#[derive(Clone)]
pub struct AsSent(Arc<Complete>);

type Complete = dyn Fn(&mut HeaderMap) -> Result<(), BoxError> + Send + Sync;

/// In a request's extensions: how long the head of its answer may take, where that is less than the time of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadWithin(pub Duration);

/// Connections cannot be made from this machine at all.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made; are root certificates installed (SSL_CERT_FILE)?")]
pub struct NoClient(#[source] rustls::Error);

/// No redirects, because a key is for its own origin only; no proxies, because nobody stands between; and nothing is sent
/// a second time, because the stack above counts every attempt.
type Client = legacy::Client<Connector, Full<Bytes>>;

/// Sends requests to one server as they are, as far as the egress policy lets them out. Clones share the connections.
#[derive(Clone, Debug)]
pub struct HttpClient {
    lanes: Arc<Lanes<Client>>,
    gate: Gate,
}

/// Whether somebody on the way to this URL could read along: it is unencrypted and leaves this machine.
#[must_use]
pub fn in_the_clear(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let local = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    url.scheme_str() == Some("http") && !local
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

// === impl AsSent ===

impl AsSent {
    /// Completes the headers of each attempt.
    pub fn new(complete: impl Fn(&mut HeaderMap) -> Result<(), BoxError> + Send + Sync + 'static) -> AsSent {
        AsSent(Arc::new(complete))
    }
}

impl fmt::Debug for AsSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsSent").finish_non_exhaustive()
    }
}

// === impl HttpClient ===

impl HttpClient {
    /// A client for one server and no other, which gives up on a connection that is not made within `connect_timeout`.
    ///
    /// # Errors
    /// When the machine's root certificates cannot be read.
    pub fn new(
        destination: Destination<'_>,
        connect_timeout: Duration,
        trust: Trust,
        egress: &Egress,
    ) -> Result<HttpClient, NoClient> {
        let gate = Gate::new(destination, egress, Box::new(gate::system));
        HttpClient::behind(gate, connect_timeout, trust)
    }

    pub(super) fn behind(
        gate: Gate,
        connect_timeout: Duration,
        trust: Trust,
    ) -> Result<HttpClient, NoClient> {
        let spoken = Spoken::default();
        let first =
            client(&gate, connect_timeout, trust, (Versions::All, spoken.clone())).map_err(NoClient)?;
        let through = gate.clone();
        let another = move || {
            let made = client(&through, connect_timeout, trust, (spoken.to_offer(), spoken.clone()));
            made.inspect_err(|error| debug!(%error, "another HTTP client cannot be made")).ok()
        };
        Ok(HttpClient { lanes: Arc::new(Lanes::new(first, another)), gate })
    }
}

fn client(
    gate: &Gate,
    connect_timeout: Duration,
    trust: Trust,
    versions: (Versions, Spoken),
) -> Result<Client, rustls::Error> {
    let only_two = versions.0 == Versions::Two;
    let connector = Connector::new(gate.clone(), connect_timeout, trust, versions)?;
    let (interval, patience) = KEEP_ALIVE;
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http2_only(only_two)
        .http2_keep_alive_interval(interval)
        .http2_keep_alive_timeout(patience);
    Ok(builder.build(connector))
}

impl Service<Request<ReplayBody<Full<Bytes>>>> for HttpClient {
    type Response = Response<UnsyncBoxBody<Bytes, BoxError>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReplayBody<Full<Bytes>>>) -> Self::Future {
        Box::pin(send(self.clone(), request))
    }
}

async fn send(
    HttpClient { lanes, gate }: HttpClient,
    request: Request<ReplayBody<Full<Bytes>>>,
) -> Result<Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError> {
    let began = Instant::now();
    let (mut head, body) = request.into_parts();
    for header in &OURS {
        head.headers.remove(header);
    }
    let Address { uri, user } = gate.passes(head.uri)?;
    head.uri = uri;
    if let Some(user) = user {
        head.headers.entry(header::AUTHORIZATION).or_insert(user);
    }
    if let Some(AsSent(complete)) = head.extensions.get() {
        complete(&mut head.headers).map_err(Withheld)?;
    }
    let within = head.extensions.get().copied();
    let body = body.collect().await?.to_bytes(); // all of it is there
    let (client, place) = lanes.take();
    let answer = client.request(outgoing(head, body));
    let response = match within {
        Some(HeadWithin(after)) => {
            timeout(after, answer).await.map_err(|_elapsed| AttemptTimedOut { after })?
        }
        None => answer.await,
    };
    let mut response = response.map_err(told)?;
    response.extensions_mut().insert(Took(began.elapsed()));
    Ok(response.map(|body| GuardedBody::new(body.map_err(broken), place).boxed_unsync()))
}

/// The request as the server gets it: nothing of ours but the URL, the headers and the body.
fn outgoing(head: Parts, body: Bytes) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = head.method;
    *request.uri_mut() = head.uri;
    *request.headers_mut() = head.headers;
    for (name, value) in SAID {
        request.headers_mut().entry(name).or_insert(value);
    }
    request
}

/// An error; one of a connection that could not be made is marked as such, because then nothing was sent.
fn told(error: legacy::Error) -> BoxError {
    if is_own_refusal(&error) {
        return error.into(); // the gate has told why
    }
    debug!(error = %error, "a call to the outside failed");
    if error.is_connect() { NotSent(error.into()).into() } else { error.into() }
}

fn broken(error: hyper::Error) -> BoxError {
    debug!(error = %error, "an answer from the outside broke off");
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unencrypted_way_out_of_this_machine_is_in_the_clear() {
        assert!(in_the_clear("http://10.0.0.1/v1") && in_the_clear("http://example.test"));
        for url in ["https://example.test", "http://localhost:1", "http://127.0.0.2", "http://[::1]:8000/v1"]
        {
            assert!(!in_the_clear(url), "{url}");
        }
    }

    #[test]
    fn certificates_are_needed_for_servers_with_tls() {
        assert_eq!(Trust::needed_for("http://127.0.0.1:1"), Trust::Nobody);
        assert_eq!(Trust::needed_for("https://api.github.com"), Trust::System);
    }
}
