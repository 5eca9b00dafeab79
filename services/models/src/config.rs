//! From an entry of the catalog to a provider: everything that can be wrong is found here, before any work starts.

use std::sync::Arc;
use std::time::Duration;

use bsm_runtime::guards::Guards;
use bsm_runtime::outside::egress::Refusal;
use bsm_runtime::outside::{
    Declared, Destination, HttpClient, InParts, NoClient, Server, Trust, in_the_clear,
};
use bsm_stack::{HttpClassifier, breaker, bulkhead};
use secrecy::ExposeSecret as _;
use tokio::task::JoinError;
use tracing::warn;
use url::Url;

use crate::catalog;
use crate::catalog::address::{self, BadAddress};
use crate::failure::SHORTEST_SECRET;
use crate::fleet::BadBudgets;
use crate::keys::NamedKey;
use crate::patience::Limits;
use crate::provider::{Parts, Remote, probe_lease};
use crate::route::{Bar, Standing};
use crate::upstream::{Bounds, Upstream};
use crate::usage;
use crate::wire::{self, Dialect, Wire};

#[cfg(test)]
mod tests;

/// Reviews of the built-in reviewer at once, and how many may wait. They take a processor each.
pub(crate) const REVIEWS: bulkhead::Config = bulkhead::Config { max_in_flight: 4, max_queue: 256 };

/// A call at most, where no caller's deadline ends it sooner: a long answer that is read slowly takes its time.
const WHOLE_CALL: Duration = Duration::from_secs(10 * 60);

/// The settings do not make a gateway.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A provider's address is none.
    #[error("the base URL of {provider} {problem}; {}", problem.fix())]
    BaseUrl {
        /// Which provider.
        provider: Arc<str>,
        /// What is wrong; the address itself may hold a password.
        problem: BadAddress,
    },
    /// A provider's address is one that must not be connected to without a word of the operator.
    #[error("{provider} {refusal}")]
    Egress {
        /// Which provider.
        provider: Arc<str>,
        /// Why not, and what to change.
        refusal: Refusal,
    },
    /// The model that a question without one means cannot be asked for.
    #[error("the default model is not usable: {0}")]
    DefaultModel(crate::error::Error),
    /// The usage cannot be opened.
    #[error(transparent)]
    Usage(#[from] usage::OpenError),
    /// The budgets of the settings cannot be kept.
    #[error(transparent)]
    Budgets(#[from] BadBudgets),
    /// The models file cannot be used.
    #[error(transparent)]
    File(#[from] catalog::Unusable),
    /// A variable would move a provider that is not in the catalog.
    #[error("{variable} is set, but there is no such provider; known are {}", known.join(", "))]
    Stray {
        /// Which variable.
        variable: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// Reading the file was cut off, because the process ends.
    #[error("reading the models file was cut off")]
    CutOff(#[from] JoinError),
    /// The HTTP client cannot be made.
    #[error("could not prepare connections to {provider}")]
    Client {
        /// To whom.
        provider: Arc<str>,
        /// Why not.
        source: NoClient,
    },
}

/// A provider about to be made: all that can go wrong has been tried, and nothing is listed yet.
pub(crate) struct Prepared {
    entry: catalog::Provider,
    keys: Vec<NamedKey>,
    wire: Arc<dyn Wire>,
    client: HttpClient,
    base_url: String,
    model: String,
}

// === impl Prepared ===

impl Prepared {
    /// Prepares the provider of an entry with these keys.
    ///
    /// # Errors
    /// [`OpenError`]; inside, what keeps it from being asked at all with these settings.
    pub(crate) fn new(
        entry: &catalog::Provider,
        keys: Vec<NamedKey>,
        guards: &Guards,
    ) -> Result<Result<Prepared, Standing>, OpenError> {
        let (Some(base_url), Some(model), false) = (&entry.base_url, &entry.model, keys.is_empty()) else {
            let missing = missing(entry, !keys.is_empty());
            // An address that is none is told even where it is not used yet.
            if let Some(base_url) = &entry.base_url {
                checked(entry, base_url)?;
            }
            return Ok(Err(Standing::Barred(missing)));
        };
        let url = checked(entry, base_url)?;
        let declared = if entry.local { Declared::Local } else { Declared::ByUrl };
        match guards.egress().may_ask(&url, declared) {
            Ok(()) => {}
            Err(Refusal::Host) => return Ok(Err(not_listed(entry))),
            Err(refusal) => return Err(OpenError::Egress { provider: entry.name.clone(), refusal }),
        }
        let dialect = Dialect { api_version: entry.api_version.clone(), citations: entry.citations };
        let Some(wire) = wire::named(&entry.wire, &dialect) else {
            return Ok(Err(Standing::Spared("its wire is not built in")));
        };
        if !entry.local && in_the_clear(base_url) {
            warn!(provider = &*entry.name, "its keys go over an unencrypted connection; use https");
        }
        let is_short = |key: &NamedKey| key.secret.expose_secret().len() < SHORTEST_SECRET;
        if !entry.local && keys.iter().any(is_short) {
            warn!(
                provider = &*entry.name,
                "a key is shorter than {SHORTEST_SECRET} characters: it is hardly one, and is not masked in messages"
            );
        }
        let trust = if url.scheme() == "http" { Trust::Nobody } else { Trust::System };
        let destination = Destination { name: &entry.name, url: base_url, declared };
        let client = HttpClient::new(destination, entry.timeouts.connect, trust, guards.egress());
        let client = client.map_err(|source| OpenError::Client { provider: entry.name.clone(), source })?;
        let (base_url, model) = (base_url.to_string(), model.to_string());
        Ok(Ok(Prepared { entry: entry.clone(), keys, wire, client, base_url, model }))
    }

    /// The provider, its guards listed.
    pub(crate) fn remote(self, guards: &Guards) -> Remote {
        let Prepared { entry, keys, wire, client, base_url, model } = self;
        let server = InParts::new(server(&entry), client, guards);
        let bounds = Bounds { rate: entry.limits.rate, families: entry.family_limits.clone() };
        let upstream = Upstream::new(server, guards, base_url, &model, bounds);
        let (limits, key_variable) = (Limits::of(entry.timeouts), key_variable(&entry));
        let embeddings = entry.embeddings.as_deref().map(str::to_owned);
        let name = entry.name;
        Remote::new(Parts { name, wire, key_variable, model, embeddings, keys, upstream, limits })
    }
}

/// What an entry without all it needs is told to be missing, the key first.
fn missing(entry: &catalog::Provider, has_key: bool) -> Bar {
    let unset = |what, variable: &Option<Arc<str>>| {
        let variable = variable.clone().unwrap_or_else(|| entry.override_variable().into());
        Bar::Unset { what, variable }
    };
    match entry {
        _ if !has_key => Bar::MissingKey { variable: key_variable(entry) },
        entry if entry.base_url.is_none() => unset("address", &entry.base_url_variable),
        entry => unset("model", &entry.model_variable),
    }
}

/// What a provider is whose host the operator does not list: told once here, because no call will ever tell it.
fn not_listed(entry: &catalog::Provider) -> Standing {
    warn!(provider = &*entry.name, "it has a key and is not asked: its host is not in EGRESS_ALLOWED_HOSTS");
    Standing::Barred(Bar::NotListed)
}

/// The variable to name when there is no key: the one that everybody knows, else the preferred one.
fn key_variable(entry: &catalog::Provider) -> Arc<str> {
    let known = entry.keys.iter().find(|variable| variable.ends_with("_API_KEY"));
    known.or_else(|| entry.keys.first()).cloned().unwrap_or_default()
}

fn checked(entry: &catalog::Provider, base_url: &str) -> Result<Url, OpenError> {
    let provider = entry.name.clone();
    address::read(&entry.wire, base_url).map_err(|problem| OpenError::BaseUrl { provider, problem })
}

fn server(entry: &catalog::Provider) -> Server<HttpClassifier> {
    let whole = entry.timeouts.whole;
    Server {
        name: entry.name.to_string(),
        deadline: WHOLE_CALL.max(whole * 2),
        attempt: whole,
        breaker: breaker_for(whole),
        bulkhead: entry.limits.bulkhead,
        classifier: HttpClassifier,
    }
}

fn breaker_for(timeout: Duration) -> breaker::Config {
    let usual = breaker::Config::provider();
    breaker::Config { probe_lease: usual.probe_lease.max(probe_lease(timeout)), ..usual }
}
