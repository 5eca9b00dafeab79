//! CI workflows: who can make them run what, with which rights.

mod script;

use bsm_diff::LineKind;

use crate::offline::change::{Change, Hit, View};
use crate::offline::lens::Lens::{Governance, Integrity, Security};
use crate::offline::place::Place;
use crate::offline::rule::Severity::{Critical, High, Info, Low, Medium};
use crate::offline::rule::{Check, Family, LineCheck, Rule, Scope, Sees, Shows};

const BASE: Rule = Rule {
    id: "",
    family: Family::Pipelines,
    severity: High,
    lenses: &[Security, Governance, Integrity],
    must_fix: &[Security],
    what: "",
    suggestion: "",
    check: Check::places(is_pipeline, ""),
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "ci-foreign-code-with-secrets",
        severity: Critical,
        what: "A workflow with secrets checks out the code of any pull request",
        suggestion: "Use the pull_request event for foreign code, and pull_request_target only without a checkout.",
        check: Check::Change(foreign_code),
        ..BASE
    },
    Rule {
        id: "ci-pull-request-target",
        severity: Medium,
        what: "A workflow runs for foreign pull requests with this repository's rights",
        suggestion: "Use pull_request, unless the workflow never touches the code of the pull request.",
        check: Check::places(is_pipeline, r"\bpull_request_target\b"),
        ..BASE
    },
    Rule {
        id: "ci-write-all",
        what: "A workflow may write everything",
        suggestion: "Name the permissions it needs, one by one.",
        check: Check::places(is_pipeline, r"\bpermissions:\s*write-all\b"),
        ..BASE
    },
    Rule {
        id: "ci-unpinned-action",
        severity: Medium,
        what: "A workflow runs whatever a branch of somebody else's repository holds",
        suggestion: "Pin the action to a full commit id.",
        check: Check::Line(LineCheck {
            shows: Shows::Name,
            ..LineCheck::new(
                Scope::Places(is_pipeline),
                Sees::Uncommented,
                r#"\buses:\s*["']?([\w.-]+/[\w./-]+@(?:main|master|HEAD|develop|dev|trunk|latest|nightly))\b"#,
            )
        }),
        ..BASE
    },
    Rule {
        id: "ci-secret-shown",
        what: "A workflow writes a secret to its log or to a file",
        suggestion: "Pass it in the environment of the one step that needs it.",
        check: Check::places(
            is_pipeline,
            r"\b(?:echo|printf|print|cat|tee)\b.*\$\{\{\s*(?:secrets\.|toJSON\(secrets)",
        ),
        ..BASE
    },
    Rule {
        id: "ci-script-injection",
        what: "Text that strangers write is put into a script",
        suggestion: "Pass it through `env:` and use the variable, quoted, in the script.",
        check: Check::Change(|change| {
            change.files.iter().filter(|view| view.place.is_pipeline()).flat_map(script::injections).collect()
        }),
        ..BASE
    },
    Rule {
        id: "ci-failure-ignored",
        severity: Low,
        must_fix: &[],
        what: "A step of a workflow may fail unseen",
        suggestion: "Let it fail, or say in a comment why it may.",
        check: Check::places(
            is_pipeline,
            r"\bcontinue-on-error:\s*true\b|\|\|\s*(?:true|:)\s*$|\bif:\s*false\b",
        ),
        ..BASE
    },
    Rule {
        id: "ci-changed",
        severity: Info,
        must_fix: &[],
        what: "A CI workflow changes",
        suggestion: "Somebody who owns the pipelines should look at it.",
        check: Check::Change(|change| change.hits(|view| view.place.is_pipeline())),
        ..BASE
    },
];

fn is_pipeline(place: &Place<'_>) -> bool {
    place.is_pipeline()
}

fn foreign_code(change: &Change<'_>) -> Vec<Hit> {
    change.files.iter().filter(|view| view.place.is_pipeline()).filter_map(foreign_checkout).collect()
}

/// The line that checks out the head, when it or the trigger is new and both are there.
fn foreign_checkout(view: &View<'_>) -> Option<Hit> {
    let after = || view.file.lines().filter(|line| line.kind != LineKind::Removed);
    let of_head = |text: &str| {
        let text = text.trim_start();
        let names_head = text.contains("github.event.pull_request.head") || text.contains("github.head_ref");
        names_head
            && (text.starts_with("ref:") || text.starts_with("repository:") || text.contains("git checkout"))
    };
    let trigger = after().find(|line| line.text.contains("pull_request_target"))?;
    let checkout = after().find(|line| of_head(&line.text))?;
    let new = [trigger, checkout].into_iter().any(|line| line.kind == LineKind::Added);
    new.then(|| view.hit_at(checkout))
}
