//! How many connections one address may hold: one client must not take all file descriptors.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Connections of one address at most; an IPv6 client counts by its /64, which is what one subscriber is given.
const PER_ADDRESS: usize = 1024;

/// The open connections of a listener, by address. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection's place; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    all: Connections,
    address: IpAddr,
}

impl Connections {
    /// A place for a connection, or none when the address has its share.
    pub(super) fn take(&self, ip: IpAddr) -> Option<Place> {
        let address = subscriber(ip);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(address).or_default();
        if *count >= PER_ADDRESS {
            return None;
        }
        *count += 1;
        Some(Place { all: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut entry) = held.entry(self.address) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

fn subscriber(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) >> 64 << 64).into()),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let connections = Connections::default();
        let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let mut held: Vec<_> = (0..PER_ADDRESS).map(|_| connections.take(one).unwrap()).collect();
        assert!(connections.take(one).is_none());
        assert!(connections.take(other).is_some(), "others are not affected");
        held.pop();
        assert!(connections.take(one).is_some());
        drop(held);
        assert!(connections.0.lock().unwrap().is_empty(), "nothing is kept of those who left");
    }

    #[test]
    fn addresses_of_one_subscriber_count_together() {
        assert_eq!(subscriber("2001:db8::1".parse().unwrap()), subscriber("2001:db8::ffff".parse().unwrap()));
        assert_ne!(
            subscriber("2001:db8::1".parse().unwrap()),
            subscriber("2001:db8:0:1::1".parse().unwrap())
        );
        assert_eq!(subscriber("::ffff:10.0.0.1".parse().unwrap()), subscriber("10.0.0.1".parse().unwrap()));
    }
}
