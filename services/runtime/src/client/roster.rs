//! Who an edge calls at the moment: makes the guards of an endpoint that was found, and takes them off the lists of
//! operators when it is gone.

use std::{net::SocketAddr, sync::Arc};

use bsm_stack::balance::{Endpoint, WeakEndpoints};
use http::Uri;

use crate::guards::Guards;

/// An endpoint that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// What it is told that it is called.
    pub(super) origin: Uri,
    /// Where it is.
    pub(super) address: SocketAddr,
    /// What tells it from the others.
    pub(super) label: String,
}

/// The endpoints of an edge, and how to make more of them.
pub(super) struct Roster<S> {
    edge: String,
    guards: Guards,
    endpoints: WeakEndpoints<S>,
    make: Make<S>,
    listed: Vec<(Found, Arc<Endpoint<S>>)>,
}

/// Makes the endpoint of that name.
type Make<S> = Box<dyn Fn(&str, &Found, Company) -> Arc<Endpoint<S>> + Send + Sync>;

/// Whether an endpoint is the only one, when it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    Alone,
    OneOfSeveral,
}

/// The edge is not used any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unused;

// === impl Roster ===

impl<S> Roster<S> {
    pub(super) fn new(edge: String, guards: Guards, endpoints: WeakEndpoints<S>, make: Make<S>) -> Roster<S> {
        Roster { edge, guards, endpoints, make, listed: Vec::new() }
    }

    /// These are the endpoints from now on. Those that were there before keep their guards and connections.
    pub(super) fn update(&mut self, mut found: Vec<Found>) -> Result<(), Unused> {
        let endpoints = self.endpoints.upgrade().ok_or(Unused)?;
        found.sort_by_key(|found| found.address);
        found.dedup_by_key(|found| found.address);
        let (stay, gone) = self.listed.drain(..).partition(|(old, _)| is_among(&found, old));
        self.listed = stay;
        for (_, endpoint) in gone {
            self.guards.unlist(endpoint.name()); // before its name is used again
        }
        let company = if found.len() == 1 { Company::Alone } else { Company::OneOfSeveral };
        for found in found {
            if !self.listed.iter().any(|(old, _)| old.address == found.address) {
                let name = self.name(&found, company);
                let endpoint = (self.make)(&name, &found, company);
                self.listed.push((found, endpoint));
            }
        }
        endpoints.set(self.listed.iter().map(|(_, endpoint)| Arc::clone(endpoint)).collect());
        Ok(())
    }

    /// The edge's own name while there is one endpoint; who it is, where there are several.
    fn name(&self, found: &Found, company: Company) -> String {
        match company {
            Company::Alone => self.edge.clone(),
            Company::OneOfSeveral => format!("{} {}", self.edge, found.label),
        }
    }
}

fn is_among(found: &[Found], old: &Found) -> bool {
    found.iter().any(|found| found.address == old.address && found.origin == old.origin)
}

#[cfg(test)]
mod tests {
    use bsm_stack::{balance::Endpoints, breaker};

    use super::*;

    fn found(port: u16) -> Found {
        let address = SocketAddr::from(([10, 0, 0, 1], port));
        Found { origin: Uri::from_static("http://registry"), address, label: address.to_string() }
    }

    fn roster(guards: &Guards) -> (Endpoints<()>, Roster<()>) {
        let endpoints = Endpoints::new();
        let listing = guards.clone();
        let make = Box::new(move |name: &str, _: &Found, _| {
            listing.breaker(name, breaker::Config::internal());
            Endpoint::new(name, ())
        });
        let roster = Roster::new("a->b".to_owned(), guards.clone(), endpoints.downgrade(), make);
        (endpoints, roster)
    }

    fn listed(guards: &Guards) -> Vec<String> {
        guards.breakers().iter().map(|breaker| breaker.name.to_string()).collect()
    }

    #[test]
    fn one_endpoint_is_called_as_the_edge_and_several_by_their_addresses() {
        let guards = Guards::default();
        let (_keep, mut roster) = roster(&guards);
        roster.update(vec![found(1)]).unwrap();
        assert_eq!(listed(&guards), ["a->b"]);
        roster.update(vec![found(2), found(3)]).unwrap();
        assert_eq!(listed(&guards), ["a->b 10.0.0.1:2", "a->b 10.0.0.1:3"]);
    }

    #[test]
    fn who_is_gone_leaves_the_lists_and_who_stays_keeps_its_guards() {
        let guards = Guards::default();
        let (endpoints, mut roster) = roster(&guards);
        roster.update(vec![found(1), found(2), found(2)]).unwrap();
        let stays = Arc::clone(&endpoints.get()[1]);
        roster.update(vec![found(2), found(3)]).unwrap();
        assert_eq!(listed(&guards), ["a->b 10.0.0.1:2", "a->b 10.0.0.1:3"]);
        assert!(Arc::ptr_eq(&endpoints.get()[0], &stays));
    }

    #[test]
    fn an_edge_that_nobody_uses_is_not_kept_up() {
        let guards = Guards::default();
        let (endpoints, mut roster) = roster(&guards);
        drop(endpoints);
        assert_eq!(roster.update(vec![found(1)]), Err(Unused));
        assert!(listed(&guards).is_empty());
    }
}
