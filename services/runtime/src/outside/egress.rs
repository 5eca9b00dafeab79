//! Whom this process may talk to outside of the mesh, decided when it connects.
//!
//! Two questions, both of which must be answered with yes:
//!
//! 1. *May this host be asked?* Only hosts that the operator's own settings name are ever asked. If `EGRESS_ALLOWED_HOSTS`
//!    names any, only those, unless `EGRESS_POLICY` is `allow_all`. What does not leave this machine is no egress.
//! 2. *May this address be connected to?* A public one may. One of this machine or of a private network may only where
//!    the operator says so: the URL names the address itself, `localhost` or a name that cannot be public (without a dot,
//!    or under `.local`, `.internal`, `.lan`, `.home.arpa`), the provider is declared `local`, or the address is in a
//!    network of `EGRESS_ALLOWED_HOSTS`. Link-local addresses need such a network. Those under which clouds hand out
//!    credentials, and those that are nobody's, never may.
//!
//! The second is asked about what a name leads to *now*, and the connection goes to an address that was looked at: a
//! name that changes its mind in between gains nothing.

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use url::Url;

mod allowed;
mod reach;
#[cfg(test)]
mod tests;
mod witness;

pub use allowed::{Allowed, NotAllowable};
pub use reach::Reach;
pub use witness::KeptIn;
use witness::Witness;

/// Who may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// Those that are listed; without a list, those that the settings name.
    #[default]
    DenyByDefault,
    /// All that the settings name, listed or not.
    AllowAll,
}

/// What the operator decides.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Who may be asked.
    pub policy: Policy,
    /// Hosts, and networks whose addresses may be connected to; empty: nothing is listed.
    pub allowed: Vec<Allowed>,
}

/// Why a request was not sent. In words without a subject, and without addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The host is not listed.
    #[error("is not asked: its host is not in EGRESS_ALLOWED_HOSTS")]
    Host,
    /// The address must not be connected to.
    #[error("is not asked: its host leads to {0}")]
    Address(Reach),
    /// The request is for another server than the one that this way, and the key on it, is for.
    #[error("is not asked: the request is for another server than its key")]
    Origin,
}

/// What the operator says about one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// Nothing beyond its URL.
    ByUrl,
    /// It may have a private address.
    Local,
}

/// The rules, and how often they kept something in. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    rules: Arc<Rules>,
    refused: Arc<Mutex<Counts>>,
    witness: Witness,
}

/// By whom they were for, and the word for the reason.
type Counts = BTreeMap<(Arc<str>, &'static str), u64>;

/// A host as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    Address(IpAddr),
    /// In lower case, without a dot at its end.
    Name(String),
}

// === impl Refusal ===

impl Refusal {
    /// The word for it on the metrics page.
    pub const fn label(self) -> &'static str {
        match self {
            Refusal::Host => "host",
            Refusal::Address(_) => "address",
            Refusal::Origin => "origin",
        }
    }
}

// === impl Rules ===

impl Rules {
    /// Whether a host may be asked at all. An address is looked at here as well, because nobody resolves it later.
    pub(super) fn host(&self, host: &Host, declared: Declared) -> Result<(), Refusal> {
        if let Some(reach) = host.never() {
            return Err(Refusal::Address(reach));
        }
        if !self.lists(host) {
            return Err(Refusal::Host);
        }
        match host {
            Host::Address(address) => self.address(host, declared, *address),
            Host::Name(_) => Ok(()),
        }
    }

    /// Whether an address may be connected to, to which this host leads.
    pub(super) fn address(&self, host: &Host, declared: Declared, address: IpAddr) -> Result<(), Refusal> {
        let reach = Reach::of(address);
        let may = match reach {
            Reach::Public => true,
            Reach::Loopback | Reach::Private => {
                declared == Declared::Local || host.may_be(reach) || self.holds(address)
            }
            Reach::LinkLocal => self.holds(address),
            Reach::Metadata | Reach::Nobody => false,
        };
        if may { Ok(()) } else { Err(Refusal::Address(reach)) }
    }

    fn lists(&self, host: &Host) -> bool {
        self.policy == Policy::AllowAll
            || self.allowed.is_empty()
            || host.is_this_machine()
            || self.allowed.iter().any(|allowed| allowed.lists(host))
    }

    fn holds(&self, address: IpAddr) -> bool {
        self.allowed.iter().any(|allowed| allowed.holds(address))
    }
}

// === impl Host ===

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Address(address) => address.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

impl Host {
    pub(super) fn of(text: &str) -> Host {
        let bare = text.trim_matches(['[', ']']);
        match bare.parse::<IpAddr>() {
            Ok(address) => Host::Address(address.to_canonical()),
            Err(_) => Host::Name(bare.trim_end_matches('.').to_ascii_lowercase()),
        }
    }

    /// Why no rule can allow this host, as far as it can be told without resolving its name.
    fn never(&self) -> Option<Reach> {
        let reach = match self {
            Host::Address(address) => Reach::of(*address),
            Host::Name(name) if reach::is_metadata_name(name) => Reach::Metadata,
            Host::Name(_) => return None,
        };
        matches!(reach, Reach::Metadata | Reach::Nobody).then_some(reach)
    }

    fn is_this_machine(&self) -> bool {
        match self {
            Host::Address(address) => Reach::of(*address) == Reach::Loopback,
            Host::Name(name) => is_localhost(name),
        }
    }

    /// Whether naming this host is to say that it has such an address.
    fn may_be(&self, reach: Reach) -> bool {
        match self {
            Host::Address(_) => true,
            Host::Name(name) if is_localhost(name) => reach == Reach::Loopback,
            Host::Name(name) => cannot_be_public(name),
        }
    }
}

/// Why a server can never be asked, whatever the operator allows: its host is a cloud's metadata service, by address or by
/// name, or an address that no server has. `None` if rules decide.
pub fn never_asked(url: &Url) -> Option<Reach> {
    Host::of(url.host_str().unwrap_or_default()).never()
}

fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Names that the public DNS does not have: those without a dot, and domains set aside for networks of one's own.
fn cannot_be_public(name: &str) -> bool {
    const OWN: [&str; 4] = [".local", ".internal", ".lan", ".home.arpa"];
    !name.contains('.') || OWN.iter().any(|domain| name.ends_with(domain))
}

// === impl Egress ===

impl Egress {
    /// These rules, and nothing kept in so far.
    pub fn new(rules: Rules) -> Egress {
        Egress { rules: Arc::new(rules), ..Egress::default() }
    }

    /// Whether a server may be asked, as far as that is known before its name is resolved. Counts nothing.
    ///
    /// # Errors
    /// The [`Refusal`] that each request to it would meet.
    pub fn may_ask(&self, url: &Url, declared: Declared) -> Result<(), Refusal> {
        self.rules.host(&Host::of(url.host_str().unwrap_or_default()), declared)
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How often requests to whom were kept in, and why.
    pub fn refusals(&self) -> Vec<(Arc<str>, &'static str, u64)> {
        self.counts().iter().map(|((to, why), count)| (to.clone(), *why, *count)).collect()
    }

    /// Tells of what is kept in from now on, once a minute for each host and reason; the first to ask is told.
    pub fn tell(&self, teller: impl Fn(KeptIn) + Send + Sync + 'static) {
        self.witness.is(teller);
    }

    /// Counts a request to this server that was kept in, and tells of it.
    pub(super) fn count(&self, to: &Arc<str>, host: &Host, refusal: Refusal) {
        *self.counts().entry((to.clone(), refusal.label())).or_default() += 1;
        self.witness.tell(to, host, refusal);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner) // a count is never half-made
    }
}
