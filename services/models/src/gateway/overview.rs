//! What can be asked, and who could answer now; asks no one.

use std::sync::Arc;
use std::time::Duration;

use bsm_stack::breaker::State;

use super::Gateway;
use crate::keys::KeyLine;
use crate::provider::Provider;
use crate::route::{AUTO, Landscape, OFFLINE, Remote, Standing};

/// A model that can be asked for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelLine {
    /// What to ask for.
    pub id: String,
    /// Who answers; empty where the route decides.
    pub provider: Arc<str>,
    /// The model's own name, or what it is.
    pub name: String,
}

/// A provider, and whether it could be asked for its configured model now. Never names a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLine {
    /// Its name.
    pub name: Arc<str>,
    /// Why a question could not be sent to it now; `None` if it could.
    pub obstacle: Option<String>,
    /// How many keys are configured.
    pub keys: usize,
    /// What each of them is doing; never a key.
    pub key_lines: Vec<KeyLine>,
    /// Of the configured model's family: `CLOSED`, `OPEN` or `HALF_OPEN`; empty where there is no breaker.
    pub breaker: &'static str,
}

// === impl Gateway ===

impl Gateway {
    /// The models that can be asked for by name: the route, the built-in reviewer, and those of providers with keys.
    #[must_use]
    pub fn models(&self) -> Vec<ModelLine> {
        let line = |id: &str, provider: &str, name: &str| ModelLine {
            id: id.to_owned(),
            provider: provider.into(),
            name: name.to_owned(),
        };
        let remotes = self.providers.iter().filter_map(|provider| match provider {
            Provider::Remote(remote) if remote.keys().configured > 0 => {
                Some(line(&format!("{}/{}", remote.name(), remote.model()), remote.name(), remote.model()))
            }
            Provider::Remote(_) | Provider::Offline(_) => None,
        });
        let built_in = [line(AUTO, "", "by route"), line(OFFLINE, OFFLINE, "the built-in reviewer")];
        built_in.into_iter().chain(remotes).collect()
    }

    /// The providers, whether they can be asked by name now.
    #[must_use]
    pub fn providers(&self) -> Vec<ProviderLine> {
        let land = self.landscape();
        self.providers.iter().map(|provider| provider.line(&land)).collect()
    }
}

// === impl Provider ===

impl Provider {
    /// How it looks to the route; `None` for the built-in reviewer, which is always there.
    pub(super) fn standing(&self) -> Option<Remote> {
        let Provider::Remote(remote) = self else { return None };
        Some(Remote {
            provider: Arc::clone(remote.name()),
            model: remote.model().to_owned(),
            embeddings: remote.embeddings().map(str::to_owned),
            key_variable: Arc::clone(remote.key_variable()),
            key: remote.key_standing(),
        })
    }

    /// How long the breaker of a model's family still refuses; `None` when calls flow.
    pub(super) fn open_for(&self, model: &str) -> Option<Duration> {
        match self {
            Provider::Remote(remote) => remote.open_for(model),
            Provider::Offline(_) => None,
        }
    }

    fn line(&self, land: &Landscape) -> ProviderLine {
        let obstacle = self.standing().and_then(|remote| {
            let open_for = self.open_for(&remote.model);
            match remote.standing("", land).unless_open(open_for) {
                Standing::Eligible(_) => None,
                other => Some(other.to_string()),
            }
        });
        let breaker = match self {
            Provider::Remote(remote) => state_name(remote.circuit(remote.model())),
            Provider::Offline(_) => "",
        };
        let key_lines = match self {
            Provider::Remote(remote) => remote.key_lines(),
            Provider::Offline(_) => Vec::new(),
        };
        let name = Arc::clone(self.name());
        ProviderLine { name, obstacle, keys: self.keys().configured, key_lines, breaker }
    }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Closed => "CLOSED",
        State::Open => "OPEN",
        State::HalfOpen => "HALF_OPEN",
    }
}
