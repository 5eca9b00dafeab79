//! Tests that are missing, removed or switched off.

use bsm_diff::Status;

use crate::offline::change::{Change, Hit, View};
use crate::offline::code;
use crate::offline::language::Language::{self, Go, Java, JavaScript, Python, Rust};
use crate::offline::lens::Lens::{Governance, Integrity, Review};
use crate::offline::rule::Severity::{Low, Medium};
use crate::offline::rule::{Check, Family, LineCheck, Rule, Scope, Sees, There};

/// From this many added lines of code on, a change without tests must say why.
const WORTH_A_TEST: usize = 20;

const BASE: Rule = Rule {
    id: "",
    family: Family::Tests,
    severity: Medium,
    lenses: &[Review, Governance],
    must_fix: &[Review],
    what: "",
    suggestion: "",
    check: Check::Change(|_| Vec::new()),
};

/// A pattern that speaks in tests as loudly as elsewhere.
const fn also_in_tests(languages: &'static [Language], pattern: &'static str) -> Check {
    let check = LineCheck::new(Scope::Languages(languages), Sees::Code, pattern);
    Check::Line(LineCheck { in_tests: There::Same, ..check })
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "tests-missing",
        what: "Code changes and no test does",
        suggestion: "Add a test that fails without this change.",
        check: Check::Change(|change| untested(change, |lines| lines >= WORTH_A_TEST)),
        ..BASE
    },
    Rule {
        id: "tests-missing-small",
        severity: Low,
        must_fix: &[],
        what: "A little code changes and no test does",
        suggestion: "Add a test, or say why none is needed.",
        check: Check::Change(|change| untested(change, |lines| (1..WORTH_A_TEST).contains(&lines))),
        ..BASE
    },
    Rule {
        id: "tests-deleted",
        lenses: &[Review, Governance, Integrity],
        must_fix: &[Review, Integrity],
        what: "A test file is deleted",
        suggestion: "Move the tests along with the code, or say what covers it now.",
        check: Check::Change(|change| {
            change.hits(|view| {
                view.file.status == Status::Deleted && view.place.test && view.place.language.is_code()
            })
        }),
        ..BASE
    },
    Rule {
        id: "tests-skipped",
        lenses: &[Review, Governance, Integrity],
        must_fix: &[Review, Integrity],
        what: "A test is switched off",
        suggestion: "Fix the test, or name the issue that will.",
        check: also_in_tests(
            &[Rust, Python, Go, Java],
            concat!(
                r"#\[ignore\b|@(?:pytest\.mark\.|unittest\.)skip\w*\b|\bpytest\.skip\s*\(",
                r"|\bt\.Skip(?:f|Now)?\s*\(|@(?:Disabled|Ignore)\b",
            ),
        ),
        ..BASE
    },
    Rule {
        id: "tests-skipped-js",
        lenses: &[Review, Governance, Integrity],
        must_fix: &[Review, Integrity],
        what: "A test is switched off, or others are by marking it as the only one",
        suggestion: "Fix the test, or name the issue that will.",
        check: also_in_tests(
            &[JavaScript],
            r"\b(?:it|test|describe|context)\.(?:skip|only)\s*\(|(?:^|[^.\w])(?:xit|xdescribe|fit|fdescribe)\s*\(",
        ),
        ..BASE
    },
];

/// One hit, on the file with the most new code, if `matches` the lines of code added and no test is touched.
fn untested(change: &Change<'_>, matches: fn(usize) -> bool) -> Vec<Hit> {
    if change.files.iter().any(touches_tests) {
        return Vec::new();
    }
    let sources = change.files.iter().filter(|view| view.place.is_source());
    let counts: Vec<_> = sources.map(|view| (code_lines(view), view)).collect();
    let total = counts.iter().map(|(lines, _)| lines).sum();
    let most = counts.into_iter().rev().max_by_key(|(lines, _)| *lines).filter(|_| matches(total));
    most.map(|(_, view)| view.hit().with(format!("{total} added lines of code"))).into_iter().collect()
}

/// Added lines that are neither empty nor comments.
fn code_lines(view: &View<'_>) -> usize {
    let is_code = |text: &str| {
        !text.trim().is_empty() && {
            let seen = code::view(text, view.place.language, Sees::Uncommented);
            seen.iter().any(|byte| !byte.is_ascii_whitespace())
        }
    };
    view.file.added().filter(|line| is_code(&line.text)).count()
}

/// True for a test file with additions, and for tests that live in the file that they test.
fn touches_tests(view: &View<'_>) -> bool {
    let inline = || {
        let marks = ["#[test]", "#[cfg(test)]", "::test]", "::test(", "mod tests", "proptest!"];
        let marked = |text: &str| marks.iter().any(|mark| text.contains(mark));
        let near = |hunk: &bsm_diff::Hunk| {
            let added = hunk.lines.iter().any(|line| line.old.is_none());
            added
                && (marked(&hunk.section)
                    || hunk.lines.iter().any(|line| line.new.is_some() && marked(&line.text)))
        };
        view.file.path().ends_with(".rs") && view.file.hunks.iter().any(near)
    };
    (view.place.test && view.file.additions > 0) || inline()
}
