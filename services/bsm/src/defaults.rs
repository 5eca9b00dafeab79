//! The agents and documents that come with the binary, for machines where there is nothing but the binary.

use std::{fs, io, path::Path};

use bsm_runtime::settings::{Layers, Settings};
use rust_embed::RustEmbed;

use crate::settings::is_chosen;

#[derive(RustEmbed)]
#[folder = "../../agents/"]
struct Agents;

#[derive(RustEmbed)]
#[folder = "../../knowledge/"]
struct Knowledge;

/// When the built-in files are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// Where nobody chose a folder and the default one does not exist.
    WhereMissing,
    /// Wherever nobody chose a folder: what lies around may be the change under review.
    UnlessChosen,
}

/// Points the settings at the built-in files, written below `dir`, where they are to be used.
///
/// # Errors
/// When they cannot be written.
pub(crate) fn apply(
    settings: &mut Settings,
    layers: &Layers,
    builtin: Builtin,
    dir: &Path,
) -> io::Result<()> {
    let wanted =
        |key, path: &Path| !is_chosen(layers, key) && (builtin == Builtin::UnlessChosen || !path.exists());
    if wanted("agents_dir", &settings.agents_dir) {
        settings.agents_dir = dir.join("agents");
        write::<Agents>(&settings.agents_dir)?;
    }
    if wanted("knowledge_dir", &settings.knowledge_dir) {
        settings.knowledge_dir = dir.join("knowledge");
        write::<Knowledge>(&settings.knowledge_dir)?;
    }
    Ok(())
}

/// Writes the files afresh: what an older binary left must not linger.
fn write<E: RustEmbed>(dir: &Path) -> io::Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    for name in E::iter() {
        let path = dir.join(&*name);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        let file = E::get(&name).expect("every name that is iterated is embedded");
        fs::write(path, file.data)?;
    }
    Ok(())
}
