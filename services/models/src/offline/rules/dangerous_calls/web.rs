//! JavaScript and TypeScript, in browsers and on servers.

use super::BASE;
use crate::offline::language::Language::{Html, JavaScript};
use crate::offline::rule::Severity::Medium;
use crate::offline::rule::{Check, Rule};

pub(in crate::offline::rules) const RULES: &[Rule] = &[
    Rule {
        id: "js-eval",
        what: "Text is run as code",
        suggestion: "Parse data with JSON.parse, or call a function by name from a fixed table.",
        check: Check::code(
            &[JavaScript],
            r#"(?:^|[^.\w])eval\s*\(|\bnew\s+Function\s*\(|\bset(?:Timeout|Interval)\s*\(\s*["']"#,
        ),
        ..BASE
    },
    Rule {
        id: "js-exec-interpolated",
        what: "A shell command is put together from variables",
        suggestion: "Use execFile or spawn with an array of arguments and no shell.",
        check: Check::strings(
            &[JavaScript],
            concat!(
                r"(?:child_process\.|\bcp\.|(?:^|[^.\w]))exec(?:Sync)?\s*\(\s*",
                r#"(?:`[^`]*\$\{|"[^"]*"\s*\+|'[^']*'\s*\+)"#,
            ),
        ),
        ..BASE
    },
    Rule {
        id: "js-shell-option",
        severity: Medium,
        what: "A process is started through a shell",
        suggestion: "Leave `shell` out, and pass the arguments as an array.",
        check: Check::code(&[JavaScript], r"\bshell\s*:\s*true\b"),
        ..BASE
    },
    Rule {
        id: "js-raw-html",
        severity: Medium,
        what: "Text is put into a page as HTML",
        suggestion: "Use textContent, or sanitise the HTML first.",
        check: Check::code(
            &[JavaScript, Html],
            concat!(
                r"\.(?:inner|outer)HTML\s*\+?=(?:[^=]|$)|\bdangerouslySetInnerHTML\b|\bdocument\.write(?:ln)?\s*\(",
                r"|\.insertAdjacentHTML\s*\(|\bv-html\s*=",
            ),
        )
        .unless(r#"HTML\s*=\s*["'`]\s*["'`]"#),
        ..BASE
    },
    Rule {
        id: "js-weak-random",
        severity: Medium,
        what: "A secret is made from predictable random numbers",
        suggestion: "Use crypto.getRandomValues or crypto.randomUUID.",
        check: Check::code(
            &[JavaScript],
            r"(?i)(?:token|secret|password|nonce|session|otp|salt)\w*\s*[=:(].*\bMath\.random\s*\(",
        ),
        ..BASE
    },
];
