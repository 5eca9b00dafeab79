//! Files that are not ordinary text, or are not ordinary in what they may do.

use bsm_diff::Status;

use crate::offline::change::{Change, Hit, View};
use crate::offline::lens::Lens::{Governance, Integrity, Review, Security};
use crate::offline::rule::Severity::{High, Low, Medium};
use crate::offline::rule::{Check, Family, Rule};

/// A binary file larger than this, in bytes, does not belong into a repository of source.
const LARGE: u64 = 500_000;
const PROGRAMS: &[&str] = &[
    "exe", "dll", "so", "dylib", "a", "o", "jar", "war", "class", "pyc", "wasm", "node", "msi", "apk", "bin",
];
const LITTER: &[&str] = &[".ds_store", "thumbs.db", "npm-debug.log", ".idea", "node_modules", "__pycache__"];

const SYMLINK: u32 = 0o120000;
const SUBMODULE: u32 = 0o160000;

const BASE: Rule = Rule {
    id: "",
    family: Family::Files,
    severity: Medium,
    lenses: &[Integrity, Governance],
    must_fix: &[],
    what: "",
    suggestion: "",
    check: Check::Change(|_| Vec::new()),
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "file-large-binary",
        what: "A large binary file is added",
        suggestion: "Keep it in a release, an artifact store or git LFS.",
        check: Check::Change(large_binaries),
        ..BASE
    },
    Rule {
        id: "file-compiled-program",
        lenses: &[Integrity, Security],
        must_fix: &[Integrity, Security],
        what: "A compiled program is added, which nobody can review",
        suggestion: "Build it from source in the pipeline.",
        check: Check::Change(|change| change.hits(is_program)),
        ..BASE
    },
    Rule {
        id: "file-symlink",
        lenses: &[Integrity, Security],
        what: "A symbolic link is added",
        suggestion: "Use a copy or an include, and never point out of the repository.",
        check: Check::Change(symlinks),
        ..BASE
    },
    Rule {
        id: "file-submodule",
        lenses: &[Integrity, Security, Governance],
        what: "A submodule changes, and its own changes are not in this diff",
        suggestion: "Review the range of commits in the other repository too.",
        check: Check::Change(|change| {
            change.hits(|view| view.file.new_mode == Some(SUBMODULE) || view.place.name() == ".gitmodules")
        }),
        ..BASE
    },
    Rule {
        id: "file-executable",
        severity: Low,
        lenses: &[Integrity, Security],
        what: "A file becomes executable",
        suggestion: "Check that it is meant to be run.",
        check: Check::Change(|change| change.hits(becomes_executable)),
        ..BASE
    },
    Rule {
        id: "file-generated",
        severity: Low,
        lenses: &[Integrity, Review],
        what: "A generated or vendored file changes",
        suggestion: "Generate it in the build, or say with which command it was made.",
        check: Check::Change(|change| change.hits(|view| view.place.generated && arrives_or_changes(view))),
        ..BASE
    },
    Rule {
        id: "file-litter",
        severity: Low,
        lenses: &[Integrity, Review],
        what: "A file of somebody's own machine is added",
        suggestion: "Remove it and add it to .gitignore.",
        check: Check::Change(|change| change.hits(is_litter)),
        ..BASE
    },
];

fn arrives(view: &View<'_>) -> bool {
    matches!(view.file.status, Status::Added | Status::Copied)
}

fn arrives_or_changes(view: &View<'_>) -> bool {
    view.file.status != Status::Deleted
}

fn large_binaries(change: &Change<'_>) -> Vec<Hit> {
    let large = |view: &View<'_>| {
        let size = view.file.binary_size.filter(|size| *size > LARGE && arrives_or_changes(view))?;
        Some(view.hit().with(format!("{size} bytes")))
    };
    change.files.iter().filter_map(large).collect()
}

fn is_program(view: &View<'_>) -> bool {
    let name = view.place.name();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    view.file.binary && arrives_or_changes(view) && PROGRAMS.contains(&extension)
}

/// High when the link points out of the repository, as far as one can tell.
fn symlinks(change: &Change<'_>) -> Vec<Hit> {
    let link = |view: &View<'_>| {
        let target = view.file.added().next().map(|line| line.text.as_str()).unwrap_or_default();
        let depth = view.place.path.matches('/').count();
        let away = target.starts_with(['/', '~']) || target.matches("..").count() > depth;
        Hit { severity: away.then_some(High), ..view.hit() }
    };
    let links =
        change.files.iter().filter(|view| view.file.new_mode == Some(SYMLINK) && arrives_or_changes(view));
    links.map(link).collect()
}

/// A new script may be executable from the start.
fn becomes_executable(view: &View<'_>) -> bool {
    let executable = |mode: Option<u32>| mode.is_some_and(|mode| mode & 0o170111 == 0o100111);
    let script = || view.file.added().next().is_some_and(|line| line.text.starts_with("#!"));
    executable(view.file.new_mode) && !executable(view.file.old_mode) && !(arrives(view) && script())
}

fn is_litter(view: &View<'_>) -> bool {
    arrives(view) && view.place.path.to_lowercase().split('/').any(|part| LITTER.contains(&part))
}
