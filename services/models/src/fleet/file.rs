//! The models file with all that the environment says: what is in force.

use bsm_runtime::clock;
use bsm_runtime::diagnostic::{Findings, Strictness};
use bsm_runtime::settings::ModelSettings;
use tracing::warn;

use super::budgets;
use super::environment::{keys, overrides};
use crate::budget::{Merged, PutAside, merge};
use crate::catalog::{Catalog, Provider, address};
use crate::config::OpenError;

/// What is in force, and what of the file is not.
struct Effective {
    catalog: Catalog,
    put_aside: Vec<PutAside>,
}

/// The catalog that is in force with these settings; what of the file does not count is told in the log. Blocks on the
/// disk.
///
/// # Errors
/// Everything that is wrong with the file; also a variable that would move a provider which is not in it, and budgets of
/// the settings that are none.
pub fn effective(settings: &ModelSettings) -> Result<Catalog, OpenError> {
    let Effective { catalog, put_aside } = read(settings)?;
    put_aside.iter().for_each(|budget| warn!("{}", budgets::told(budget)));
    Ok(catalog)
}

fn read(settings: &ModelSettings) -> Result<Effective, OpenError> {
    let mut catalog = match &settings.file {
        None => Catalog::built_in(),
        Some(path) => {
            let (catalog, warnings) = Catalog::read(Findings::of_file(path, Strictness::Strict))?;
            warnings.iter().for_each(|warning| warn!("{warning}"));
            catalog
        }
    };
    let known: Vec<String> = catalog.providers.iter().map(Provider::override_variable).collect();
    if let Some(variable) = strays(&settings.variables.names(), &known).into_iter().next() {
        return Err(OpenError::Stray { variable, known });
    }
    let Merged { in_force, put_aside } = merge(&budgets::of_settings(settings)?, &catalog.budgets);
    catalog.budgets = in_force;
    let overrides = overrides(settings, &catalog);
    let catalog = catalog.with(&overrides);
    for (name, _) in &overrides.base_urls {
        warn_of_path(catalog.provider(name));
    }
    Ok(Effective { catalog, put_aside })
}

/// Says of a provider whose address the environment gives that the address looks cut short.
fn warn_of_path(provider: Option<&Provider>) {
    let Some(Provider { name, wire, base_url: Some(base_url), .. }) = provider else { return };
    if let Some(path) = address::missing_path(wire, base_url) {
        warn!(
            provider = &**name,
            "its base URL has no path, and servers of this API are usually under {path}: add it if calls are answered \
             with 404"
        );
    }
}

/// What is in force as a file, with remarks about budgets that do not count, old prices and the keys that are set: their
/// variables, never the keys.
///
/// # Errors
/// As for [`effective`].
pub fn printed(settings: &ModelSettings) -> Result<String, OpenError> {
    let Effective { catalog, put_aside } = read(settings)?;
    let put_aside: String = put_aside.iter().map(|budget| format!("# {}\n", budgets::told(budget))).collect();
    let old = catalog.old_prices(clock::unix_ms(), |_| true);
    let old = old.map(|old| format!("# {old}\n")).unwrap_or_default();
    let remarks = catalog.providers.iter().map(|provider| {
        let set = keys(settings, provider);
        let named = set.iter().map(|key| &*key.variable).filter(|variable| !variable.is_empty());
        let named = named.collect::<Vec<_>>().join(", ");
        match (set.len(), named.as_str()) {
            (0, _) => format!("#   {}: none\n", provider.name),
            (count, "") => format!("#   {}: {count}\n", provider.name),
            (count, named) => format!("#   {}: {count} ({named})\n", provider.name),
        }
    });
    Ok(format!("{}{put_aside}{old}# keys that are set:\n{}", catalog.to_yaml(), remarks.collect::<String>()))
}

/// Variables that would move a provider which is not in the catalog: a mistyped name would be ignored in silence.
fn strays(names: &[String], known: &[String]) -> Vec<String> {
    let moves = |name: &&String| name.starts_with("BSM_") && name.ends_with("_BASE_URL");
    names.iter().filter(moves).filter(|name| !known.contains(name)).cloned().collect()
}
