//! What should have been cleaned up before the change was sent.

use crate::offline::language::Language::{JavaScript, Php, Python, Ruby, Rust};
use crate::offline::language::PROGRAMS;
use crate::offline::lens::Lens::{Integrity, Review};
use crate::offline::rule::Severity::{High, Info, Low};
use crate::offline::rule::{Check, Family, LineCheck, Rule, Scope, Sees, There};

const BASE: Rule = Rule {
    id: "",
    family: Family::Leftovers,
    severity: Low,
    lenses: &[Review],
    must_fix: &[],
    what: "",
    suggestion: "",
    check: Check::code(&[], ""),
};

const fn outside_tests(check: LineCheck) -> Check {
    Check::Line(LineCheck { in_tests: There::Quiet, ..check })
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "leftover-conflict",
        severity: High,
        lenses: &[Review, Integrity],
        what: "The mark of an unresolved merge conflict is added",
        suggestion: "Resolve the conflict and build again.",
        check: Check::Line(LineCheck {
            in_tests: There::Same,
            in_docs: There::Same,
            ..LineCheck::new(Scope::Anywhere, Sees::All, r"^(?:<{7}|>{7}|\|{7})(?: |$)")
        }),
        ..BASE
    },
    Rule {
        id: "leftover-debugger",
        what: "A debugging aid is left in",
        suggestion: "Remove it, or use the log.",
        check: outside_tests(LineCheck::new(
            Scope::Languages(&[JavaScript, Python, Rust, Ruby, Php]),
            Sees::Code,
            concat!(
                r"\bdbg!\s*\(|^\s*debugger\s*;?\s*$|\bconsole\.(?:log|debug|trace)\s*\(|\bbreakpoint\s*\(\s*\)",
                r"|\bpdb\.set_trace\s*\(|\bbinding\.pry\b|\bvar_dump\s*\(|\btodo!\s*\(",
            ),
        )),
        ..BASE
    },
    Rule {
        id: "leftover-print",
        what: "Something is printed directly",
        suggestion: "Use the log, unless this is what the program is for.",
        check: outside_tests(LineCheck::new(Scope::Languages(&[Python]), Sees::Code, r"^\s*print\s*\(")),
        ..BASE
    },
    Rule {
        id: "leftover-todo",
        severity: Info,
        what: "A note to self without an issue",
        suggestion: "Open an issue and name it here, or do it now.",
        check: outside_tests(LineCheck {
            unless: r"#\d+|https?://|\b[A-Z]{2,}-\d+",
            ..LineCheck::new(Scope::Languages(PROGRAMS), Sees::All, r"(?:^|[^\w!.])(?:TODO|FIXME|XXX|HACK)\b")
        }),
        ..BASE
    },
];
