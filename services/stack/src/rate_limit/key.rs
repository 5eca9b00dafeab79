//! Who is limited: a caller that has a name, or the address it comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// Whose calls are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A caller whose identity was proved. Its length is its issuer's, so it is for the issuer to bound.
    Caller(Arc<str>),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 network of 64 bits, which is what one customer gets: he can choose among 2⁶⁴ addresses.
    V6Net(u64),
}

// === impl Key ===

impl Key {
    /// A caller by name.
    #[must_use]
    pub fn caller(name: impl Into<Arc<str>>) -> Self {
        Self::Caller(name.into())
    }

    /// The key of an address; an IPv4 address written as an IPv6 one is the same address.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6Net(network(address)),
        }
    }
}

fn network(address: Ipv6Addr) -> u64 {
    (address.to_bits() >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::address(text.parse().expect("an address"))
    }

    #[test]
    fn ipv6_addresses_count_together_by_their_first_64_bits() {
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_address_is_itself_however_it_is_written() {
        assert_eq!(key("::ffff:192.0.2.7"), key("192.0.2.7"));
        assert_ne!(key("192.0.2.7"), key("192.0.2.8"));
    }

    #[test]
    fn a_caller_is_no_address_of_the_same_name() {
        assert_ne!(Key::caller("192.0.2.7"), key("192.0.2.7"));
    }
}
