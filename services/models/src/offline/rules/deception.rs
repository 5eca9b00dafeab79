//! Text that is not what it seems: to a person, to a reviewer, or to whoever reads the diff.
//!
//! The rules about hidden characters know each as it is, in UTF-8, and as `bsm_diff::hidden` shows it: a reviewer of
//! the mesh is sent the latter.

use crate::offline::change::{Change, Hit};
use crate::offline::lens::Lens::{Governance, Integrity, Review, Security};
use crate::offline::rule::Severity::{Critical, High, Medium};
use crate::offline::rule::{Check, Family, LineCheck, Match, Rule, Scope, Sees, There};

const BASE: Rule = Rule {
    id: "",
    family: Family::Deception,
    severity: Critical,
    lenses: &[Security, Integrity, Review, Governance],
    must_fix: &[Security, Integrity, Review, Governance],
    what: "",
    suggestion: "",
    check: Check::code(&[], ""),
};

const fn text(pattern: &'static str, in_docs: There) -> LineCheck {
    LineCheck { in_tests: There::Same, in_docs, ..LineCheck::new(Scope::Anywhere, Sees::All, pattern) }
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "text-bidirectional-control",
        what: "An invisible character changes the order in which the line is shown",
        suggestion: "Remove it, or write it as an escape; what is shown must be what runs.",
        // U+202A to U+202E and U+2066 to U+2069. In prose they have honest uses.
        check: Check::Line(text(
            concat!(
                r"\xE2\x80[\xAA-\xAE]|\xE2\x81[\xA6-\xA9]",
                r"|\xE2\x9F\xA6U\+(?:202[A-E]|206[6-9])\xE2\x9F\xA7",
            ),
            There::As(Medium),
        )),
        ..BASE
    },
    Rule {
        id: "text-invisible",
        what: "An invisible character is added",
        suggestion: "Remove it, or write it as an escape.",
        // U+200B, U+2060 to U+2064, U+FEFF, U+115F, U+3164, U+FFA0, and the tags U+E0000 to U+E007F.
        check: Check::Line(LineCheck {
            keep: is_no_byte_order_mark,
            ..text(
                concat!(
                    r"\xE2\x80\x8B|\xE2\x81[\xA0-\xA4]|\xEF\xBB\xBF|\xE1\x85\x9F|\xE3\x85\xA4|\xEF\xBE\xA0|\xF3\xA0[\x80\x81]",
                    r"|\xE2\x9F\xA6U\+(?:200B|206[0-4]|FEFF|115F|3164|FFA0|E00[0-7][0-9A-F])\xE2\x9F\xA7",
                ),
                There::As(Medium),
            )
        }),
        ..BASE
    },
    Rule {
        id: "text-addressed-to-reviewer",
        severity: Medium,
        what: "Text in the change is addressed to the reviewer",
        suggestion: "Remove it; a change is judged by what it does, and people should look at this one.",
        check: Check::Line(text(
            concat!(
                r"(?i)\b(?:ignore|disregard|forget)\s+(?:all\s+|any\s+)?(?:of\s+)?(?:the\s+|your\s+|my\s+)?",
                r"(?:previous|prior|above|earlier|preceding|system)\s+(?:instruction|prompt|rule|message|guideline)s?",
                r"|\byou\s+(?:must|should|have\s+to|will)\s+(?:now\s+)?(?:always\s+)?(?:approve|accept|merge)\b",
                r#"|\b(?:respond|reply|answer)\s+(?:only\s+)?with\s+["'`]?(?:approved?|lgtm|score\s*:?\s*10)\b"#,
                r"|\b(?:ai|llm)\s+(?:reviewers?|agents?|assistants?)\b.{0,40}\b(?:approve|ignore|skip|merge)\b",
                r"|\bdo\s+not\s+(?:report|mention|flag)\s+(?:this|these|any)\b.{0,30}\b(?:finding|issue|problem|line|file)",
                // "Ignore the (previous) instructions" in Arabic.
                r"|\xD8\xAA\xD8\xAC\xD8\xA7\xD9\x87\xD9\x84.{0,40}\xD8\xA7\xD9\x84\xD8\xAA\xD8\xB9\xD9\x84\xD9\x8A\xD9\x85\xD8\xA7\xD8\xAA",
            ),
            There::Same,
        )),
        ..BASE
    },
    Rule {
        id: "diff-unread",
        severity: High,
        what: "Part of the diff could not be read, so it was not reviewed",
        suggestion: "Send the diff as git prints it, against one parent.",
        check: Check::Change(unread),
        ..BASE
    },
];

/// A mark at the very beginning of a line is how some editors begin a file.
fn is_no_byte_order_mark(found: &Match<'_>) -> bool {
    let mark = |value: &str| ["\u{feff}", "⟦U+FEFF⟧"].contains(&value);
    !(mark(found.value) && found.line.starts_with(found.value))
}

fn unread(change: &Change<'_>) -> Vec<Hit> {
    change.diff.notes.iter().map(|note| Hit::default().with(note.to_string())).collect()
}
