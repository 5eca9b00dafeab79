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

use crate::parallel::in_parallel;

/// The most definitions that are read, and the most bytes that they may have together: far more than anybody needs, and
/// no more than a machine has.
const MOST_FILES: usize = 10_000;
const MOST_BYTES: usize = 64 * 1024 * 1024;

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
/// where older systems kept them. A link is followed if it ends below the folder that it was found in, as those do by
/// which Kubernetes mounts a volume; what a link leads out to is nobody's agent.
pub(crate) fn read(dir: &Path, strictness: Strictness) -> Files {
    let registry = file(&dir.join("registry.yaml"), dir, strictness);
    let folder = folder(dir);
    let mut about = Findings::new(folder.display().to_string(), "", strictness);
    let names = if folder.starts_with(dir) && leads_out(&folder, dir) {
        about.error(
            At::FILE,
            "",
            "this is a link that leads out of the folder of agents",
            "put the folder here",
        );
        Vec::new()
    } else {
        listed(&folder, &mut about)
    };
    let index = folder.join("index.json");
    let mut found = Vec::new();
    let names = if index.is_file() {
        let mut index = file(&index, &folder, strictness);
        let names = in_order(names, &mut index);
        found = index.into_vec();
        names
    } else {
        names
    };
    let definitions = in_parallel(names, |name| file(&folder.join(name), &folder, strictness));
    let definitions = within_bounds(definitions, &mut about);
    found.splice(0..0, about.into_vec());
    Files { registry, definitions, found }
}

/// Reads a file that must lie below `root`, wherever links lead.
fn file(path: &Path, root: &Path, strictness: Strictness) -> Findings {
    if leads_out(path, root) {
        let mut findings = Findings::new(path.display().to_string(), "", strictness);
        findings.error(
            At::FILE,
            "",
            "this is a link that leads out of its folder",
            "put the file itself here",
        );
        return findings;
    }
    Findings::of_file(path, strictness)
}

/// Whether a path is a link to something that does not lie below `root`. One that leads nowhere is told when it is read.
fn leads_out(path: &Path, root: &Path) -> bool {
    let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    if !is_link {
        return false;
    }
    match (path.canonicalize(), root.canonicalize()) {
        (Ok(end), Ok(root)) => !end.starts_with(root),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// The names of the definitions; what is wrong with the folder is reported.
fn listed(folder: &Path, about: &mut Findings) -> Vec<String> {
    match names(folder) {
        Ok(names) if names.is_empty() => {
            let fix = "write one file <id>.yaml for each agent";
            about.error(At::FILE, "", "the folder holds no definition", fix);
            names
        }
        Ok(names) if names.len() > MOST_FILES => {
            let message = format!("the folder holds {} definitions, more than {MOST_FILES}", names.len());
            about.error(At::FILE, "", message, "look whether this is the right folder");
            Vec::new()
        }
        Ok(names) => names,
        Err(error) => {
            let (message, fix) = unlisted(&error);
            about.error(At::FILE, "", message, fix);
            Vec::new()
        }
    }
}

/// Leaves out what is more than may be held at once.
fn within_bounds(definitions: Vec<Findings>, about: &mut Findings) -> Vec<Findings> {
    let mut bytes = 0;
    let count = definitions.len();
    let fits = |file: &Findings| {
        bytes += file.text().len();
        bytes <= MOST_BYTES
    };
    let kept: Vec<_> = definitions.into_iter().take_while(fits).collect();
    if kept.len() < count {
        let mib = MOST_BYTES / (1024 * 1024);
        let message = format!("the definitions have more than {mib} MiB together; not all of them are read");
        about.error(At::FILE, "", message, "look whether this is the right folder");
    }
    kept
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
