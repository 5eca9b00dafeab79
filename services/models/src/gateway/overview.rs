//! What can be asked, and who could answer now; asks no one.

use std::sync::Arc;

use bsm_stack::breaker::State;

use super::Gateway;
use crate::ask::{self, Hints, Violation};
use crate::catalog::{self, Family, Model};
use crate::error::Error;
use crate::fleet::Fleet;
use crate::keys::KeyLine;
use crate::provider::Provider;
use crate::route::{self, AUTO, Candidate, OFFLINE, Question, Standing};

/// What a family is called beside its name.
const OF_A_FAMILY: &str = "a family of models";

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
    /// The models that can be asked for by name: the route, the built-in reviewer, the families that somebody could
    /// answer for, and the models of providers with keys.
    #[must_use]
    pub fn models(&self) -> Vec<ModelLine> {
        let fleet = self.fleet();
        built_in().into_iter().chain(families(&fleet)).chain(of_providers(&fleet)).collect()
    }

    /// What a name stands for that questions may ask for: one of [`models`](Self::models), or a shorter or longer name.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no name, [`Error::UnknownModel`], or why nobody could answer to it.
    pub fn model(&self, name: &str) -> Result<ModelLine, Error> {
        ask::model_name(name).map_err(|problem| Error::Invalid(vec![Violation::new("name", problem)]))?;
        let fleet = self.fleet();
        if let Some(line) = built_in().into_iter().find(|line| line.id == name) {
            return Ok(line);
        }
        let hints = Hints::default();
        let by_words = fleet.candidates(&Question::about(Some(name), &hints, false));
        let found = by_words.or_else(|unknown| fleet.embedders(Some(name)).map_err(|_| unknown))?;
        match found.iter().find(|candidate| fleet.provider(&candidate.provider).is_some()) {
            Some(candidate) => Ok(shown(name, candidate)),
            None => Err(route::check(&found).err().unwrap_or_else(|| route::unknown(name, fleet.catalog()))),
        }
    }

    /// The providers, whether they can be asked by name now.
    #[must_use]
    pub fn providers(&self) -> Vec<ProviderLine> {
        let fleet = self.fleet();
        let listed = fleet.catalog().providers.iter().map(|entry| provider_line(entry, &fleet));
        let offline = ProviderLine {
            name: OFFLINE.into(),
            obstacle: None,
            keys: 0,
            key_lines: Vec::new(),
            breaker: "",
        };
        listed.chain([offline]).collect()
    }

    /// The models and what they cost, in the order of the catalog.
    #[must_use]
    pub fn prices(&self) -> Vec<Model> {
        self.fleet().catalog().models.clone()
    }
}

fn built_in() -> [ModelLine; 2] {
    [line(AUTO, "", "by route"), line(OFFLINE, OFFLINE, "the built-in reviewer")]
}

/// Who answers to a family's name is decided anew with each question.
fn shown(name: &str, candidate: &Candidate) -> ModelLine {
    match candidate.place.family() {
        "" => line(name, &candidate.provider, &candidate.model),
        _ => line(name, "", OF_A_FAMILY),
    }
}

fn line(id: &str, provider: &str, name: &str) -> ModelLine {
    ModelLine { id: id.to_owned(), provider: provider.into(), name: name.to_owned() }
}

fn families(fleet: &Fleet) -> Vec<ModelLine> {
    let served =
        |family: &&Family| family.models.items().any(|target| fleet.provider(&target.provider).is_some());
    let families = fleet.catalog().families.iter().filter(served);
    families.map(|family| line(&family.name, "", OF_A_FAMILY)).collect()
}

/// Of each provider with a key its own model, then those of the catalog.
fn of_providers(fleet: &Fleet) -> Vec<ModelLine> {
    let mut lines: Vec<ModelLine> = Vec::new();
    for entry in fleet.catalog().providers.iter().filter(|entry| fleet.provider(&entry.name).is_some()) {
        let of_entry = fleet.catalog().models.iter().filter(|model| model.provider == entry.name);
        for id in entry.model.iter().chain(of_entry.map(|model| &model.id)) {
            let name = format!("{}/{id}", entry.name);
            if !lines.iter().any(|line| line.id == name) {
                lines.push(line(&name, &entry.name, id));
            }
        }
    }
    lines
}

fn provider_line(entry: &catalog::Provider, fleet: &Fleet) -> ProviderLine {
    let model = entry.model.as_deref().unwrap_or_default();
    let obstacle = match fleet.landscape().standing(&entry.name, model) {
        Standing::Eligible => None,
        other => Some(other.to_string()),
    };
    let asked = fleet.provider(&entry.name);
    let breaker = match asked {
        Some(Provider::Remote(remote)) => state_name(remote.circuit(model)),
        Some(Provider::Offline(_)) | None => "",
    };
    let keys = asked.map_or(0, |asked| asked.keys().configured);
    let key_lines = match asked {
        Some(Provider::Remote(remote)) => remote.key_lines(),
        Some(Provider::Offline(_)) | None => Vec::new(),
    };
    ProviderLine { name: Arc::clone(&entry.name), obstacle, keys, key_lines, breaker }
}

const fn state_name(state: State) -> &'static str {
    match state {
        State::Closed => "CLOSED",
        State::Open => "OPEN",
        State::HalfOpen => "HALF_OPEN",
    }
}
