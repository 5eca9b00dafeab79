//! What a name stands for, when it is asked for by name.

use crate::catalog::{Catalog, Family, Target};
use crate::error::Error;

use super::{AUTO, OFFLINE};

/// Characters of a model's name that are repeated to the caller.
const SHOWN: usize = 128;

/// Whom a name means.
pub(super) enum Meant<'a> {
    /// All models of a family.
    Family(&'a Family),
    /// One provider and one model.
    One(Target),
}

/// `provider`, `provider/model`, a family, or the bare name of a model: of the first provider that is asked for it
/// anyhow, else of the first that has it in the catalog.
pub(super) fn meant<'a>(name: &str, catalog: &'a Catalog) -> Option<Meant<'a>> {
    if let Some(target) = Target::parse(name)
        && catalog.provider(&target.provider).is_some()
        && catalog.family(name).is_none_or(|_| target.model.is_some())
    {
        return Some(Meant::One(target));
    }
    if let Some(family) = catalog.family(name) {
        return Some(Meant::Family(family));
    }
    let own = |provider: &&crate::catalog::Provider| provider.model.as_deref() == Some(name);
    let by_provider = catalog.providers.iter().find(own).map(|provider| &provider.name);
    let listed = || catalog.models.iter().find(|model| &*model.id == name).map(|model| &model.provider);
    let provider = by_provider.or_else(listed)?;
    Some(Meant::One(Target { provider: provider.clone(), model: Some(name.into()) }))
}

/// The refusal of a name that stands for nothing.
pub(crate) fn unknown(name: &str, catalog: &Catalog) -> Error {
    let families: Vec<&str> = catalog.families.iter().map(|family| &*family.name).collect();
    let providers: Vec<&str> = catalog.providers.iter().map(|provider| &*provider.name).collect();
    let known = format!(
        "{AUTO}, {OFFLINE}, a family ({}), or a provider ({}), alone or as <provider>/<model>",
        families.join(", "),
        providers.join(", "),
    );
    Error::UnknownModel { name: name.chars().take(SHOWN).collect(), known }
}
