//! Whether a candidate is tried, and why it is where it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::catalog::choice::By;
use crate::error::Error;
use crate::failure::Kind;

/// Whether a candidate is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Eligible,
    /// Not now: the provider itself says so, and will say otherwise before long.
    Resting(Resting),
    /// Not with these settings: somebody would have to change them.
    Barred(Bar),
    /// Not with these settings: others are meant to answer.
    Spared(&'static str),
    /// Not for this caller: a budget has no room for it, or wants a price that nobody knows. In words with the model as
    /// their subject.
    OverBudget(String),
    /// Not for this question: others hold more.
    TooSmall {
        /// Tokens that the model holds.
        context: u64,
        /// Tokens of the prompt, about.
        prompt: u64,
    },
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
    /// Its host is not among those that may be asked.
    NotListed,
    /// It is not known where it is, or which model it is asked for.
    Unset {
        /// What is missing, e.g. `address`.
        what: &'static str,
        /// The environment variable that would say it.
        variable: Arc<str>,
    },
}

/// Why a candidate is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// It was asked for by name.
    Named,
    /// It belongs to the family that was asked for by name.
    OfFamily(Arc<str>),
    /// The route of the task chose its family.
    Chosen {
        /// Which family.
        family: Arc<str>,
        /// By what, where there were several.
        by: Option<By>,
    },
    /// Its family follows another one that the route chose.
    Fallback {
        /// Which family.
        family: Arc<str>,
        /// Which one it follows.
        of: Arc<str>,
    },
    /// Every route ends at it.
    Default,
    /// The built-in reviewer stands at the end, for this reason.
    End(&'static str),
}

// === impl Bar ===

impl Bar {
    /// The error of a question that could go to this provider alone.
    #[must_use]
    pub fn refusal(&self, provider: Arc<str>) -> Error {
        match self {
            Bar::SafeMode => Error::SafeMode { provider },
            Bar::MissingKey { variable } => Error::MissingKey { provider, variable: Arc::clone(variable) },
            Bar::NotListed => Error::NotListed { provider },
            Bar::Unset { what, variable } => {
                Error::NotConfigured { provider, what, variable: Arc::clone(variable) }
            }
        }
    }
}

// === impl Place ===

impl Place {
    /// The family that it belongs to; empty for none.
    #[must_use]
    pub fn family(&self) -> &str {
        match self {
            Place::OfFamily(family) | Place::Chosen { family, .. } | Place::Fallback { family, .. } => family,
            Place::Default => crate::catalog::family::DEFAULT,
            Place::Named | Place::End(_) => "",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Named => f.write_str("asked for by name"),
            Place::OfFamily(family) => write!(f, "of the family {family}, asked for by name"),
            Place::Chosen { family, by: None } => write!(f, "{family} is the route's choice"),
            Place::Chosen { family, by: Some(by) } => write!(f, "{family} is the route's choice, {by}"),
            Place::Fallback { family, of } => write!(f, "{family} is a fallback of {of}"),
            Place::Default => f.write_str("every route ends at default"),
            Place::End(why) => f.write_str(why),
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Eligible => f.write_str("it can be asked"),
            Standing::Spared(why) => f.write_str(why),
            Standing::OverBudget(why) => f.write_str(why),
            Standing::TooSmall { context, prompt } => {
                write!(f, "it holds {context} tokens, and the prompt has about {prompt}")
            }
            Standing::Resting(Resting::CircuitOpen { retry_in }) => {
                write!(f, "its circuit is open, next probe in {} s", retry_in.as_secs_f64().ceil())
            }
            Standing::Resting(Resting::Keys { why, retry_in }) => {
                let (reason, seconds) = (why.row().reason, retry_in.as_secs_f64().ceil());
                write!(f, "all its keys rest ({reason}), the first for {seconds} s")
            }
            Standing::Barred(Bar::SafeMode) => f.write_str("safe mode is on"),
            Standing::Barred(Bar::MissingKey { variable }) => write!(f, "it has no key; set {variable}"),
            Standing::Barred(Bar::NotListed) => f.write_str("its host is not in EGRESS_ALLOWED_HOSTS"),
            Standing::Barred(Bar::Unset { what, variable }) => write!(f, "it has no {what}; set {variable}"),
        }
    }
}
