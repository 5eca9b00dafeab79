//! Where web pages come from, as browsers write it: `https://app.example.com:8443`.

use http::Uri;

/// Every origin, when it stands alone.
pub(super) const ANY: &str = "*";

/// Schemes with a port that browsers leave out.
const LEFT_OUT: [(&str, u16); 2] = [("http", 80), ("https", 443)];

/// Why an entry is no origin.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoOrigin {
    /// `*` beside others.
    #[error("\"*\" means every origin and stands alone, or not at all")]
    NotAlone,
    /// Anything else.
    #[error(
        "\"{0}\" is no origin; write scheme, host and port as browsers do, such as https://app.example.com:8443"
    )]
    Malformed(String),
}

/// The origin as browsers write it: in lower case, and without the port that goes without saying.
pub(super) fn parse(entry: &str) -> Result<String, NoOrigin> {
    if entry == ANY {
        return Err(NoOrigin::NotAlone);
    }
    of(entry).ok_or_else(|| NoOrigin::Malformed(entry.to_owned()))
}

fn of(entry: &str) -> Option<String> {
    let (scheme, authority) = entry.split_once("://")?;
    let uri: Uri = entry.parse().ok()?;
    // What is more than an origin (a path, a query, a user) makes the parts differ.
    let whole = uri.scheme_str()?.eq_ignore_ascii_case(scheme) && uri.authority()?.as_str() == authority;
    let host = uri.host().filter(|host| is_host(host))?;
    let port = match authority.strip_prefix(host)? {
        "" => None,
        port => Some(port.strip_prefix(':')?.parse::<u16>().ok()?),
    };
    let scheme = scheme.to_ascii_lowercase();
    let port = port.filter(|port| !LEFT_OUT.contains(&(scheme.as_str(), *port)));
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    whole.then(|| format!("{scheme}://{}{port}", host.to_ascii_lowercase()))
}

/// A name or an address; no pattern, which would match nothing.
fn is_host(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_as_browsers_write_them() {
        for (entry, origin) in [
            ("https://app.example.com", Some("https://app.example.com")),
            ("HTTPS://App.Example.com:443", Some("https://app.example.com")),
            ("http://localhost:5173", Some("http://localhost:5173")),
            ("http://[::1]:80", Some("http://[::1]")),
            ("capacitor://localhost", Some("capacitor://localhost")),
            ("x", None),
            ("app.example.com", None),
            ("http://a b", None),
            ("http://", None),
            ("http://a:99999", None),
            ("http://a:", None),
            ("https://app.example.com/", None),
            ("https://app.example.com?x", None),
            ("https://me@app.example.com", None),
            ("https://*.example.com", None),
            ("http://[x]", None),
            ("null", None),
            ("*", None),
        ] {
            assert_eq!(parse(entry).ok().as_deref(), origin, "{entry}");
        }
    }
}
