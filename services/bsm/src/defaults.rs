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

/// Makes the folder hold these files and no others: what an older binary left must not linger. What is the same
/// already stays untouched, because a role that runs may be reading it and takes a rewritten file for an edit.
fn write<E: RustEmbed>(dir: &Path) -> io::Result<()> {
    prune::<E>(dir, dir)?;
    for name in E::iter() {
        let path = dir.join(&*name);
        let file = E::get(&name).expect("every name that is iterated is embedded");
        if fs::read(&path).is_ok_and(|held| held == *file.data) {
            continue;
        }
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::write(path, file.data)?;
    }
    Ok(())
}

/// Removes what is not among the files.
fn prune<E: RustEmbed>(root: &Path, dir: &Path) -> io::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        if entry.file_type()?.is_dir() {
            prune::<E>(root, &path)?;
        } else if E::get(&name).is_none() {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_holds_the_built_in_files_and_no_others_and_what_is_the_same_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("agents");
        write::<Agents>(&root).unwrap();
        let written = |name: &str| fs::metadata(root.join(name)).unwrap().modified().unwrap();
        let before = written("registry.yaml");
        fs::write(root.join("definitions/left-over.yaml"), "id: left-over").unwrap();
        fs::write(root.join("policy.yaml"), "changed").unwrap();
        write::<Agents>(&root).unwrap();
        assert_eq!(written("registry.yaml"), before);
        assert!(!root.join("definitions/left-over.yaml").exists());
        assert_eq!(fs::read(root.join("policy.yaml")).unwrap(), *Agents::get("policy.yaml").unwrap().data);
    }
}
