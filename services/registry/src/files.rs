//! Which files there are, and in what order. Everything here blocks; everything after works on texts.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use bsm_runtime::{
    diagnostic::{At, Diagnostic, Findings, Strictness},
    yaml::{self, Fields, Filled, Node, Read, list_of},
};

/// The texts of a registry, each with what was already found about it.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) registry: Findings,
    /// In the order in which agents are listed.
    pub(crate) definitions: Vec<Findings>,
    /// What was found about the folder and its index.
    pub(crate) found: Vec<Diagnostic>,
}

/// Reads `<dir>/registry.yaml` and the definitions: `<dir>/definitions/*.yaml`, or `data/agents/*.yaml` beside `dir`
/// where older systems kept them.
pub(crate) fn read(dir: &Path, strictness: Strictness) -> Files {
    let registry = Findings::of_file(&dir.join("registry.yaml"), strictness);
    let folder = folder(dir);
    let mut about = Findings::new(folder.display().to_string(), "", strictness);
    let names = match names(&folder) {
        Ok(names) => names,
        Err(error) => {
            let (message, fix) = unlisted(&error);
            about.error(At::FILE, "", message, fix);
            Vec::new()
        }
    };
    if names.is_empty() && !about.is_fatal() {
        about.error(
            At::FILE,
            "",
            "the folder holds no definition",
            "write one file <id>.yaml for each agent",
        );
    }
    let mut found = about.into_vec();
    let index = folder.join("index.json");
    let names = if index.is_file() {
        let mut index = Findings::of_file(&index, strictness);
        let names = in_order(names, &mut index);
        found.append(&mut index.into_vec());
        names
    } else {
        names
    };
    let definitions = names.iter().map(|name| Findings::of_file(&folder.join(name), strictness)).collect();
    Files { registry, definitions, found }
}

/// The folders that anything is read from.
pub(crate) fn folders(dir: &Path) -> Vec<PathBuf> {
    let definitions = folder(dir);
    let apart = (!definitions.starts_with(dir)).then_some(definitions);
    [dir.to_owned()].into_iter().chain(apart).collect()
}

fn folder(dir: &Path) -> PathBuf {
    let folder = dir.join("definitions");
    let older = dir.parent().map(|parent| parent.join("data/agents"));
    match older {
        Some(older) if !folder.is_dir() && older.join("index.json").is_file() => older,
        _ => folder,
    }
}

/// The YAML files of a folder, by name.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for file in folder.read_dir()? {
        // A name that is not Unicode cannot be in an index nor in a message; it is shown as well as possible.
        let name = file?.file_name().to_string_lossy().into_owned();
        let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        if is_yaml && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn unlisted(error: &io::Error) -> (String, &'static str) {
    match error.kind() {
        io::ErrorKind::NotFound => {
            ("the folder of definitions is missing".to_owned(), "create it, or check the path")
        }
        io::ErrorKind::PermissionDenied => {
            ("the folder may not be read by this user".to_owned(), "change its permissions")
        }
        io::ErrorKind::NotADirectory => ("this is a file, not a folder".to_owned(), "move it away"),
        _ => (format!("the folder cannot be listed: {error}"), ""),
    }
}

/// Puts `names`, which are sorted, in the order of index.json, which is read as YAML because JSON is YAML and places are known then.
/// Files that the index does not name come last.
fn in_order(names: Vec<String>, index: &mut Findings) -> Vec<String> {
    let Some(root) = yaml::read(index) else { return names };
    let Some(mut fields) = Fields::of(&root, &yaml::Path::ROOT, index) else { return names };
    let listed = fields.required("agents", list_of(FileName)).unwrap_or_default();
    fields.finish();
    let mut ordered = Vec::with_capacity(names.len());
    let mut named = HashSet::new();
    for (name, at) in listed {
        if names.binary_search(&name).is_err() {
            index.error(
                at,
                "agents",
                format!("there is no file {name:?} in this folder"),
                "remove it, or add the file",
            );
        } else if !named.insert(name.clone()) {
            index.error(at, "agents", format!("{name:?} is named twice"), "keep one of the two");
        } else {
            ordered.push(name);
        }
    }
    for name in names.into_iter().filter(|name| !named.contains(name)) {
        index.warning(
            At::FILE,
            "agents",
            format!("{name:?} is not named; it is listed last"),
            "add it to `agents`",
        );
        ordered.push(name);
    }
    ordered
}

/// The name of a file, with its place.
struct FileName;

impl Read for FileName {
    type Out = (String, At);

    fn read(&self, node: &Node, path: &yaml::Path<'_>, findings: &mut Findings) -> Option<(String, At)> {
        Filled.read(node, path, findings).map(|name| (name, node.at))
    }

    fn wanted(&self) -> String {
        "the name of a file".to_owned()
    }
}

#[cfg(test)]
mod tests;
