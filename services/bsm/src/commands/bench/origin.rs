//! Where the load goes: a URL, the addresses it stands for, and whether it may go there.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};

use crate::exit::{Exit, Failure};

const EXAMPLES: &str =
    "http://127.0.0.1:8080/api/agents or grpc://127.0.0.1:50051/bsm.registry.v1.RegistryService/ListAgents";

/// What is spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Rest,
    Grpc,
}

/// Where to, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) scheme: Scheme,
    /// A name or an address; IPv6 without brackets.
    host: String,
    port: u16,
    /// Host and port as a request names them.
    pub(super) authority: String,
    /// Path and query, from the slash on.
    pub(super) path: String,
}

/// Whom load may be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// This machine only.
    Loopback,
    /// Anybody.
    Anywhere,
}

/// Addresses that were looked up and may be called.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    addresses: Vec<SocketAddr>,
}

impl Place {
    /// Reads a URL.
    ///
    /// # Errors
    /// Wrong usage, with an example.
    pub(super) fn read(text: &str) -> anyhow::Result<Place> {
        let bad = |why: &str| Failure::error(Exit::Usage, format!("\"{text}\" {why}, such as {EXAMPLES}"));
        let url = Url::parse(text).map_err(|err| bad(&format!("is no URL ({err}); write one")))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Rest,
            "grpc" => Scheme::Grpc,
            "https" => return Err(bad("asks for TLS, which is not spoken here; name the port behind it")),
            _ => return Err(bad("is neither http nor grpc; write a URL")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("holds a name or password, which would show in lists; use --header and a URL"));
        }
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| bad("names no host; write a URL"))?;
        let port = url.port_or_known_default().ok_or_else(|| bad("names no port; write a URL"))?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Place {
            scheme,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authority: format!("{host}:{port}"),
            path: format!("/{}{query}", url.path().trim_start_matches('/')),
        })
    }
}

impl Origin {
    /// Looks the host up, once: what it stands for later does not matter any more.
    ///
    /// # Errors
    /// A host that does not exist, or one that is not this machine where only that may be reached.
    pub(super) async fn of(place: &Place, reach: Reach) -> anyhow::Result<Origin> {
        let gone = |err: io::Error| {
            Failure::error(Exit::Unavailable, format!("the host {} cannot be looked up: {err}", place.host))
        };
        let addresses: Vec<_> = lookup_host((place.host.as_str(), place.port)).await.map_err(gone)?.collect();
        let stranger = addresses.iter().map(SocketAddr::ip).find(|ip| !is_loopback(*ip));
        if let (Reach::Loopback, Some(ip)) = (reach, stranger) {
            let sentence = format!(
                "{} ({ip}) is not this machine; with --allow-remote, load is sent to it all the same: make sure that \
                 whoever runs it knows",
                place.host
            );
            return Err(Failure::error(Exit::Usage, sentence));
        }
        Ok(Origin { addresses })
    }

    /// Connects to the first address that answers.
    ///
    /// # Errors
    /// What the last one said.
    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.addresses.as_slice()).await?;
        stream.set_nodelay(true)?; // or each small request may wait 40 ms for an acknowledgement
        Ok(stream)
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_with_its_path_query_and_port() {
        let place = Place::read("http://127.0.0.1:8080/api/agents?x=1&y").unwrap();
        assert_eq!((place.scheme, place.authority.as_str()), (Scheme::Rest, "127.0.0.1:8080"));
        assert_eq!(place.path, "/api/agents?x=1&y");
        assert_eq!(Place::read("http://localhost").unwrap().path, "/");
        assert_eq!(Place::read("http://localhost").unwrap().authority, "localhost:80");
        let place = Place::read("grpc://[::1]:50051/a.B/C").unwrap();
        assert_eq!((place.host.as_str(), place.authority.as_str()), ("::1", "[::1]:50051"));
        assert_eq!((place.scheme, place.path.as_str()), (Scheme::Grpc, "/a.B/C"));
    }

    #[test]
    fn what_is_no_target_is_refused_with_the_reason_and_an_example() {
        for (text, reason) in [
            ("127.0.0.1:8080", "http"),
            ("", "no URL"),
            ("http://", "no URL"),
            ("http://x:99999/", "no URL"),
            ("https://localhost/", "TLS"),
            ("ftp://localhost/", "neither http nor grpc"),
            ("grpc://localhost/a.B/C", "names no port"),
            ("http://me:secret@localhost/", "--header"),
        ] {
            let err = Place::read(text).unwrap_err().to_string();
            assert!(err.contains(reason) && err.contains("127.0.0.1:50051"), "{text}: {err}");
        }
    }

    #[tokio::test]
    async fn only_this_machine_is_loaded_unless_somebody_says_otherwise() {
        for (url, own) in [
            ("http://127.0.0.9:1/", true),
            ("http://localhost:1/", true),
            ("http://[::1]:1/", true),
            ("http://[::ffff:127.0.0.1]:1/", true),
            ("http://192.0.2.7:1/", false),
            ("http://[2001:db8::1]:1/", false),
            ("http://0.0.0.0:1/", false),
        ] {
            let place = Place::read(url).unwrap();
            let near = Origin::of(&place, Reach::Loopback).await;
            assert_eq!(near.is_ok(), own, "{url}");
            assert!(near.err().is_none_or(|err| err.to_string().contains("--allow-remote")), "{url}");
            assert!(Origin::of(&place, Reach::Anywhere).await.is_ok(), "{url}");
        }
    }
}
