//! Manifests and lock files: what is pulled in, and whether the two agree.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use bsm_diff::{File, Status};
use regex::Regex;

use crate::offline::change::{Change, Hit, View};
use crate::offline::lens::Lens::{Governance, Integrity, Review, Security};
use crate::offline::place::Place;
use crate::offline::rule::Severity::{High, Info, Low, Medium};
use crate::offline::rule::{Check, Family, LineCheck, Rule, Scope, Sees};

const BASE: Rule = Rule {
    id: "",
    family: Family::Dependencies,
    severity: Medium,
    lenses: &[Integrity, Security, Governance],
    must_fix: &[Integrity, Security],
    what: "",
    suggestion: "",
    check: Check::places(is_manifest, ""),
};

/// Manifests, and the lock files of which one must change with them.
const PAIRS: &[(&str, &[&str])] = &[
    ("cargo.toml", &["cargo.lock"]),
    (
        "package.json",
        &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"],
    ),
    ("go.mod", &["go.sum"]),
    ("pipfile", &["pipfile.lock"]),
    ("pyproject.toml", &["poetry.lock", "uv.lock", "pdm.lock"]),
    ("gemfile", &["gemfile.lock"]),
    ("composer.json", &["composer.lock"]),
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "dependency-without-lock",
        must_fix: &[],
        what: "A dependency changes in a manifest, and no lock file of its kind does",
        suggestion: "Update and commit the lock file, so that everybody builds the same.",
        check: Check::Change(manifest_alone),
        ..BASE
    },
    Rule {
        id: "dependency-lock-alone",
        severity: Low,
        must_fix: &[],
        what: "A lock file changes, and no manifest of its kind does",
        suggestion: "Say that it is a plain update, and look at what moved.",
        check: Check::Change(lock_alone),
        ..BASE
    },
    Rule {
        id: "dependency-from-url",
        what: "A dependency comes from a repository or an address and not from a registry",
        suggestion: "Use a published version, or pin the full commit and say why.",
        check: Check::places(
            is_manifest,
            concat!(
                r#"\bgit\s*=\s*"|:\s*"(?:git\+|git:|git@|https?://[^"]+(?:\.git|\.tgz|\.tar\.gz|\.zip)|github:)"#,
                r#"|^\s*(?:-e\s+)?(?:[\w\[\]-]+\s*@\s*)?(?:git\+|https?://)|\bgit:\s*["']"#,
            ),
        ),
        ..BASE
    },
    Rule {
        id: "dependency-wildcard",
        what: "A dependency takes any version",
        suggestion: "Name the version that was tested.",
        check: Check::places(is_manifest, r#"[=:]\s*"(?:\*|latest|x|>=\s*0(?:\.0)*)"|\bversion\s*=\s*"\*""#),
        ..BASE
    },
    Rule {
        id: "dependency-other-index",
        what: "Packages are taken from another index",
        suggestion: "Name one index with --index-url over https; with two, anyone may publish the missing name.",
        check: Check::places(
            is_manifest,
            r"--extra-index-url|--index-url\s+http:|--trusted-host|^\s*replace\s+\S+\s+=>",
        ),
        ..BASE
    },
    Rule {
        id: "dependency-install-script",
        severity: High,
        what: "A script runs on every machine that installs the package",
        suggestion: "Do it at build time, or show in the description what it does and why it must be here.",
        check: Check::places(
            |place| place.name() == "package.json",
            r#"^\s*"(?:preinstall|install|postinstall)"\s*:\s*""#,
        ),
        ..BASE
    },
    Rule {
        id: "dependency-insecure-source",
        severity: High,
        what: "A lock file takes a package over plain http",
        suggestion: "Resolve again against the registry over https.",
        check: Check::Line(LineCheck::new(
            Scope::Anywhere,
            Sees::All,
            r#"(?:"resolved"|^\s*resolved|^source|"url"|^\s*url)\s*[:=]?\s*"(?:registry\+)?http://"#,
        )),
        ..BASE
    },
    Rule {
        id: "dependency-added",
        severity: Info,
        lenses: &[Governance, Security, Review],
        must_fix: &[],
        what: "A manifest of dependencies changes",
        suggestion: "Check that each new dependency is needed, maintained and under an accepted licence.",
        check: Check::Change(|change| change.hits(changes_dependencies)),
        ..BASE
    },
];

fn is_manifest(place: &Place<'_>) -> bool {
    let name = place.name();
    name.contains("requirements") || PAIRS.iter().any(|(manifest, _)| *manifest == name)
}

/// True when a line that is added to a manifest looks like a dependency with a version or a source.
fn changes_dependencies(view: &View<'_>) -> bool {
    static LINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(concat!(
            r#"^\s*"?[@A-Za-z][\w@/.-]*"?\s*(?:=\s*["{']|:\s*"[~^<>=*\dvgwhl]|[=~!<>]=|\s+v\d|\s*@\s*git)|^\s*require\s+\S+\s+v\d"#,
            r#"|^\s*gem\s+["']|^\s*"[A-Za-z][\w.-]*\s*[=~<>]"#,
        ))
        .expect("the pattern is constant")
    });
    let about_itself = |text: &str| {
        let key = text.trim_start().trim_start_matches('"');
        [
            "version",
            "name",
            "description",
            "license",
            "authors",
            "edition",
            "rust-version",
            "readme",
            "node",
            "type",
        ]
        .iter()
        .any(|word| key.strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '"', '=', '.'])))
    };
    is_manifest(&view.place)
        && view.file.added().any(|line| LINE.is_match(&line.text) && !about_itself(&line.text))
}

fn manifest_alone(change: &Change<'_>) -> Vec<Hit> {
    let names = names(change);
    change.hits(|view| {
        let name = view.place.name();
        let locks = PAIRS.iter().find(|(manifest, _)| *manifest == name).map(|(_, locks)| *locks);
        locks.is_some_and(|locks| !locks.iter().any(|lock| names.contains(*lock)))
            && changes_dependencies(view)
    })
}

fn lock_alone(change: &Change<'_>) -> Vec<Hit> {
    let names = names(change);
    change.hits(|view| {
        let name = view.place.name();
        let modified = |file: &File| file.status == Status::Modified;
        let pair = PAIRS.iter().find(|(_, locks)| locks.contains(&name.as_str()));
        modified(view.file) && pair.is_some_and(|(manifest, _)| !names.contains(*manifest))
    })
}

/// The names of all files of the change, without their folders: a workspace has one lock file for many manifests.
fn names(change: &Change<'_>) -> BTreeSet<String> {
    change.files.iter().map(|view| view.place.name()).collect()
}
