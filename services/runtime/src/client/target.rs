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
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{url}\" {fault}; use a URL such as http://127.0.0.1:50051")]
pub(crate) struct NoTarget {
    /// Without user info, which may be a password.
    url: String,
    fault: &'static str,
}

const NO_URL: &str = "is not an address that can be called";
const TLS: &str = "asks for TLS, which is not spoken between services yet";
const USER: &str = "names a user, which services do not ask for (left out here)";
const NO_PORT: &str = "names no port, such as :50051";
const BAD_PORT: &str = "has a port that is not a number from 1 to 65535";
const PATH: &str = "has a path, a query or a fragment, which a service does not have";

/// Reads a list of URLs. Spaces around them do not matter.
pub(super) fn read(urls: &str) -> Result<Vec<Target>, NoTarget> {
    urls.split(',').map(|url| Target::read(url.trim())).collect()
}

/// What is wrong with a list of URLs that somebody has set, each with its place in the list from 1. Port 0 is the
/// default of a role that takes any free port, so [`read`] lets it pass; nobody can mean it.
pub(crate) fn mistakes(urls: &str) -> Vec<(usize, NoTarget)> {
    let entries = urls.split(',').map(str::trim).enumerate();
    entries.filter_map(|(index, url)| Some((index + 1, mistake(url)?))).collect()
}

fn mistake(url: &str) -> Option<NoTarget> {
    match Target::read(url) {
        Ok(target) if target.port == 0 => Some(NoTarget { url: url.to_owned(), fault: BAD_PORT }),
        Ok(_) => None,
        Err(mistake) => Some(mistake),
    }
}

/// The URL without what stands before the last `@` of its authority.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => host.to_owned(),
        Some((_, host)) => format!("{scheme}://{host}"),
        None => url.to_owned(),
    }
}

/// Whether a URL names a port that there cannot be; one that names none has its scheme's.
pub(crate) fn has_bad_port(url: &Uri) -> bool {
    port(url) == Err(BAD_PORT)
}

/// The port, which `http` leaves out silently when it is too large.
fn port(origin: &Uri) -> Result<u16, &'static str> {
    let authority = origin.authority().map_or("", |authority| authority.as_str());
    match authority[authority.rfind([']', '@']).unwrap_or(0)..].rsplit_once(':') {
        None => Err(NO_PORT),
        Some((_, port)) => port.parse().map_err(|_| if port.is_empty() { NO_PORT } else { BAD_PORT }),
    }
}

// === impl Target ===

impl Target {
    fn read(url: &str) -> Result<Target, NoTarget> {
        Target::parse(url).map_err(|fault| NoTarget { url: without_user(url), fault })
    }

    fn parse(url: &str) -> Result<Target, &'static str> {
        let origin: Uri = url.parse().map_err(|_| NO_URL)?;
        match origin.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(TLS),
            _ => return Err(NO_URL),
        }
        if origin.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(USER);
        }
        let host = origin.host().filter(|host| !host.is_empty()).ok_or(NO_URL)?;
        if !matches!(origin.path(), "" | "/") || url.contains(['?', '#']) {
            return Err(PATH);
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let host = bare.parse().map_or_else(|_| Host::Name(bare.to_owned()), Host::Address);
        Ok(Target { port: port(&origin)?, host, origin })
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
        let targets = read("http://10.0.0.1:50051, http://registry:80/ ,http://[::1]:7").unwrap();
        let labels: Vec<_> = targets.iter().map(Target::label).collect();
        assert_eq!(labels, ["10.0.0.1:50051", "registry:80", "[::1]:7"]);
        let known: Vec<_> = targets.iter().map(|target| target.address().is_some()).collect();
        assert_eq!(known, [true, false, true]);
    }

    #[test]
    fn what_cannot_be_called_is_told_by_itself_and_why() {
        for (bad, fault) in [
            ("", NO_URL),
            ("registry", NO_URL),
            ("registry:50051", NO_URL),
            ("ftp://a:1", NO_URL),
            ("http://", NO_URL),
            ("http://a b:1", NO_URL),
            ("https://a:1", TLS),
            ("http://me:secret@a:1", USER),
            ("http://a", NO_PORT),
            ("http://a:", NO_PORT),
            ("http://[::1]", NO_PORT),
            ("http://127.0.0.1:99999", BAD_PORT),
            ("http://[::1]:65536", BAD_PORT),
            ("http://a:0", BAD_PORT),
            ("http://a:1/api", PATH),
            ("http://a:1/?x=1", PATH),
            ("http://a:1?x=1", PATH),
            ("http://a:1#x", PATH),
        ] {
            let found: Vec<_> =
                mistakes(bad).into_iter().map(|(place, mistake)| (place, mistake.fault)).collect();
            assert_eq!(found, [(1, fault)], "{bad}");
        }
        assert!(mistakes("http://a:1, http://[::1]:65535/").is_empty());
        let sentence = read("http://a:1,nowhere").unwrap_err().to_string();
        assert!(sentence.starts_with("\"nowhere\" is not"), "{sentence}");
    }

    #[test]
    fn every_entry_is_told_by_its_place_and_no_password_is_shown() {
        let told = mistakes("http://a:1,,http://me:secret@b:2");
        assert_eq!(told.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [2, 3]);
        assert!(told[1].1.to_string().starts_with("\"http://b:2\" names a user"), "{}", told[1].1);
    }
}
