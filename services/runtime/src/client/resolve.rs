//! Finds the endpoints behind the URLs of a role, and goes on looking: replicas come and go behind one name.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};
use tracing::warn;

use super::{
    roster::{Found, Roster, Unused},
    target::{Host, Target},
};

/// How often names are looked up.
const EVERY: Duration = Duration::from_secs(10);

/// How soon after a lookup the next one may be made, because an endpoint cannot be reached or a name has no address.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// Fills the roster now if every target is an address, else in a task that lives as long as the edge is used.
pub(super) fn keep<S: Send + Sync + 'static>(targets: Vec<Target>, mut roster: Roster<S>, lost: Arc<Notify>) {
    let known: Option<Vec<_>> = targets.iter().map(Target::address).collect();
    match known {
        Some(addresses) => {
            let found = targets.iter().zip(addresses).flat_map(|(target, at)| found(target, vec![at]));
            roster.update(found.collect()).expect("the edge is still being made");
        }
        None => drop(tokio::spawn(follow(targets, roster, lost))), // ends with the edge
    }
}

async fn follow<S: Send + Sync>(targets: Vec<Target>, mut roster: Roster<S>, lost: Arc<Notify>) {
    let mut last_good = vec![Vec::new(); targets.len()];
    loop {
        for (target, known) in targets.iter().zip(&mut last_good) {
            learn(known, look_up(target).await, target);
        }
        let all = targets.iter().zip(&last_good);
        let found: Vec<_> = all.flat_map(|(target, at)| found(target, at.clone())).collect();
        let has_all = last_good.iter().all(|known| !known.is_empty());
        if let Err(Unused) = roster.update(found) {
            return;
        }
        wait(Instant::now(), has_all, &lost).await;
    }
}

/// An answer counts until there is a better one: who cannot be asked has not said that nobody is there.
fn learn(known: &mut Vec<SocketAddr>, answer: io::Result<Vec<SocketAddr>>, target: &Target) {
    match answer {
        Ok(addresses) => *known = addresses,
        Err(error) => warn!(%error, host = target.label(), "a name could not be resolved"),
    }
}

async fn wait(looked: Instant, has_all: bool, lost: &Notify) {
    tokio::select! {
        () = sleep(if has_all { EVERY } else { AT_MOST_EVERY }) => {}
        () = lost.notified() => sleep_until(looked + AT_MOST_EVERY).await,
    }
}

/// The addresses of a target.
async fn look_up(target: &Target) -> io::Result<Vec<SocketAddr>> {
    let addresses = match &target.host {
        Host::Address(ip) => vec![SocketAddr::new(*ip, target.port)],
        Host::Name(name) => tokio::net::lookup_host((name.as_str(), target.port)).await?.collect(),
    };
    match of_one_family(addresses) {
        addresses if addresses.is_empty() => Err(io::Error::other("the name has no address")),
        addresses => Ok(addresses),
    }
}

/// A host with an address of each family is one endpoint, not two; services listen on IPv4 unless told otherwise.
fn of_one_family(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    if addresses.iter().any(SocketAddr::is_ipv4) {
        addresses.retain(SocketAddr::is_ipv4);
    }
    addresses
}

/// The endpoints at these addresses. A name that means one place tells more than its address.
fn found(target: &Target, addresses: Vec<SocketAddr>) -> Vec<Found> {
    let alone = addresses.len() == 1;
    let label = |address: SocketAddr| if alone { target.label() } else { address.to_string() };
    let endpoint = |address| Found { origin: target.origin.clone(), address, label: label(address) };
    addresses.into_iter().map(endpoint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::target;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_host_of_both_families_is_one_endpoint() {
        assert_eq!(of_one_family(addresses(&["[::1]:7", "127.0.0.1:7"])), addresses(&["127.0.0.1:7"]));
        assert_eq!(of_one_family(addresses(&["[::1]:7", "[::2]:7"])), addresses(&["[::1]:7", "[::2]:7"]));
    }

    #[test]
    fn a_name_with_several_addresses_is_as_many_endpoints() {
        let target = &target::read("http://registry:7").unwrap()[0];
        let labels = |at: &[&str]| -> Vec<_> {
            found(target, addresses(at)).into_iter().map(|found| found.label).collect()
        };
        assert_eq!(labels(&["10.0.0.1:7"]), ["registry:7"]);
        assert_eq!(labels(&["10.0.0.1:7", "10.0.0.2:7"]), ["10.0.0.1:7", "10.0.0.2:7"]);
    }

    #[test]
    fn the_last_good_answer_counts_while_names_cannot_be_looked_up() {
        let target = &target::read("http://registry:7").unwrap()[0];
        let mut known = Vec::new();
        learn(&mut known, Ok(addresses(&["10.0.0.1:7"])), target);
        learn(&mut known, Err(io::Error::other("no resolver")), target);
        assert_eq!(known, addresses(&["10.0.0.1:7"]));
        learn(&mut known, Ok(addresses(&["10.0.0.2:7"])), target);
        assert_eq!(known, addresses(&["10.0.0.2:7"]));
    }

    #[tokio::test(start_paused = true)]
    async fn names_are_looked_up_again_soon_after_a_loss_but_not_at_once() {
        let (lost, start) = (Notify::new(), Instant::now());
        wait(start, true, &lost).await;
        assert_eq!(start.elapsed().as_secs(), EVERY.as_secs());
        let start = Instant::now();
        lost.notify_one();
        wait(start, true, &lost).await;
        assert_eq!(start.elapsed().as_secs(), AT_MOST_EVERY.as_secs());
        let start = Instant::now();
        wait(start, false, &lost).await;
        assert_eq!(start.elapsed().as_secs(), AT_MOST_EVERY.as_secs(), "a name without an address");
    }
}
