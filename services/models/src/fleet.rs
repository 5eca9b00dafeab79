//! Everybody who can be asked, as one version of the catalog has them; a call keeps the version it began with.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bsm_runtime::process::Process;
use bsm_runtime::reload::{self, Source};
use bsm_runtime::versions::{Versioned, Versions};
use bsm_stack::dice;

use crate::catalog::{self, Catalog};
use crate::config::OpenError;
use crate::error::Error;
use crate::provider::Provider;
use crate::route::{self, Candidate, Landscape, Policy, Question, Sight, Standing};

mod budgets;
mod builder;
mod environment;
mod file;
#[cfg(test)]
mod tests;

pub use budgets::BadBudgets;
pub use builder::Builder;
pub use environment::{blank_keys, overrides};
pub use file::{effective, printed};

/// What is read again, in logs, metrics and health.
const WHAT: &str = "models";

/// Everybody who can be asked as the settings of a process and its models file describe them; where there is a file, again
/// after every edit of it.
///
/// # Errors
/// When they do not make a gateway as they are now. Later, what cannot be used leaves the last good version in force.
pub async fn open(process: &Process) -> Result<Versions<Fleet>, OpenError> {
    let builder = Builder::new(Arc::clone(&process.settings), process.guards.clone());
    let Some(file) = builder.file().cloned() else {
        return Ok(Versions::new(builder.build()?));
    };
    let read = Box::new(move || builder.build());
    reload::open(process, Source { name: WHAT, places: vec![file], read }).await
}

/// The providers of one version of the catalog.
pub struct Fleet {
    /// What is in force.
    catalog: Catalog,
    policy: Policy,
    /// In the order of the catalog; the built-in reviewer last.
    providers: Vec<Provider>,
    /// Those of the catalog who cannot be asked at all with these settings, and why.
    missing: Vec<(Arc<str>, Standing)>,
}

// === impl Fleet ===

impl Fleet {
    /// These providers, the built-in reviewer among them; `missing` are those of the catalog who cannot be asked.
    #[must_use]
    pub fn new(
        catalog: Catalog,
        policy: Policy,
        providers: Vec<Provider>,
        missing: Vec<(Arc<str>, Standing)>,
    ) -> Fleet {
        Fleet { catalog, policy, providers, missing }
    }

    /// What is in force.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Those who can be asked, in the order of the catalog; the built-in reviewer last.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// The provider of that name, if it can be asked at all.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| &**provider.name() == name)
    }

    /// The candidates for a question at this moment, in order.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn candidates(&self, question: &Question<'_>) -> Result<Vec<Candidate>, Error> {
        route::candidates(question, &self.landscape())
    }

    /// The route that a question takes: its task and complexity; empty if it was asked for by name.
    #[must_use]
    pub fn route(&self, question: &Question<'_>) -> String {
        let by_name = question.model.unwrap_or(&self.policy.default_model) != route::AUTO;
        if by_name {
            return String::new();
        }
        let route = self.catalog.routes.of(question.task, question.search);
        format!("{}/{}", route.task, catalog::route::word(question.complexity))
    }

    /// The candidates for vectors at this moment, in order.
    ///
    /// # Errors
    /// When there is no such model, or it makes none.
    pub fn embedders(&self, model: Option<&str>) -> Result<Vec<Candidate>, Error> {
        route::embedders(model, &self.landscape())
    }

    /// What the route knows at this moment.
    #[must_use]
    pub fn landscape(&self) -> Landscape<'_> {
        Landscape { catalog: &self.catalog, policy: &self.policy, sight: self }
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fleet = &mut f.debug_struct("Fleet");
        fleet.field("version", &self.version()).field("providers", &self.providers).finish_non_exhaustive()
    }
}

impl Versioned for Fleet {
    fn version(&self) -> &str {
        self.catalog.version()
    }
}

impl Sight for Fleet {
    fn standing(&self, provider: &str) -> Result<(), Standing> {
        if let Some(provider) = self.provider(provider) {
            return provider.standing();
        }
        let missing = self.missing.iter().find(|(name, _)| &**name == provider);
        Err(missing.map_or(Standing::Spared("it is not in the catalog"), |(_, why)| why.clone()))
    }

    fn open_for(&self, provider: &str, model: &str) -> Option<Duration> {
        self.provider(provider)?.open_for(model)
    }

    fn load(&self, provider: &str, model: &str) -> f64 {
        self.provider(provider).map_or(f64::INFINITY, |provider| provider.load(model))
    }

    fn roll(&self) -> f64 {
        dice::roll()
    }
}
