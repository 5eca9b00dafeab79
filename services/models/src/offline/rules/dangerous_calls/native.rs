//! Rust, C and C++: memory, and processes.

use super::BASE;
use crate::offline::language::Language::{C, Rust};
use crate::offline::rule::Severity::Medium;
use crate::offline::rule::{Check, Rule};

pub(in crate::offline::rules) const RULES: &[Rule] = &[
    Rule {
        id: "rust-unsafe",
        severity: Medium,
        must_fix: &[],
        what: "Unsafe code is added",
        suggestion: "State in a SAFETY comment why it is sound, keep it small, or use a safe crate.",
        check: Check::code(&[Rust], r"\bunsafe\s*(?:\{|fn\b|impl\b|trait\b|extern\b)"),
        ..BASE
    },
    Rule {
        id: "rust-transmute",
        what: "A value is reinterpreted as another type",
        suggestion: "Use from_ne_bytes, as_chunks or a cast that is checked.",
        check: Check::code(&[Rust], r"\btransmute(?:_copy)?\s*(?:::\s*<|\()|\bfrom_utf8_unchecked\s*\("),
        ..BASE
    },
    Rule {
        id: "rust-shell",
        severity: Medium,
        what: "A process is started through a shell",
        suggestion: "Name the program in Command::new and give each argument with arg.",
        check: Check::strings(
            &[Rust],
            r#"\bCommand::new\s*\(\s*"(?:/bin/|/usr/bin/)?(?:sh|bash|zsh|cmd|cmd\.exe|powershell|pwsh)""#,
        ),
        ..BASE
    },
    Rule {
        id: "c-unbounded-copy",
        what: "A copy does not know the size of its target",
        suggestion: "Use snprintf, strlcpy or a string type that knows its length.",
        check: Check::code(&[C], r"\b(?:strcpy|strcat|sprintf|vsprintf|gets|stpcpy)\s*\("),
        ..BASE
    },
    Rule {
        id: "c-system",
        severity: Medium,
        what: "A command is run through a shell",
        suggestion: "Use posix_spawn or execve with an array of arguments.",
        check: Check::code(&[C], r"(?:^|[^.>\w])(?:std::)?(?:system|popen)\s*\("),
        ..BASE
    },
    Rule {
        id: "c-format-variable",
        severity: Medium,
        what: "A variable is used as a format string",
        suggestion: "Write printf(\"%s\", text).",
        check: Check::code(
            &[C],
            r"\bprintf\s*\(\s*[A-Za-z_]\w*\s*\)|\bfprintf\s*\(\s*\w+\s*,\s*[A-Za-z_]\w*\s*\)",
        ),
        ..BASE
    },
];
