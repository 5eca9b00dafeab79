//! Reads settings as the command line has them.

use std::path::{Path, PathBuf};

use bsm_runtime::{
    role::Role,
    settings::{Layers, Settings, Variables},
};

use crate::cli::Options;

/// All layers, the command line's included.
pub(crate) fn layers(options: &Options) -> Layers {
    let mut flags = options.set.clone();
    let dirs = [
        ("data_dir", &options.data_dir),
        ("agents_dir", &options.agents_dir),
        ("knowledge_dir", &options.knowledge_dir),
    ];
    for (key, dir) in dirs {
        flags.extend(dir.as_deref().map(|dir: &Path| (key.to_owned(), dir.display().to_string())));
    }
    let mut layers = Layers::read(file(options).as_deref(), |name| std::env::var(name).ok(), &flags);
    layers = layers.with_variables(Variables::of_process());
    layers.check_names(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()));
    layers
}

/// The settings file. An empty variable counts as unset here as everywhere.
fn file(options: &Options) -> Option<PathBuf> {
    let named = std::env::var_os("BSM_CONFIG").filter(|name| !name.is_empty());
    options.config.clone().or(named.map(PathBuf::from))
}

/// The settings in force, for a command that serves nobody.
///
/// # Errors
/// Every mistake at once.
pub(crate) fn read(options: &Options) -> anyhow::Result<(Settings, Layers)> {
    let layers = layers(options);
    Ok((Settings::from_layers(&layers)?, layers))
}

/// The settings in force, if these roles may be served with them.
///
/// # Errors
/// Every mistake, and every reason not to start, at once.
pub(crate) fn read_for(options: &Options, roles: &[Role]) -> anyhow::Result<(Settings, Layers)> {
    let layers = layers(options);
    Ok((Settings::for_serving(&layers, roles)?, layers))
}

/// Tells what is taken as it is and worth a word.
pub(crate) fn warn(settings: &Settings) {
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
}

/// Whether somebody chose this folder, rather than the table's default.
pub(crate) fn is_chosen(layers: &Layers, key: &str) -> bool {
    layers.get(key).is_some_and(|value| value.source != bsm_runtime::settings::Source::Default)
}

/// The folder of a setting, absolute, so that messages name a place that can be found.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
