//! How far away an address is.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Whose an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Anybody's on the internet.
    Public,
    /// This machine's.
    Loopback,
    /// Of a network that is not routed: RFC 1918, unique local, shared by a carrier, for benchmarks.
    Private,
    /// Of this link.
    LinkLocal,
    /// Where clouds hand out credentials to whoever asks from within a machine.
    Metadata,
    /// Of no single host: multicast, broadcast, documentation, reserved.
    Nobody,
}

/// Addresses of clouds' metadata services: the usual one, Amazon's in IPv6, Alibaba's, Oracle's and Azure's others.
const METADATA: [IpAddr; 5] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
];

/// The names that clouds give to them: Google's, Amazon's, Azure's.
const METADATA_NAMES: [&str; 6] = [
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
    "metadata.azure.internal",
];

/// Whether a name in lower case, without a dot at its end, is that of a cloud's metadata service.
pub(super) fn is_metadata_name(name: &str) -> bool {
    METADATA_NAMES.contains(&name)
}

// === impl Reach ===

impl Reach {
    /// Of an address. An IPv6 address that only wraps an IPv4 one is as far away as that.
    pub fn of(address: IpAddr) -> Reach {
        let address = unwrapped(address);
        match address {
            address if METADATA.contains(&address) => Reach::Metadata,
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

/// Mapped (`::ffff:a.b.c.d`), compatible (`::a.b.c.d`), NAT64 (`64:ff9b::a.b.c.d`) and 6to4 (`2002:aabb:ccdd::`).
fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else { return address.to_canonical() };
    let [.., a, b, c, d] = v6.octets();
    let tail = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => tail,
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => tail,
        [0x2002, high, low, ..] => IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))),
        _ => IpAddr::V6(v6),
    }
}

fn of_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] | [0, 0, 0, 0] => Reach::Loopback, // connecting to "any" address is connecting to oneself
        _ if address.is_private() => Reach::Private,
        [100, 64..=127, ..] | [198, 18 | 19, ..] => Reach::Private,
        _ if address.is_link_local() => Reach::LinkLocal,
        [0 | 224..=255, ..] | [192, 0, 0, _] => Reach::Nobody,
        _ if address.is_documentation() => Reach::Nobody,
        _ => Reach::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> Reach {
    match address.segments() {
        _ if address.is_loopback() || address.is_unspecified() => Reach::Loopback,
        _ if address.is_unique_local() => Reach::Private,
        [0xfec0..=0xfeff, ..] | [0x64, 0xff9b, 1, ..] => Reach::Private, // site-local of old; NAT64 within a network
        _ if address.is_unicast_link_local() => Reach::LinkLocal,
        [0x2001, 0xdb8, ..] => Reach::Nobody, // documentation
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Nobody,
    }
}

impl fmt::Display for Reach {
    /// As the end of "leads to".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reach::Public => "a public address",
            Reach::Loopback => "this machine, which its name does not say; declare it local if it is",
            Reach::Private => {
                "a private address, which its name does not say; declare it local, or list its network in \
                 EGRESS_ALLOWED_HOSTS"
            }
            Reach::LinkLocal => {
                "a link-local address; if that is meant, list its network in EGRESS_ALLOWED_HOSTS"
            }
            Reach::Metadata => "the address of a cloud's metadata service, which is never asked",
            Reach::Nobody => "an address that no server has",
        })
    }
}
