//! What the environment says: keys, addresses and models of providers, by the variables that the catalog names.

use std::sync::Arc;

use bsm_runtime::settings::{ModelSettings, Variables};
use secrecy::ExposeSecret;

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
        return settings.openai_keys.iter().cloned().map(NamedKey::from).collect();
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
