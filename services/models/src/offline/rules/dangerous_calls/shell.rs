//! Commands: shell scripts, and the lines of other files that hold commands.

use super::BASE;
use crate::offline::language::Language::{Make, Shell};
use crate::offline::place::Place;
use crate::offline::rule::Severity::Medium;
use crate::offline::rule::{Check, Rule};

pub(in crate::offline::rules) const RULES: &[Rule] = &[
    Rule {
        id: "shell-download-and-run",
        what: "Something is downloaded and run unseen",
        suggestion: "Download a pinned version, check its checksum or signature, then run it.",
        check: Check::places(
            holds_commands,
            concat!(
                r"\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:/bin/)?(?:ba|z|da|k)?sh\b",
                r"|\b(?:ba|z)?sh\s+(?:-c\s+)?<\(\s*(?:curl|wget)|\b(?:ba|z)?sh\s+-c\s+.\$\((?:curl|wget)",
            ),
        ),
        ..BASE
    },
    Rule {
        id: "shell-world-writable",
        severity: Medium,
        what: "A file is made writable for everybody",
        suggestion: "Give the least rights that work, such as 0755 or 0640.",
        check: Check::places(
            holds_commands,
            r"\bchmod\s+(?:-\w+\s+)*(?:[0-7]?777|a\+rwx|a\+w|o\+w|ugo\+rwx)\b",
        ),
        ..BASE
    },
    Rule {
        id: "shell-remove-variable",
        severity: Medium,
        what: "A recursive removal depends on a variable that may be empty",
        suggestion: "Write \"${DIR:?}\" so that an empty variable stops the command, and quote it.",
        check: Check::places(
            holds_commands,
            concat!(
                r"\brm\s+(?:-\w+\s+|--\w+\s+)*(?:-\w*[rR]\w*|--recursive)\s+(?:-\w+\s+)*",
                r#"(?:\$\{?\w+\}?(?:/|\s|$|;|&|\*)|"\$\{?\w+\}?/)"#,
            ),
        ),
        ..BASE
    },
    Rule {
        id: "shell-eval",
        severity: Medium,
        what: "A shell evaluates a string with a variable in it",
        suggestion: "Call the command directly, with its arguments in an array.",
        check: Check::strings(&[Shell, Make], r"(?:^|[;&|]\s*)\s*eval\s+[^#]*\$").unless(
            r#"eval\s+"?\$\((?:ssh-agent|brew|direnv|dircolors|pyenv|rbenv|nodenv|opam|fnm|starship)"#,
        ),
        ..BASE
    },
];

fn holds_commands(place: &Place<'_>) -> bool {
    place.holds_commands()
}
