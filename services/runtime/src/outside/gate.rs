//! The gate of one way out: which requests pass, and which addresses its name may lead to.

use std::{error::Error, fmt, io, net::IpAddr, sync::Arc};

use bsm_stack::classify::Withheld;
use futures_util::{FutureExt as _, future::BoxFuture};
use http::Uri;
use tokio::net::lookup_host;
use tower::BoxError;
use tracing::warn;
use url::Url;

use super::{
    address::{self, Address, NoUrl},
    egress::{Declared, Egress, Host, Refusal},
};

/// How names become addresses.
pub(super) type Lookup = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync;

/// A server outside of the mesh, and what the operator says about it.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// What it is called in the log and on the metrics page, e.g. `openai`.
    pub name: &'a str,
    /// Its base URL, or any other on it: requests to other origins are refused.
    pub url: &'a str,
    /// What the operator says about it.
    pub declared: Declared,
}

/// Lets through what is for one server, as far as the rules allow. Clones share it.
#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    /// `None` if the URL is none, so that nothing passes.
    url: Option<Url>,
    host: Host,
    declared: Declared,
    egress: Egress,
    lookup: Box<Lookup>,
}

// === impl Gate ===

impl Gate {
    pub(super) fn new(destination: Destination<'_>, egress: &Egress, lookup: Box<Lookup>) -> Gate {
        let Destination { name, url, declared } = destination;
        let url = Url::parse(url).ok();
        let host = Host::of(url.as_ref().and_then(Url::host_str).unwrap_or_default());
        Gate(Arc::new(Inner { name: name.into(), url, host, declared, egress: egress.clone(), lookup }))
    }

    /// Where a request may go, as far as that is known before its name is resolved.
    ///
    /// # Errors
    /// [`NoUrl`], or a [`Withheld`] [`Refusal`], which is counted and logged.
    pub(super) fn passes(&self, uri: Uri) -> Result<Address, BoxError> {
        let Inner { host, declared, egress, url: own, .. } = &*self.0;
        let (address, is_own) = match own {
            Some(own) if address::is_plainly_below(own, &uri) => (Address { uri, user: None }, true),
            _ => {
                let url = Url::parse(&uri.to_string()).map_err(|_| NoUrl)?;
                let is_own = own.as_ref().is_some_and(|own| is_same_origin(own, &url));
                (Address::of(url)?, is_own)
            }
        };
        let verdict = if is_own { egress.rules().host(host, *declared) } else { Err(Refusal::Origin) };
        verdict.map(|()| address).map_err(|refusal| self.refuse(refusal))
    }

    /// Where the name leads now. One address that must not be connected to spoils them all: a name that mixes them is
    /// not to be trusted.
    pub(super) async fn addresses(self, name: String) -> Result<Vec<IpAddr>, BoxError> {
        let addresses = (self.0.lookup)(name).await?;
        let Inner { host, declared, egress, .. } = &*self.0;
        let rules = egress.rules();
        let verdict = addresses.iter().try_for_each(|address| rules.address(host, *declared, *address));
        verdict.map_err(|refusal| self.refuse(refusal))?;
        Ok(addresses)
    }

    fn refuse(&self, refusal: Refusal) -> BoxError {
        let Inner { name, host, egress, .. } = &*self.0;
        egress.count(name, host, refusal);
        warn!(to = %name, reason = refusal.label(), "the egress policy keeps a request in: {name} {refusal}");
        Withheld(refusal.into()).into()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("to", &self.0.name).finish_non_exhaustive()
    }
}

/// The machine's own way.
pub(super) fn system(name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
    async move { Ok(lookup_host((name, 0)).await?.map(|found| found.ip()).collect()) }.boxed()
}

/// The refusal that an error comes from, if it does.
pub(super) fn refusal(error: &(dyn Error + 'static)) -> Option<Refusal> {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.find_map(|cause| cause.downcast_ref().copied())
}

fn is_same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}
