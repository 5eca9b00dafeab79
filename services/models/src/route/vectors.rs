//! Who makes vectors of texts.

use super::naming::{Meant, meant, unknown};
use super::{AUTO, Candidate, Landscape, OFFLINE, Place};
use crate::catalog::Target;
use crate::catalog::family::DEFAULT;
use crate::error::Error;

/// The candidates for vectors, in order; never empty. Without a model it is the route: what the settings name as the
/// default is a model for answers. The route is the order of the family `default`.
///
/// # Errors
/// [`Error::UnknownModel`], or [`Error::NoEmbeddings`] if whoever is asked for makes none.
pub fn embedders(model: Option<&str>, land: &Landscape<'_>) -> Result<Vec<Candidate>, Error> {
    let name = model.unwrap_or(AUTO);
    let none = || Error::NoEmbeddings { name: name.to_owned() };
    if name == OFFLINE {
        return Err(none());
    }
    if name == AUTO {
        let family = land.catalog.family(DEFAULT);
        let providers = family.into_iter().flat_map(|family| family.models.items());
        let targets = providers.filter_map(|target| own(&target.provider, land));
        let found: Vec<Candidate> = targets.map(|target| land.candidate(&target, Place::Default)).collect();
        return if found.is_empty() { Err(none()) } else { Ok(found) };
    }
    if let Some(target) = by_its_own_model(name, land) {
        return Ok(vec![land.candidate(&target, Place::Named)]);
    }
    match meant(name, land.catalog) {
        None => Err(unknown(name, land.catalog)),
        Some(Meant::Family(_)) => Err(none()),
        Some(Meant::One(target)) => {
            let known = own(&target.provider, land).ok_or_else(none)?;
            let target = if target.model.is_some() { target } else { known };
            Ok(vec![land.candidate(&target, Place::Named)])
        }
    }
}

/// The provider and its model for vectors.
fn own(provider: &str, land: &Landscape<'_>) -> Option<Target> {
    let provider = land.catalog.provider(provider)?;
    let model = provider.embeddings.clone()?;
    Some(Target { provider: provider.name.clone(), model: Some(model) })
}

/// The first provider whose model for vectors has this bare name.
fn by_its_own_model(name: &str, land: &Landscape<'_>) -> Option<Target> {
    let mut targets = land.catalog.providers.iter().filter_map(|provider| own(&provider.name, land));
    targets.find(|target| target.model.as_deref() == Some(name))
}
