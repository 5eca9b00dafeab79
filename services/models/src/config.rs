//! From settings to a gateway: everything that can be wrong is found here, before any work starts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bsm_runtime::outside::{
    Declared, Destination, HttpClient, InParts, NoClient, Server, Trust, in_the_clear,
};
use bsm_runtime::process::Process;
use bsm_runtime::settings::{ModelSettings, Settings};
use bsm_stack::{HttpClassifier, breaker, bulkhead};
use reqwest::Url;
use tracing::warn;

use crate::catalog::Catalog;
use crate::gateway::{Gateway, Policy};
use crate::keys::NamedKey;
use crate::ledger::{self, Ledger};
use crate::patience::Limits;
use crate::price::Prices;
use crate::provider::{Offline, Parts, Provider, Remote, Row, Site, TABLE, probe_lease};
use crate::upstream::Upstream;

#[cfg(test)]
mod tests;

/// Reviews of the built-in reviewer at once, and how many may wait. They take a processor each.
const REVIEWS: bulkhead::Config = bulkhead::Config { max_in_flight: 4, max_queue: 256 };

/// A call at most, where no caller's deadline ends it sooner: a long answer that is read slowly takes its time.
const WHOLE_CALL: Duration = Duration::from_secs(10 * 60);

/// The settings do not make a gateway.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A provider's address is none.
    #[error("the base URL of {provider} {problem}")]
    BaseUrl {
        /// Which provider.
        provider: Arc<str>,
        /// What is wrong and what would be right; the address itself may hold a password.
        problem: BadAddress,
    },
    /// The model that a question without one means cannot be asked for.
    #[error("the default model is not usable: {0}")]
    DefaultModel(crate::error::Error),
    /// A budget is none, or the usage cannot be opened.
    #[error(transparent)]
    Ledger(#[from] ledger::OpenError),
    /// The HTTP client cannot be made.
    #[error("could not prepare connections to {provider}")]
    Client {
        /// To whom.
        provider: Arc<str>,
        /// Why not.
        source: NoClient,
    },
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAddress {
    /// It cannot be read as a URL.
    Unreadable,
    /// It is neither http nor https.
    Scheme,
    /// It holds a user name or password.
    Credentials,
    /// It holds a query or fragment, behind which no path can follow.
    Query,
}

// === impl Gateway ===

impl Gateway {
    /// The gateway that the settings of a process describe, its guards listed with those of the process. It keeps no
    /// usage.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn of(process: &Process) -> Result<Gateway, OpenError> {
        let settings = &process.settings;
        let remotes = TABLE.iter().map(|row| remote(row, process).map(Box::new).map(Provider::Remote));
        let mut providers = remotes.collect::<Result<Vec<_>, _>>()?;
        providers.push(Provider::Offline(Offline::new(process.guards.bulkhead(Offline::NAME, REVIEWS))));
        let ledger = Ledger::in_memory(
            &ledger::rules(settings).map_err(ledger::OpenError::Rule)?,
            Prices::of_catalog(&Catalog::built_in()),
        );
        let gateway = Gateway::new(providers, policy(settings), ledger);
        gateway.candidates(None).map_err(OpenError::DefaultModel)?;
        Ok(gateway)
    }
}

fn policy(settings: &Settings) -> Policy {
    let ModelSettings { offline, ref default_model, .. } = settings.models;
    Policy { safe_mode: settings.safe_mode, offline, default_model: default_model.clone() }
}

fn remote(row: &'static Row, process: &Process) -> Result<Remote, OpenError> {
    let settings = &process.settings.models;
    let Site { keys, base_url, model } = (row.site)(settings);
    let base_url = base_url.trim_end_matches('/').to_owned();
    let url =
        address(&base_url).map_err(|problem| OpenError::BaseUrl { provider: row.name.into(), problem })?;
    if !keys.is_empty() && in_the_clear(&base_url) {
        warn!(provider = row.name, "its keys go over an unencrypted connection; use https");
    }
    let trust = if keys.is_empty() || url.scheme() == "http" { Trust::Nobody } else { Trust::System };
    let destination = Destination { name: row.name, url: &base_url, declared: Declared::ByUrl };
    let egress = process.guards.egress();
    let client = HttpClient::new(destination, settings.connect_timeout, trust, egress);
    let client = client.map_err(|source| OpenError::Client { provider: row.name.into(), source })?;
    let server = InParts::new(server(row, settings.timeout), client, &process.guards);
    let (upstream, limits) = (Upstream::new(server, base_url, &model), Limits::within(settings.timeout));
    let keys = keys.into_iter().map(NamedKey::from).collect();
    let (name, wire, key_variable) = (row.name.into(), (row.wire)(), row.key_variable.into());
    let embeddings = row.embeddings.map(str::to_owned);
    Ok(Remote::new(Parts { name, wire, key_variable, model, embeddings, keys, upstream, limits }))
}

fn server(row: &Row, timeout: Duration) -> Server<HttpClassifier> {
    Server {
        name: row.name.to_owned(),
        deadline: WHOLE_CALL.max(timeout * 2),
        attempt: timeout,
        breaker: breaker_for(timeout),
        bulkhead: row.bulkhead,
        classifier: HttpClassifier,
    }
}

fn breaker_for(timeout: Duration) -> breaker::Config {
    let usual = breaker::Config::provider();
    breaker::Config { probe_lease: usual.probe_lease.max(probe_lease(timeout)), ..usual }
}

/// An address that paths can be appended to.
pub(crate) fn address(base_url: &str) -> Result<Url, BadAddress> {
    let url = Url::parse(base_url).map_err(|_| BadAddress::Unreadable)?;
    match &url {
        url if !matches!(url.scheme(), "http" | "https") => Err(BadAddress::Scheme),
        url if !url.username().is_empty() || url.password().is_some() => Err(BadAddress::Credentials),
        url if url.query().is_some() || url.fragment().is_some() => Err(BadAddress::Query),
        _ => Ok(url),
    }
}

// === impl BadAddress ===

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadAddress::Unreadable => "cannot be read; it must look like https://api.example.com/v1",
            BadAddress::Scheme => "must begin with https:// or http://",
            BadAddress::Credentials => {
                "must not hold a user name or password; set the provider's key instead"
            }
            BadAddress::Query => "must not hold a query or fragment; paths are appended to it",
        })
    }
}
