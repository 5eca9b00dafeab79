//! Who asks: the address at the other end and what the client says it is.

use std::net::IpAddr;

use axum::extract::Request;
use bsm_runtime::server::Peer;
use http::{Extensions, HeaderMap, Uri, header};

/// Words in the User-Agent of phones and tablets, in lower case.
const MOBILE: [&str; 8] =
    ["android", "iphone", "ipad", "ipod", "mobile", "blackberry", "iemobile", "opera mini"];

/// The client of a request. The one place that says which address counts: LAN gate, rate limit, log and status read
/// it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// The peer's address, an IPv4 address mapped into IPv6 as the IPv4 address it is. `None` off any socket.
    pub(crate) ip: Option<IpAddr>,
    /// Whether the User-Agent says it is a phone or tablet.
    pub(crate) mobile: bool,
}

impl Client {
    pub(crate) fn of(request: &Request) -> Client {
        Client::seen(request.headers(), request.extensions())
    }

    /// The client of a request whose parts are at hand.
    pub(crate) fn seen(headers: &HeaderMap, extensions: &Extensions) -> Client {
        let peer = extensions.get::<Peer>();
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Client { ip: peer.map(|peer| peer.0.ip().to_canonical()), mobile: agent.is_some_and(is_mobile) }
    }

    /// The address as text, `unknown` without one.
    pub(crate) fn address(&self) -> String {
        self.ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string())
    }
}

/// The host and port that the client believes it talks to: `:authority` of HTTP/2, `Host` of HTTP/1.
pub(crate) fn authority<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> Option<&'r str> {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    uri.authority().map(http::uri::Authority::as_str).or(host)
}

fn is_mobile(agent: &str) -> bool {
    let agent = agent.to_ascii_lowercase();
    MOBILE.iter().any(|word| agent.contains(word))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn phones_are_known_by_their_user_agent() {
        for (agent, mobile) in [
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", true),
            ("Mozilla/5.0 (Linux; Android 14; Pixel 8) Mobile Safari", true),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", false),
            ("curl/8.5.0", false),
        ] {
            assert_eq!(is_mobile(agent), mobile, "{agent}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_address_it_maps() {
        let mut request = Request::new(Body::empty());
        assert_eq!(Client::of(&request).address(), "unknown");
        request.extensions_mut().insert(Peer("[::ffff:127.0.0.1]:4000".parse().unwrap()));
        assert_eq!(Client::of(&request).address(), "127.0.0.1");
    }
}
