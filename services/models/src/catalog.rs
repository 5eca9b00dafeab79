//! What can be asked, at what price, within which limits, and by which routes: one file, with built-in defaults.
//!
//! The built-in file is read first; an operator's file then changes and adds to it, entry by entry: what it does not
//! name stays. Every mistake is found at once and told with its place. Pure: no file is opened and no variable looked
//! at here.
//!
//! | part | holds |
//! |---|---|
//! | [`provider`] | who is asked: wire, address, the variables that hold its keys |
//! | [`address`] | what a base URL must be |
//! | [`timeouts`] | how long it may take |
//! | [`limits`] | how much it is asked at once and in a minute |
//! | [`model`], [`price`] | what a model holds and costs |
//! | [`family`] | what the routes speak of: models that stand for each other, and what follows when none answers |
//! | [`route`] | which families a task goes to |
//! | [`choice`] | several that could be taken, and by what the first is chosen |
//! | `budgets` | what callers, agents and jobs may ask of models |
//! | `read` | the file; `check` what must hold between its parts; `show` prints it again |

use std::sync::Arc;

use bsm_runtime::diagnostic::{Diagnostic, Findings, Severity, Strictness};
use bsm_runtime::versions::Versioned;
use sha2::{Digest, Sha256};

use crate::budget::Rule;

pub mod address;
mod age;
mod budgets;
mod check;
pub mod choice;
pub mod day;
pub mod family;
pub mod limits;
pub mod model;
mod overrides;
pub mod price;
pub mod provider;
mod read;
pub mod route;
mod show;
#[cfg(test)]
mod tests;
pub mod timeouts;

pub use age::{OldPrices, is_old};
pub use choice::{Choice, Strategy};
pub use day::Day;
pub use family::{Family, Target};
pub use limits::{Limits, Rate};
pub use model::Model;
pub use overrides::Overrides;
pub use price::Price;
pub use provider::Provider;
pub use route::{Cell, Route, Routes};
pub use timeouts::Timeouts;

/// The defaults that are built in.
pub const BUILT_IN: &str = include_str!("catalog/models.yaml");

/// What the built-in file is called where it is named.
pub const BUILT_IN_NAME: &str = "the built-in models.yaml";

/// The file as it is in force. It never changes; an edit makes another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    /// In the order of the file; those that an operator adds come last.
    pub providers: Vec<Provider>,
    /// In the order of the file.
    pub models: Vec<Model>,
    /// In the order of the file.
    pub families: Vec<Family>,
    /// By task.
    pub routes: Routes,
    /// What callers, agents and jobs may ask; an operator's list takes the place of the one before.
    pub budgets: Vec<Rule>,
    version: String,
}

/// Everything that is wrong with a file.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the models file is not usable:\n{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Unusable(pub Vec<Diagnostic>);

// === impl Catalog ===

impl Catalog {
    /// What is built in.
    #[must_use]
    pub fn built_in() -> Catalog {
        let mut findings = Findings::new(BUILT_IN_NAME, BUILT_IN, Strictness::Strict);
        read::catalog(None, &mut findings).expect("the built-in file is usable; a test reads it")
    }

    /// The built-in catalog as an operator's file changes it. `findings` holds the text; warnings are left there.
    ///
    /// # Errors
    /// Everything that is wrong with the file, at once.
    pub fn read(mut findings: Findings) -> Result<(Catalog, Vec<Diagnostic>), Unusable> {
        let catalog = read::catalog(Some(Catalog::built_in()), &mut findings);
        let fatal = findings.is_fatal();
        let found = findings.into_vec();
        match catalog {
            Some(catalog) if !fatal => Ok((catalog, found)),
            _ => Err(Unusable(found.into_iter().filter(|d| d.severity == Severity::Error).collect())),
        }
    }

    /// The same with what the environment says, which is stronger than any file.
    #[must_use]
    pub fn with(mut self, overrides: &Overrides) -> Catalog {
        overrides.apply(&mut self);
        self.sealed()
    }

    /// The whole of it as a file that gives the same again.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        show::yaml(self)
    }

    /// The provider of that name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| &*provider.name == name)
    }

    /// The family of that name.
    #[must_use]
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| &*family.name == name)
    }

    /// What is known of a provider's model.
    #[must_use]
    pub fn model(&self, provider: &str, id: &str) -> Option<&Model> {
        self.models.iter().find(|model| &*model.provider == provider && &*model.id == id)
    }

    /// What a provider's model costs; `None` if nobody said.
    #[must_use]
    pub fn price(&self, provider: &str, model: &str) -> Option<&Price> {
        self.model(provider, model)?.price.as_ref()
    }

    /// The model that a target stands for; `None` if its provider is not in the catalog, or names none.
    #[must_use]
    pub fn model_of<'a>(&'a self, target: &'a Target) -> Option<&'a Arc<str>> {
        target.model.as_ref().or_else(|| self.provider(&target.provider)?.model.as_ref())
    }

    fn sealed(mut self) -> Catalog {
        let hash = Sha256::digest(self.to_yaml().as_bytes());
        self.version = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        self
    }
}

impl Versioned for Catalog {
    fn version(&self) -> &str {
        &self.version
    }
}
