//! What the routes speak of: models that stand for each other, wherever they are served.

use std::fmt;
use std::sync::Arc;

use bsm_runtime::diagnostic::Findings;
use bsm_runtime::yaml::{Fields, Filled, Key, Node, Path, list_of};

use super::choice::{self, Choice};

/// The family at which every route ends.
pub const DEFAULT: &str = "default";

/// A provider's model, or whichever model is its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Who is asked.
    pub provider: Arc<str>,
    /// For which model; `None`: the one that the provider is asked for when none is named.
    pub model: Option<Arc<str>>,
}

/// Models that stand for each other, and what follows when none of them answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// What routes and callers call it.
    pub name: Arc<str>,
    /// The models.
    pub models: Choice<Target>,
    /// The families that are tried next, in order; their own fallbacks are not. `default` follows by itself.
    pub fallbacks: Vec<Arc<str>>,
}

// === impl Target ===

impl Target {
    /// The target of `provider` or `provider/model`; `None` if one of them is empty.
    #[must_use]
    pub fn parse(name: &str) -> Option<Target> {
        let (provider, model) = name.split_once('/').map_or((name, None), |(p, m)| (p, Some(m)));
        let empty = provider.is_empty() || model.is_some_and(str::is_empty);
        (!empty).then(|| Target { provider: provider.into(), model: model.map(Arc::from) })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.model {
            Some(model) => write!(f, "{}/{model}", self.provider),
            None => f.write_str(&self.provider),
        }
    }
}

/// The family under `key`; what is missing is as in `base`.
pub(super) fn read(
    (key, node): (&Key, &Node),
    path: &Path<'_>,
    findings: &mut Findings,
    base: Option<&Family>,
) -> Option<Family> {
    let mut fields = Fields::of(node, path, findings)?;
    let models = choice::read(&mut fields, "models", Target::parse, base.map(|base| &base.models));
    let fallbacks = fields.optional("fallbacks", list_of(Filled));
    fields.finish();
    let fallbacks = fallbacks.map(|names| names.iter().map(|name| name.as_str().into()).collect());
    Some(Family {
        name: key.text.as_str().into(),
        models: models?,
        fallbacks: fallbacks.or_else(|| Some(base?.fallbacks.clone())).unwrap_or_default(),
    })
}
