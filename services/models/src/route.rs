//! Which candidates a question goes to, in order, and why others are passed over. Pure; asks no one.
//!
//! ```text
//! auto ─ the route of its task and complexity ─► families ─► their fallbacks ─► default ─► offline, where allowed
//!                                                   └─ each: its models, in the order of its strategy
//! a name ─► that family, provider or model, and nobody else
//! ```
//!
//! - `plan`: the way above.
//! - `naming`: what a name stands for.
//! - `order`: the strategies.
//! - `vectors`: the same for questions after vectors.
//! - [`standing`]: whether a candidate is tried, and why it is where it is.

use std::sync::Arc;
use std::time::Duration;

use bsm_runtime::settings::OfflineUse;

use crate::ask::{Ask, Complexity, Hints};
use crate::catalog::choice::By;
use crate::catalog::price::Tokens;
use crate::catalog::{Catalog, Target};
use crate::error::Error;

mod naming;
mod order;
mod plan;
pub mod standing;
#[cfg(test)]
mod tests;
mod vectors;

pub(crate) use naming::unknown;
pub use standing::{Bar, Place, Resting, Standing};
pub use vectors::embedders;

/// The name that stands for the route.
pub const AUTO: &str = "auto";
/// The name of the built-in reviewer.
pub const OFFLINE: &str = "offline";

/// Bytes of a prompt that make a token, about.
const BYTES_OF_A_TOKEN: u64 = 4;
/// Tokens of an answer when nobody said how many there may be.
const USUAL_ANSWER: u64 = 1000;

/// What the route knows at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Landscape<'a> {
    /// Providers, models, families and routes.
    pub catalog: &'a Catalog,
    /// What the operator decides about the route.
    pub policy: &'a Policy,
    /// How the providers are.
    pub sight: &'a dyn Sight,
}

/// What the operator decides about the route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// No provider but `offline`.
    pub safe_mode: bool,
    /// When the route may end at the built-in reviewer.
    pub offline: OfflineUse,
    /// What a question without a model means; where it is not `auto`, also what the family `default` begins with.
    pub default_model: String,
    /// Whether others are tried after the first that can be asked.
    pub fallbacks: bool,
}

/// How the providers are at one moment.
pub trait Sight: std::fmt::Debug + Sync {
    /// Whether a provider can be asked at all, its models aside.
    ///
    /// # Errors
    /// What keeps it from being asked: [`Standing::Barred`] or [`Standing::Resting`].
    fn standing(&self, provider: &str) -> Result<(), Standing>;

    /// How long the breaker of a model's family still refuses; `None` when calls flow.
    fn open_for(&self, provider: &str, model: &str) -> Option<Duration>;

    /// What one more call would find at a model's family: the calls that are out, this one included, times the seconds
    /// that an answer takes at the moment.
    fn load(&self, provider: &str, model: &str) -> f64;

    /// A number in [0, 1), another one with each call.
    fn roll(&self) -> f64;
}

/// What the route must know of a question.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Which model; `None` for the one that the settings name.
    pub model: Option<&'a str>,
    /// The kind of work.
    pub task: &'a str,
    /// How hard it is.
    pub complexity: Complexity,
    /// Whether the answer needs a search.
    pub search: bool,
    /// How much there is to read and to write, by guess.
    pub tokens: Tokens,
}

/// A provider and a model that could answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The provider's name.
    pub provider: Arc<str>,
    /// The model to ask it for.
    pub model: String,
    /// Why it is where it is.
    pub place: Place,
    /// By what it stands there among the models of its family; `None` where there is no other.
    pub within: Option<By>,
    /// Whether it is tried, and why not.
    pub standing: Standing,
}

/// The candidates for a question, in order; never empty, and none twice.
///
/// # Errors
/// [`Error::UnknownModel`].
pub fn candidates(question: &Question<'_>, land: &Landscape<'_>) -> Result<Vec<Candidate>, Error> {
    match question.model.unwrap_or(&land.policy.default_model) {
        AUTO => Ok(plan::auto(question, land)),
        OFFLINE => Ok(vec![Candidate::offline(Place::Named, Standing::Eligible)]),
        name => plan::named(name, question, land).ok_or_else(|| unknown(name, land.catalog)),
    }
}

/// Whether what a question without a model means is somebody.
///
/// # Errors
/// [`Error::UnknownModel`].
pub fn check_default(policy: &Policy, catalog: &Catalog) -> Result<(), Error> {
    let name = &*policy.default_model;
    if [AUTO, OFFLINE].contains(&name) || naming::meant(name, catalog).is_some() {
        return Ok(());
    }
    Err(unknown(name, catalog))
}

/// Whether a candidate is worth trying: one that rests is, because it knows best when it is back.
///
/// # Errors
/// What bars the first of them, if the settings leave none.
pub fn check(candidates: &[Candidate]) -> Result<(), Error> {
    let mut barred = None;
    for Candidate { provider, standing, .. } in candidates {
        match standing {
            Standing::Eligible | Standing::Resting(_) => return Ok(()),
            Standing::Barred(bar) => barred = barred.or(Some((provider, bar))),
            Standing::Spared(_) | Standing::OverBudget(_) | Standing::TooSmall { .. } => {}
        }
    }
    match barred {
        Some((provider, bar)) => Err(bar.refusal(Arc::clone(provider))),
        None => Ok(()), // spared for the sake of others, who are not barred
    }
}

// === impl Question ===

impl<'a> Question<'a> {
    /// What the route must know of this question.
    #[must_use]
    pub fn of(ask: &'a Ask) -> Question<'a> {
        let bytes: usize = ask.turns.iter().map(|turn| turn.content.len()).sum();
        let output = ask.max_tokens.map_or(USUAL_ANSWER, u64::from);
        let tokens = Tokens { input: bytes as u64 / BYTES_OF_A_TOKEN, cached: 0, output };
        let search = ask.search.is_some();
        Question { tokens, ..Question::about(ask.model.as_deref(), &ask.hints, search) }
    }

    /// A question of which nothing is known but what it is for.
    #[must_use]
    pub fn about(model: Option<&'a str>, hints: &'a Hints, search: bool) -> Question<'a> {
        let tokens = Tokens { input: USUAL_ANSWER, cached: 0, output: USUAL_ANSWER };
        Question { model, task: &hints.task, complexity: hints.complexity, search, tokens }
    }
}

// === impl Landscape ===

impl Landscape<'_> {
    /// A target as a candidate at this moment.
    fn candidate(&self, target: &Target, place: Place) -> Candidate {
        let model = self.catalog.model_of(target).map(|model| model.to_string()).unwrap_or_default();
        let standing = self.standing(&target.provider, &model);
        Candidate { provider: Arc::clone(&target.provider), model, place, within: None, standing }
    }

    /// Whether a provider would be asked for a model now. What the settings say comes first: it does not pass by
    /// waiting.
    pub(crate) fn standing(&self, provider: &str, model: &str) -> Standing {
        let standing = self.sight.standing(provider);
        match standing {
            Err(barred @ Standing::Barred(_)) => barred,
            _ if self.policy.safe_mode => Standing::Barred(Bar::SafeMode),
            Err(other) => other,
            Ok(()) => match self.sight.open_for(provider, model) {
                Some(retry_in) => Standing::Resting(Resting::CircuitOpen { retry_in }),
                None => Standing::Eligible,
            },
        }
    }
}

// === impl Candidate ===

impl Candidate {
    fn offline(place: Place, standing: Standing) -> Candidate {
        Candidate { provider: OFFLINE.into(), model: OFFLINE.to_owned(), place, within: None, standing }
    }

    /// Whether it would be tried now.
    #[must_use]
    pub const fn eligible(&self) -> bool {
        matches!(self.standing, Standing::Eligible)
    }

    /// Whether the settings let it be asked; one that rests answers for itself.
    #[must_use]
    pub const fn may_be_asked(&self) -> bool {
        matches!(self.standing, Standing::Eligible | Standing::Resting(_))
    }

    /// Why it is where it is: why its family is there, and, unless they go as they are written, by what it stands there
    /// among its models.
    #[must_use]
    pub fn why_here(&self) -> String {
        match self.within.filter(|by| !by.is_priority()) {
            Some(by) => format!("{}; of its models, {by}", self.place),
            None => self.place.to_string(),
        }
    }

    /// Why it is tried, or why it is passed over.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.standing {
            Standing::Eligible => self.why_here(),
            other => other.to_string(),
        }
    }
}
