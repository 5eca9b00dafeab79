//! Who asks: the address at the other end, or the one that a trusted proxy there passes on, and what the client says it
//! is.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::extract::Request;
use bsm_runtime::{network::Network, server::Peer};
use http::{Extensions, HeaderMap, Uri, header};

/// Words in the User-Agent of phones and tablets, in lower case.
const MOBILE: [&str; 8] =
    ["android", "iphone", "ipad", "ipod", "mobile", "blackberry", "iemobile", "opera mini"];

/// The client of a request. The one place that says which address counts: LAN gate, rate limit, log and status read
/// it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// The client's address, an IPv4 address mapped into IPv6 as the IPv4 address it is. `None` off any
    /// socket, and when a proxy says that it does not know.
    pub(crate) ip: Option<IpAddr>,
    /// Whether the User-Agent says it is a phone or tablet.
    pub(crate) mobile: bool,
}

/// The proxies in front of the gateway that are believed about where a client is. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies(Arc<[Network]>);

const FORWARDED_FOR: &str = "x-forwarded-for";

impl Proxies {
    pub(crate) fn new(trusted: &[Network]) -> Proxies {
        Proxies(trusted.into())
    }

    pub(crate) fn client_of(&self, request: &Request) -> Client {
        self.client(request.headers(), request.extensions())
    }

    /// The client of a request whose parts are at hand.
    pub(crate) fn client(&self, headers: &HeaderMap, extensions: &Extensions) -> Client {
        let peer = extensions.get::<Peer>().map(|peer| peer.0.ip());
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Client { ip: peer.and_then(|peer| self.origin(peer, headers)), mobile: agent.is_some_and(is_mobile) }
    }

    /// Each proxy adds the address that it was called from at the end. So the hops are walked from the last one back,
    /// as long as whoever tells of a hop is trusted: what a client writes into the header itself is never reached. `None`
    /// when a proxy tells of a hop and it cannot be read: the proxy's own address would be taken for a near client.
    fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let told = headers.get_all(FORWARDED_FOR).iter().rev();
        let mut told = told.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')).map(address);
        let mut origin = peer.to_canonical();
        while self.0.iter().any(|trusted| trusted.contains(origin))
            && let Some(before) = told.next()
        {
            origin = before?;
        }
        Some(origin)
    }
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let alone = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let ip = alone.or_else(|| text.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()));
    ip.map(|ip| ip.to_canonical())
}

impl Client {
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
        let proxies = Proxies::default();
        assert_eq!(proxies.client_of(&request).address(), "unknown");
        request.extensions_mut().insert(Peer("[::ffff:127.0.0.1]:4000".parse().unwrap()));
        assert_eq!(proxies.client_of(&request).address(), "127.0.0.1");
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_saw() {
        let trusted = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let proxies = Proxies::new(&trusted);
        for (peer, lines, origin) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"), // nobody we know says so
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("127.0.0.1", &["127.0.0.1, 198.51.100.1"], "198.51.100.1"), // the client wrote the first
            ("127.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.7"], "198.51.100.1"),
            ("127.0.0.1", &["1.1.1.1", "198.51.100.1", " 10.0.0.7 , 10.0.0.8"], "198.51.100.1"),
            ("127.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("fd00::1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", &["unknown"], ""),
            ("127.0.0.1", &["198.51.100.1, unknown"], ""), // what is behind it may be made up
            ("127.0.0.1", &["10.0.0.7"], "10.0.0.7"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, line.parse().unwrap());
            }
            let found = proxies.origin(peer.parse().unwrap(), &headers);
            assert_eq!(found, origin.parse().ok(), "{peer} {lines:?}");
        }
    }
}
