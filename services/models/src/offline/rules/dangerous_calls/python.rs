//! Python.

use super::BASE;
use crate::offline::language::Language::{Python, Settings};
use crate::offline::rule::Severity::Medium;
use crate::offline::rule::{Check, Rule};

pub(in crate::offline::rules) const RULES: &[Rule] = &[
    Rule {
        id: "python-eval",
        what: "Text is run as code",
        suggestion: "Use ast.literal_eval for data, or a fixed table of functions.",
        check: Check::code(&[Python], r"(?:^|[^.\w])(?:eval|exec)\s*\(").unless(r"\bdef\s+(?:eval|exec)\b"),
        ..BASE
    },
    Rule {
        id: "python-shell-true",
        what: "A process is started through a shell",
        suggestion: "Pass the command as a list and leave shell=True out.",
        check: Check::code(&[Python], r"\bshell\s*=\s*True\b"),
        ..BASE
    },
    Rule {
        id: "python-os-system",
        severity: Medium,
        what: "A command is run through a shell",
        suggestion: "Use subprocess.run with a list of arguments and check=True.",
        check: Check::code(&[Python], r"\bos\.(?:system|popen)\s*\(|\bcommands\.getoutput\s*\("),
        ..BASE
    },
    Rule {
        id: "python-unpickle",
        what: "Data is read in a format that can run code",
        suggestion: "Use JSON or another pure data format, or check a signature before loading.",
        check: Check::code(
            &[Python],
            r"\b(?:c?[pP]ickle|dill|marshal|shelve|joblib)\.(?:loads?|Unpickler|open)\s*\(",
        ),
        ..BASE
    },
    Rule {
        id: "python-yaml-load",
        what: "YAML is loaded in a way that can run code",
        suggestion: "Use yaml.safe_load.",
        check: Check::code(&[Python], r"\byaml\.(?:unsafe_load|full_load|load)(?:_all)?\s*\(")
            .unless(r"\b(?:C?SafeLoader|C?BaseLoader)\b"),
        ..BASE
    },
    Rule {
        id: "python-debug-on",
        severity: Medium,
        what: "Debug mode is switched on",
        suggestion: "Read it from the environment, with off as the default.",
        check: Check::code(
            &[Python, Settings],
            r"(?i)\brun\s*\([^)]*\bdebug\s*=\s*True\b|^\s*(?:APP_|FLASK_|DJANGO_)?DEBUG\s*=\s*(?:True|1|on)\b",
        ),
        ..BASE
    },
    Rule {
        id: "python-autoescape-off",
        severity: Medium,
        what: "A template engine no longer escapes HTML",
        suggestion: "Leave autoescape on and mark the few safe values.",
        check: Check::code(&[Python], r"\bautoescape\s*=\s*False\b|\bmark_safe\s*\("),
        ..BASE
    },
];
