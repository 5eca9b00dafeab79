//! The way to a provider's server: one HTTP client, bounded in what it takes in, and silent about where it went.

use std::error::Error as _;
use std::iter;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reqwest::{Client, Response, Url, redirect};
use tracing::debug;

use crate::failure::{Failure, Kind};
use crate::wire::Outgoing;

/// Bytes of one answer at most, whole or streamed.
pub const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// How often an HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(5));

/// A provider's server.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client,
    base_url: String,
}

/// Whom to believe about who a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The machine's root certificates, which are read at once.
    System,
    /// Nobody: for servers without TLS, and for those that are not asked at all, so that a minimal image without
    /// certificates will do.
    Nobody,
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct Reply {
    response: Response,
    read: usize,
}

// === impl Upstream ===

impl Upstream {
    /// A way to the server at `base_url`, which has no trailing slash.
    ///
    /// # Errors
    /// When the machine's root certificates cannot be read.
    pub fn new(base_url: String, connect_timeout: Duration, trust: Trust) -> Result<Self, reqwest::Error> {
        // The provider of cryptography is the process's; another part may have installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (interval, patience) = KEEP_ALIVE;
        let client = Client::builder()
            .redirect(redirect::Policy::none()) // a key is for its own origin only
            .no_proxy() // the same: nobody stands between
            .referer(false)
            .user_agent(concat!("bsm/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout)
            .tcp_nodelay(true) // or every stream pays 40 ms
            .http2_keep_alive_interval(interval)
            .http2_keep_alive_timeout(patience);
        let client = match trust {
            Trust::System => client,
            Trust::Nobody => client.tls_certs_only([]),
        };
        Ok(Self { client: client.build()?, base_url })
    }

    /// Sends a request and waits for the head of the answer. Cancel safe: dropping the future ends the call.
    ///
    /// # Errors
    /// When the server cannot be reached or breaks the connection off.
    pub async fn send(&self, outgoing: Outgoing, key: (HeaderName, HeaderValue)) -> Result<Reply, Failure> {
        let url = Url::parse(&format!("{}{}", self.base_url, outgoing.path));
        let url = url.map_err(|_| Failure::new(Kind::Internal, "has an address that is none"))?;
        let request =
            self.client.post(url).headers(outgoing.headers).header(key.0, key.1).body(outgoing.body);
        let response = request.send().await.map_err(failure)?;
        Ok(Reply { response, read: 0 })
    }
}

// === impl Reply ===

impl Reply {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Whether the body says that it is of this type, parameters aside.
    #[must_use]
    pub fn is(&self, content_type: &str) -> bool {
        let said = self.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let said = said.and_then(|said| said.split(';').next()).unwrap_or_default();
        said.trim().eq_ignore_ascii_case(content_type)
    }

    /// The next bytes of the body; `None` at its end. Cancel safe.
    ///
    /// # Errors
    /// When the connection breaks, or the body is longer than [`LONGEST_ANSWER`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let bytes = self.response.chunk().await.map_err(failure)?;
        self.read += bytes.as_ref().map_or(0, Bytes::len);
        if self.read > LONGEST_ANSWER {
            return Err(Failure::new(
                Kind::Malformed,
                format!("answered with more than {LONGEST_ANSWER} bytes"),
            ));
        }
        Ok(bytes)
    }

    /// The whole body. Not cancel safe: what was read is lost.
    ///
    /// # Errors
    /// As for [`next`](Self::next).
    pub async fn all(&mut self) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(bytes) = self.next().await? {
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    /// As much of the body as comes within `limit` bytes and `patience`: enough to read what an error says, however
    /// the server behaves.
    pub async fn excerpt(&mut self, limit: usize, patience: Duration) -> Vec<u8> {
        let mut body = Vec::new();
        let read = async {
            while let Ok(Some(bytes)) = self.next().await {
                body.extend_from_slice(&bytes);
                if body.len() >= limit {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(patience, read).await; // half an error is an error too
        body
    }
}

/// What an error of the HTTP client means. Its own words name the address, so they stay in the debug log.
fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    debug!(error = %error, "upstream");
    let cause = iter::successors(error.source(), |&cause| cause.source())
        .find_map(|cause| cause.downcast_ref::<std::io::Error>())
        .map(|cause| format!(": {}", cause.kind()))
        .unwrap_or_default();
    match () {
        () if error.is_connect() && error.is_timeout() => {
            Failure::new(Kind::Timeout, "did not accept the connection in time")
        }
        () if error.is_timeout() => Failure::new(Kind::Timeout, "did not answer in time"),
        () if error.is_connect() => Failure::new(Kind::Transient, format!("could not be reached{cause}")),
        () if error.is_builder() => {
            Failure::new(Kind::Internal, "could not be asked: the request is malformed")
        }
        () => Failure::new(Kind::Transient, format!("broke the connection off{cause}")),
    }
}
