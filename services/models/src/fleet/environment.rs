//! What the environment says: keys, addresses and models of providers, by the variables that the catalog names.

use std::sync::Arc;

use bsm_runtime::settings::{ModelSettings, Variables};
use secrecy::{ExposeSecret, SecretString};

use crate::catalog::{Catalog, Overrides, Provider};
use crate::keys::NamedKey;
use crate::provider::KEYLESS;

/// What is set beside the file, for the providers of this catalog.
#[must_use]
pub fn overrides(settings: &ModelSettings, catalog: &Catalog) -> Overrides {
    let mut overrides =
        Overrides { connect: settings.connect_timeout, whole: settings.timeout, ..Overrides::default() };
    for provider in &catalog.providers {
        let name = &provider.name;
        let said = Said { settings, provider };
        overrides.base_urls.extend(said.base_url().map(|url| (name.clone(), url)));
        overrides.models.extend(said.model().map(|model| (name.clone(), model)));
        overrides.citations.extend(said.citations().map(|citations| (name.clone(), citations)));
    }
    overrides
}

/// The keys of a provider, the preferred one first. One that may be asked without any has a word in their place.
pub(super) fn keys(settings: &ModelSettings, provider: &Provider) -> Vec<NamedKey> {
    if &*provider.name == "openai" && !settings.openai_keys.is_empty() {
        let named = |secret: &SecretString| NamedKey {
            variable: holder(&settings.variables, provider, secret).unwrap_or_default(),
            secret: secret.clone(),
        };
        return settings.openai_keys.iter().map(named).collect();
    }
    let held = |variable: &Arc<str>| {
        let secret = settings.variables.get(variable)?;
        Some(NamedKey { variable: Arc::clone(variable), secret })
    };
    let keys: Vec<NamedKey> = provider.keys.iter().filter_map(held).collect();
    if keys.is_empty() && provider.local {
        return vec![NamedKey { variable: Arc::default(), secret: KEYLESS.into() }];
    }
    keys
}

/// The variable of a provider that holds this key; `None` when it came from a file or the command line.
fn holder(variables: &Variables, provider: &Provider, key: &SecretString) -> Option<Arc<str>> {
    let holds = |variable: &&Arc<str>| {
        variables.get(variable).is_some_and(|held| held.expose_secret() == key.expose_secret())
    };
    provider.keys.iter().find(holds).cloned()
}

/// The variables for keys that are set and hold none: what was to fill them in did not.
#[must_use]
pub fn blank_keys(variables: &Variables, catalog: &Catalog) -> Vec<Arc<str>> {
    let all = catalog.providers.iter().flat_map(|provider| &provider.keys);
    let mut blank: Vec<Arc<str>> = all.filter(|variable| variables.is_blank(variable)).cloned().collect();
    blank.dedup();
    blank
}

/// What is said of one provider.
struct Said<'a> {
    settings: &'a ModelSettings,
    provider: &'a Provider,
}

// === impl Said ===

impl Said<'_> {
    fn base_url(&self) -> Option<Arc<str>> {
        let of_settings = self.settings.openai_base_url.as_deref().filter(|_| self.is("openai"));
        let variables = &self.settings.variables;
        let moved =
            of_settings.map(Arc::from).or_else(|| plain(variables, &self.provider.override_variable()));
        moved.or_else(|| plain(variables, self.provider.base_url_variable.as_deref()?))
    }

    fn model(&self) -> Option<Arc<str>> {
        let ModelSettings { openai_model, perplexity_model, variables, .. } = self.settings;
        let openai = openai_model.as_deref().filter(|_| self.is("openai"));
        let of_settings = openai.or_else(|| perplexity_model.as_deref().filter(|_| self.is("perplexity")));
        of_settings.map(Arc::from).or_else(|| plain(variables, self.provider.model_variable.as_deref()?))
    }

    fn citations(&self) -> Option<bool> {
        self.settings.perplexity_citations.filter(|_| self.is("perplexity"))
    }

    fn is(&self, name: &str) -> bool {
        &*self.provider.name == name
    }
}

/// A variable that holds no secret.
fn plain(variables: &Variables, name: &str) -> Option<Arc<str>> {
    variables.get(name).map(|value| value.expose_secret().trim().into())
}
