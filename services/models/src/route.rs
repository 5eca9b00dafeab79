//! Which candidates a question goes to, in order, and why others are passed over. Pure; asks no one.

use std::sync::Arc;
use std::time::Duration;

use bsm_runtime::settings::OfflineUse;

use crate::error::Error;
use crate::failure::Kind;
use crate::keys::NoKey;

#[cfg(test)]
mod tests;

/// The name that stands for the route.
pub const AUTO: &str = "auto";
/// The name of the built-in reviewer.
pub const OFFLINE: &str = "offline";
/// Characters of a model's name that are repeated to the caller.
const SHOWN: usize = 128;

/// What the route knows at one moment.
#[derive(Clone, Debug)]
pub struct Landscape {
    /// No provider but `offline`.
    pub safe_mode: bool,
    /// When the route may end at the built-in reviewer.
    pub offline: OfflineUse,
    /// What a question without a model means.
    pub default_model: String,
    /// The providers outside of this process, in order of preference.
    pub remotes: Vec<Remote>,
}

/// A provider outside of this process at one moment.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Its name.
    pub provider: Arc<str>,
    /// The model it is asked for when none is named.
    pub model: String,
    /// The model it is asked for vectors when none is named; `None` if it makes none.
    pub embeddings: Option<String>,
    /// The environment variable that gives it a key.
    pub key_variable: Arc<str>,
    /// Whether it has a key that can be used now.
    pub key: Result<(), NoKey>,
}

/// A provider and a model that could answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The provider's name.
    pub provider: Arc<str>,
    /// The model to ask it for.
    pub model: String,
    /// Whether it is tried, and why not.
    pub standing: Standing,
}

/// Whether a candidate is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Eligible(&'static str),
    /// Not now: the provider itself says so, and will say otherwise before long.
    Resting(Resting),
    /// Not with these settings: somebody would have to change them.
    Barred(Bar),
    /// Not with these settings: others are meant to answer.
    Spared(&'static str),
}

/// What keeps a provider from being asked for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resting {
    /// The breaker of the model's family is open.
    CircuitOpen {
        /// When the next probe may go out.
        retry_in: Duration,
    },
    /// All its keys rest.
    Keys {
        /// Why the one that comes back first rests.
        why: Kind,
        /// When it comes back.
        retry_in: Duration,
    },
}

/// What in the settings keeps a provider from being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Safe mode is on.
    SafeMode,
    /// It has no key.
    MissingKey {
        /// The environment variable that would give it one.
        variable: Arc<str>,
    },
}

/// The candidates for a model's name, in order; never empty.
///
/// # Errors
/// [`Error::UnknownModel`].
pub fn candidates(model: Option<&str>, land: &Landscape) -> Result<Vec<Candidate>, Error> {
    let name = model.unwrap_or(&land.default_model);
    if name == AUTO {
        return Ok(auto(land));
    }
    if name == OFFLINE {
        return Ok(vec![offline(Standing::Eligible("asked for by name"))]);
    }
    let (remote, model) = named(name, land).ok_or_else(|| unknown(name, land))?;
    Ok(vec![remote.candidate(model, "asked for by name", land)])
}

/// The candidates for vectors, in order; never empty. Without a model it is the route: what the settings name as the
/// default is a model for answers.
///
/// # Errors
/// [`Error::UnknownModel`], or [`Error::NoEmbeddings`] if whoever is asked for makes none.
pub fn embedders(model: Option<&str>, land: &Landscape) -> Result<Vec<Candidate>, Error> {
    let name = model.unwrap_or(AUTO);
    let with_vectors = |remote: &Remote| {
        let model = remote.embeddings.clone()?;
        Some(Remote { model, ..remote.clone() })
    };
    let remotes: Vec<Remote> = land.remotes.iter().filter_map(with_vectors).collect();
    if name == OFFLINE || remotes.is_empty() {
        return Err(Error::NoEmbeddings { name: name.to_owned() });
    }
    let embedders = Landscape { offline: OfflineUse::Never, remotes, ..land.clone() };
    candidates(Some(name), &embedders).map_err(|unknown| match candidates(Some(name), land) {
        Ok(_) => Error::NoEmbeddings { name: name.to_owned() },
        Err(_) => unknown,
    })
}

/// Whether a candidate is worth trying: one that rests is, because it knows best when it is back.
///
/// # Errors
/// What bars the first of them, if the settings leave none.
pub fn check(candidates: &[Candidate]) -> Result<(), Error> {
    let mut barred = None;
    for Candidate { provider, standing, .. } in candidates {
        match standing {
            Standing::Eligible(_) | Standing::Resting(_) => return Ok(()),
            Standing::Barred(bar) => barred = barred.or(Some((provider, bar))),
            Standing::Spared(_) => {}
        }
    }
    match barred {
        Some((provider, Bar::MissingKey { variable })) => {
            Err(Error::MissingKey { provider: provider.clone(), variable: variable.clone() })
        }
        Some((provider, Bar::SafeMode)) => Err(Error::SafeMode { provider: provider.clone() }),
        None => Ok(()), // spared for the sake of others, who are not barred
    }
}

/// Every provider in its order, and the built-in reviewer at the end. Every task has the same order until routes are
/// configured by task and complexity.
fn auto(land: &Landscape) -> Vec<Candidate> {
    let remotes =
        land.remotes.iter().map(|remote| remote.candidate(remote.model.clone(), "the route's choice", land));
    remotes.chain([offline(fallback(land))]).collect()
}

fn fallback(land: &Landscape) -> Standing {
    let key_configured = land.remotes.iter().any(|remote| remote.key != Err(NoKey::Missing));
    match land.offline {
        OfflineUse::Never => Standing::Spared("answers only when asked for by name"),
        OfflineUse::Always => Standing::Eligible("the end of every route"),
        OfflineUse::WithoutKey if land.safe_mode => Standing::Eligible("safe mode is on"),
        OfflineUse::WithoutKey if key_configured => Standing::Spared("a provider's key is configured"),
        OfflineUse::WithoutKey => Standing::Eligible("no provider's key is configured"),
    }
}

fn offline(standing: Standing) -> Candidate {
    Candidate { provider: OFFLINE.into(), model: OFFLINE.to_owned(), standing }
}

/// `provider`, `provider/model`, or the bare name of a model that a provider is configured for.
fn named<'a>(name: &str, land: &'a Landscape) -> Option<(&'a Remote, String)> {
    let (provider, model) = name.split_once('/').map_or((name, None), |(p, m)| (p, Some(m)));
    let by_provider = land.remotes.iter().find(|remote| &*remote.provider == provider);
    match (by_provider, model) {
        (Some(remote), None) => Some((remote, remote.model.clone())),
        (Some(remote), Some(model)) => (!model.is_empty()).then(|| (remote, model.to_owned())),
        (None, _) => land.remotes.iter().find(|remote| remote.model == name).map(|r| (r, r.model.clone())),
    }
}

fn unknown(name: &str, land: &Landscape) -> Error {
    let named = land.remotes.iter().map(|remote| format!("{0}, {0}/<model>", remote.provider));
    let known: Vec<String> = [AUTO.to_owned(), OFFLINE.to_owned()].into_iter().chain(named).collect();
    let known = known.join(", ");
    let cut = known.rfind(", ").unwrap_or(0);
    let known = format!("{} or {}", &known[..cut], known[cut..].trim_start_matches(", "));
    Error::UnknownModel { name: name.chars().take(SHOWN).collect(), known }
}

// === impl Remote ===

impl Remote {
    fn candidate(&self, model: String, chosen: &'static str, land: &Landscape) -> Candidate {
        Candidate { provider: self.provider.clone(), model, standing: self.standing(chosen, land) }
    }

    /// What the settings say comes first: it does not pass by waiting.
    pub(crate) fn standing(&self, chosen: &'static str, land: &Landscape) -> Standing {
        match self.key {
            Err(NoKey::Missing) => Standing::Barred(Bar::MissingKey { variable: self.key_variable.clone() }),
            _ if land.safe_mode => Standing::Barred(Bar::SafeMode),
            Err(NoKey::Resting { why, retry_in }) => Standing::Resting(Resting::Keys { why, retry_in }),
            Ok(()) => Standing::Eligible(chosen),
        }
    }
}

// === impl Candidate ===

impl Candidate {
    /// The same, unless the breaker of its model's family still refuses for that long.
    #[must_use]
    pub fn unless_open(self, open_for: Option<Duration>) -> Self {
        Self { standing: self.standing.unless_open(open_for), ..self }
    }

    /// Whether it would be tried now.
    #[must_use]
    pub const fn eligible(&self) -> bool {
        matches!(self.standing, Standing::Eligible(_))
    }

    /// Whether the settings let it be asked; one that rests answers for itself.
    #[must_use]
    pub const fn may_be_asked(&self) -> bool {
        matches!(self.standing, Standing::Eligible(_) | Standing::Resting(_))
    }
}

// === impl Standing ===

impl Standing {
    /// The same, unless the breaker still refuses for that long.
    pub(crate) fn unless_open(self, open_for: Option<Duration>) -> Self {
        match (self, open_for) {
            (Standing::Eligible(_), Some(retry_in)) => Standing::Resting(Resting::CircuitOpen { retry_in }),
            (standing, _) => standing,
        }
    }
}

impl std::fmt::Display for Standing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Standing::Eligible(why) | Standing::Spared(why) => f.write_str(why),
            Standing::Resting(Resting::CircuitOpen { retry_in }) => {
                write!(f, "its circuit is open, next probe in {} s", retry_in.as_secs_f64().ceil())
            }
            Standing::Resting(Resting::Keys { why, retry_in }) => {
                write!(
                    f,
                    "all its keys rest ({}), the first for {} s",
                    why.row().reason,
                    retry_in.as_secs_f64().ceil()
                )
            }
            Standing::Barred(Bar::SafeMode) => f.write_str("safe mode is on"),
            Standing::Barred(Bar::MissingKey { variable }) => write!(f, "it has no key; set {variable}"),
        }
    }
}
