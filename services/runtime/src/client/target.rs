//! The URLs of a role, as settings name them: one, or several with commas between.

use std::net::{IpAddr, SocketAddr};

use http::Uri;

/// One URL of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Scheme, host and port; what the peer is told that it is called.
    pub(super) origin: Uri,
    pub(super) host: Host,
    pub(super) port: u16,
}

/// Where a URL points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Address(IpAddr),
    /// To be looked up, now and then.
    Name(String),
}

/// Why a text is not the URL of a service.
#[derive(Debug, thiserror::Error)]
#[error("\"{url}\" is not an address that can be called; use a URL such as http://127.0.0.1:50051")]
pub(super) struct NoTarget {
    url: String,
}

/// Reads a list of URLs. Spaces around them do not matter.
pub(super) fn read(urls: &str) -> Result<Vec<Target>, NoTarget> {
    urls.split(',').map(|url| Target::read(url.trim())).collect()
}

// === impl Target ===

impl Target {
    fn read(url: &str) -> Result<Target, NoTarget> {
        let bad = || NoTarget { url: url.to_owned() };
        let origin: Uri = url.parse().map_err(|_| bad())?;
        let default_port = match origin.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => return Err(bad()),
        };
        let host = origin.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let host = bare.parse().map_or_else(|_| Host::Name(bare.to_owned()), Host::Address);
        Ok(Target { port: origin.port_u16().unwrap_or(default_port), host, origin })
    }

    /// Where it is, if that needs no looking up.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self.host {
            Host::Address(ip) => Some(SocketAddr::new(ip, self.port)),
            Host::Name(_) => None,
        }
    }

    /// `host:port`, as in the URL.
    pub(super) fn label(&self) -> String {
        match &self.host {
            Host::Address(ip) => SocketAddr::new(*ip, self.port).to_string(),
            Host::Name(name) => format!("{name}:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_urls_names_as_many_targets() {
        let targets = read("http://10.0.0.1:50051, http://registry ,http://[::1]:7").unwrap();
        let labels: Vec<_> = targets.iter().map(Target::label).collect();
        assert_eq!(labels, ["10.0.0.1:50051", "registry:80", "[::1]:7"]);
        let known: Vec<_> = targets.iter().map(|target| target.address().is_some()).collect();
        assert_eq!(known, [true, false, true]);
    }

    #[test]
    fn what_cannot_be_called_is_told_by_itself() {
        for bad in ["", "registry", "ftp://a", "http://", "http://a,,http://b", "http://a b"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let sentence = read("http://a,nowhere").unwrap_err().to_string();
        assert!(sentence.starts_with("\"nowhere\" is not"), "{sentence}");
    }
}
