//! How much changes at once: nobody reads three thousand lines with care.

use crate::offline::change::{Change, Hit, View};
use crate::offline::lens::Lens::{Governance, Review};
use crate::offline::rule::Severity::{High, Medium};
use crate::offline::rule::{Check, Family, Rule};

const LARGE: usize = 800;
const HUGE: usize = 3_000;
const MANY_FILES: usize = 50;

const BASE: Rule = Rule {
    id: "",
    family: Family::Size,
    severity: Medium,
    lenses: &[Review, Governance],
    must_fix: &[],
    what: "",
    suggestion: "Split it into steps that can each be understood and undone.",
    check: Check::Change(|_| Vec::new()),
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "size-large",
        what: "More than 800 lines are added by hand",
        check: Check::Change(|change| lines(change, |lines| (LARGE + 1..=HUGE).contains(&lines))),
        ..BASE
    },
    Rule {
        id: "size-huge",
        severity: High,
        what: "More than 3,000 lines are added by hand",
        check: Check::Change(|change| lines(change, |lines| lines > HUGE)),
        ..BASE
    },
    Rule { id: "size-many-files", what: "More than 50 files change", check: Check::Change(files), ..BASE },
];

/// Counts what people wrote: lock files and generated files grow on their own.
fn by_hand<'a>(change: &'a Change<'a>) -> impl Iterator<Item = &'a View<'a>> {
    change.files.iter().filter(|view| !view.place.machine_made())
}

fn lines(change: &Change<'_>, matches: fn(usize) -> bool) -> Vec<Hit> {
    let lines = by_hand(change).map(|view| view.file.additions).sum();
    if matches(lines) { vec![Hit::default().with(format!("{lines} lines"))] } else { Vec::new() }
}

fn files(change: &Change<'_>) -> Vec<Hit> {
    let files = by_hand(change).count();
    if files > MANY_FILES { vec![Hit::default().with(format!("{files} files"))] } else { Vec::new() }
}
