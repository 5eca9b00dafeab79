//! One entry of `EGRESS_ALLOWED_HOSTS`.

use std::{net::IpAddr, str::FromStr};

use super::Host;
use crate::network::Network;

/// Whom an entry allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// A host by its name.
    Host(String),
    /// All hosts below a domain, and not the domain itself; without the asterisk, with its dot.
    Below(String),
    /// Addresses: as hosts, and as what names lead to.
    Network(Network),
}

/// A text that allows nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is none of a host such as api.openai.com, hosts such as *.openai.com, a network such as 10.0.0.0/8"
)]
pub struct NotAllowable(String);

// === impl Allowed ===

impl Allowed {
    pub(super) fn lists(&self, host: &Host) -> bool {
        match (self, host) {
            (Allowed::Host(own), Host::Name(name)) => own == name,
            (Allowed::Below(domain), Host::Name(name)) => name.len() > domain.len() && name.ends_with(domain),
            (Allowed::Network(network), Host::Address(address)) => network.contains(*address),
            (Allowed::Host(_) | Allowed::Below(_), Host::Address(_))
            | (Allowed::Network(_), Host::Name(_)) => false,
        }
    }

    pub(super) fn holds(&self, address: IpAddr) -> bool {
        matches!(self, Allowed::Network(network) if network.contains(address))
    }
}

impl FromStr for Allowed {
    type Err = NotAllowable;

    fn from_str(text: &str) -> Result<Allowed, NotAllowable> {
        if let Ok(network) = text.parse::<Network>() {
            return Ok(Allowed::Network(network));
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let (below, host) = name.strip_prefix("*.").map_or((false, name.as_str()), |host| (true, host));
        if !is_name(host) {
            return Err(NotAllowable(text.to_owned()));
        }
        Ok(if below { Allowed::Below(format!(".{host}")) } else { Allowed::Host(host.to_owned()) })
    }
}

/// Labels of letters, digits, '-' and '_', with dots between; not all digits, which would be half an address.
fn is_name(host: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    host.split('.').all(|label| !label.is_empty() && label.len() <= 63 && label.chars().all(fine))
        && host.chars().any(|c| c.is_ascii_alphabetic())
}
