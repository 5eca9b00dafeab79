//! Licences: the files, and the headers that name them.

use std::sync::LazyLock;

use bsm_diff::{Line, LineKind, Status};
use regex::Regex;

use crate::offline::change::{Change, Hit, View};
use crate::offline::lens::Lens::{Governance, Integrity};
use crate::offline::rule::Severity::{High, Low};
use crate::offline::rule::{Check, Family, Rule};

/// A header stands within this many lines of the beginning.
const HEAD: u32 = 30;

const BASE: Rule = Rule {
    id: "",
    family: Family::Licences,
    severity: High,
    lenses: &[Governance, Integrity],
    must_fix: &[],
    what: "",
    suggestion: "",
    check: Check::Change(|_| Vec::new()),
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "licence-file-changed",
        what: "The licence of the project changes",
        suggestion: "Whoever holds the rights must agree to this in writing.",
        check: Check::Change(|change| {
            change.hits(|view| is_licence(view) && view.file.status != Status::Added)
        }),
        ..BASE
    },
    Rule {
        id: "licence-header-removed",
        what: "A licence or copyright header is removed",
        suggestion: "Put it back; most licences ask for it to stay.",
        check: Check::Change(|change| change.hits(loses_header)),
        ..BASE
    },
    Rule {
        id: "licence-header-missing",
        severity: Low,
        what: "A new file has no licence header, and other new files of this change do",
        suggestion: "Add the header that the others have.",
        check: Check::Change(headerless),
        ..BASE
    },
];

fn is_licence(view: &View<'_>) -> bool {
    let name = view.place.name();
    let stem = name.split(['.', '-']).next().unwrap_or(&name);
    let prose = view.place.doc || !name.contains('.');
    ["license", "licence", "copying", "notice", "copyright"].contains(&stem) && prose
}

fn is_header(line: &Line) -> bool {
    static HEADER: LazyLock<Regex> = LazyLock::new(|| {
        // At the beginning of a comment, so that a program that speaks of headers has none by that.
        Regex::new(concat!(
            r"(?i)^\s*(?://+!?|/\*+!?|\*|#+|--|<!--|;+|%+)?\s*(?:SPDX-License-Identifier|(?:portions\s+)?copyright\s+",
            r"(?:\(c\)|©|\d{4}|the\b)|\(c\)\s+(?:copyright\s+)?\d{4}|licensed under\b)",
        ))
            .expect("the pattern is constant")
    });
    HEADER.is_match(&line.text)
}

fn loses_header(view: &View<'_>) -> bool {
    if view.file.status == Status::Deleted || view.place.doc {
        return false;
    }
    let had =
        view.file.removed().any(|line| line.old.is_some_and(|number| number <= HEAD) && is_header(line));
    had && !has_header(view)
}

/// True when the file has a header after the change, as far as the diff shows it.
fn has_header(view: &View<'_>) -> bool {
    let after = view.file.lines().filter(|line| line.kind != LineKind::Removed);
    after.take_while(|line| line.new.is_some_and(|number| number <= HEAD)).any(is_header)
}

fn headerless(change: &Change<'_>) -> Vec<Hit> {
    let new: Vec<_> = change
        .files
        .iter()
        .filter(|view| {
            view.file.status == Status::Added && view.place.language.is_code() && !view.place.machine_made()
        })
        .collect();
    if !new.iter().any(|view| has_header(view)) {
        return Vec::new();
    }
    let without: Vec<_> = new.into_iter().filter(|view| !has_header(view)).collect();
    let count = without.len();
    let others = |hit: Hit| if count > 1 { hit.with(format!("and {} others", count - 1)) } else { hit };
    without.first().map(|view| others(view.hit())).into_iter().collect()
}
