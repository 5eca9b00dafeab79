//! Mistakes in the file, each at its place.

use bsm_runtime::diagnostic::{Diagnostic, Severity};

use super::*;
use crate::strategy::KnownAgents;

const FILE: &str = "version: 1
panels:
  security: [s]
rules:
  - id: one
    when: { panel: security, says: [block] }
    then: block_pr
    reason: Blocked.
  - id: two
    when: { all: [{ required: succeeded, min_score: 7 }, { ci: [success] }, { change: complete }] }
    then: approve_and_merge
otherwise: { then: manual_review, reason: Nobody knows. }
";

fn read(text: &str) -> (Option<Policy>, Vec<Diagnostic>) {
    let agents: KnownAgents = [("s".to_owned(), vec!["ci".to_owned()])].into_iter().collect();
    let mut findings = Findings::new("policy.yaml", text, Strictness::Strict);
    let policy = Policy::read(&mut findings, Some(&agents));
    (policy, findings.into_vec())
}

fn expect(old: &str, new: &str, at: (u32, u32), field: &str, message: &str) {
    assert!(FILE.contains(old), "{old}");
    let (policy, found) = read(&FILE.replacen(old, new, 1));
    assert_eq!(policy, None, "a file with an error is not used");
    let found: Vec<_> =
        found.iter().map(|d| ((d.line, d.column), d.field.as_str(), d.message.as_str())).collect();
    assert_eq!(found, [(at, field, message)]);
}

#[test]
fn a_good_file_is_read() {
    let (policy, found) = read(FILE);
    assert_eq!(found, []);
    assert_eq!(policy.unwrap().version().len(), 12);
}

#[test]
fn every_kind_of_mistake_is_found_at_its_place() {
    expect("[s]", "[x]", (3, 14), "panels.security[0]", "agent \"x\" is not in registry.yaml");
    expect("[s]", "[]", (3, 13), "panels.security", "there are no agents");
    expect(
        "security: [s]",
        "security: [s]\n  any: [s]",
        (4, 3),
        "panels.any",
        "the panel `any` is that of all agents and cannot be defined",
    );
    expect(
        "panel: security",
        "panel: securty",
        (6, 20),
        "rules[0].when.panel",
        "\"securty\" is not an allowed value",
    );
    expect("[block]", "[]", (6, 36), "rules[0].when.says", "the list is empty");
    expect(", says: [block]", "", (6, 11), "rules[0].when.says", "this field is missing");
    expect("[block]", "[blok]", (6, 37), "rules[0].when.says[0]", "\"blok\" is not an allowed value");
    expect("then: block_pr", "then: block", (7, 11), "rules[0].then", "\"block\" is not an allowed value");
    expect("id: two", "id: one", (9, 5), "rules[1].id", "a rule \"one\" is there already");
    expect("id: two", "id: otherwise", (9, 5), "rules[1].id", "a rule \"otherwise\" is there already");
    expect(
        "min_score: 7",
        "min_score: 11",
        (10, 53),
        "rules[1].when.all[0].min_score",
        "the number 11 stands where a number from 0 to 10 is needed",
    );
    expect(
        "[success]",
        "[green]",
        (10, 65),
        "rules[1].when.all[1].ci[0]",
        "\"green\" is not an allowed value",
    );
    expect(
        "then: manual_review",
        "then: approve_and_merge",
        (12, 20),
        "otherwise.then",
        "\"approve_and_merge\" is not an allowed value",
    );
    expect(
        "reason: Blocked.",
        "reson: Blocked.",
        (8, 5),
        "rules[0].reson",
        "there is no field \"reson\" here",
    );
}

#[test]
fn a_condition_has_exactly_one_form() {
    let message = |given| {
        format!(
            "a condition has one of panel, finding, change, required, ci, gate, all, any, not, and this has {given}"
        )
    };
    expect("{ panel: security, says: [block] }", "{}", (6, 11), "rules[0].when", &message(0));
    expect(
        "{ panel: security, says: [block] }",
        "{ finding: high, change: missing }",
        (6, 11),
        "rules[0].when",
        &message(2),
    );
}

#[test]
fn every_mistake_comes_at_once() {
    let text = FILE
        .replace("[s]", "[x]")
        .replace("block_pr", "stop")
        .replace("[success]", "[]")
        .replace("version: 1", "version: one");
    let lines: Vec<_> = read(&text).1.iter().map(|diagnostic| diagnostic.line).collect();
    assert_eq!(lines, [1, 3, 7, 10]);
}

/// The warnings about a rule that approves under a condition.
fn warned(when: &str) -> Vec<String> {
    let text = format!(
        "version: 1\npanels: {{security: [s]}}\nrules:\n  - {{id: it, when: {when}, then: approve_and_merge}}\notherwise: {{then: manual_review}}\n"
    );
    let (policy, found) = read(&text);
    assert!(policy.is_some(), "a warning does not keep the file from being used: {found:#?}");
    assert!(found.iter().all(|d| d.severity == Severity::Warning && d.line == 4 && !d.fix.is_empty()));
    found.into_iter().map(|d| d.message).collect()
}

#[test]
fn an_approval_that_does_not_ask_for_the_whole_change_or_for_any_agent_is_warned_about() {
    let unseen = "the rule \"it\" approves without asking whether the whole change was seen";
    let unasked = "the rule \"it\" approves without asking any agent";
    let none: [&str; 0] = [];
    for (when, expected) in [
        ("{all: [{change: complete}, {required: succeeded}]}", &none[..]),
        ("{all: [{change: complete}, {panel: security, says: [approve]}]}", &none),
        ("{all: [{all: [{change: complete}, {gate: none_pending}]}, {required: succeeded}]}", &none),
        ("{change: complete}", &[unasked]),
        ("{required: succeeded}", &[unseen]),
        ("{all: [{change: complete}, {panel: security, says: [approve, block]}]}", &[unasked]),
        ("{any: [{change: complete}, {required: succeeded}]}", &[unseen, unasked]),
        ("{not: {all: [{change: complete}, {required: succeeded}]}}", &[unseen, unasked]),
    ] {
        assert_eq!(warned(when), expected, "{when}");
    }
}
