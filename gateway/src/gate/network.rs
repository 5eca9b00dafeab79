//! Which addresses and names are local.

use std::net::IpAddr;

pub(super) use bsm_runtime::lan::is_local;

/// Endings of names that no public name server answers for.
const PRIVATE_ENDINGS: [&str; 4] = [".local", ".internal", ".home.arpa", ".localhost"];

/// A name or address of this machine.
pub(super) fn is_loopback_name(host: &str) -> bool {
    match address(host) {
        Some(ip) => ip.to_canonical().is_loopback(),
        None => host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost"),
    }
}

/// A name or address of this network. Names without a dot and those of private zones cannot be pointed here from
/// outside.
pub(super) fn is_local_name(host: &str) -> bool {
    match address(host) {
        Some(ip) => is_local(ip),
        None => {
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            !host.is_empty() && (!host.contains('.') || PRIVATE_ENDINGS.iter().any(|end| host.ends_with(end)))
        }
    }
}

/// The host of `host:port` or `[address]:port`.
pub(super) fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => authority,
    }
}

/// The host of an origin such as `http://localhost:3000`; `None` for `null` and whatever is no origin.
pub(super) fn host_of(origin: &str) -> Option<&str> {
    let (scheme, rest) = origin.split_once("://")?;
    (matches!(scheme, "http" | "https") && !rest.contains(['/', '@'])).then(|| without_port(rest))
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
