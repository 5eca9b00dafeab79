//! Every rule of the two files broken, one at a time: exactly what is said, where, and what would be right; and whether
//! an editor that goes by the JSON Schema says so, too.
//!
//! The cases are in two text files. In a case `-` is what is replaced (`@ALL` the whole file, `@TWICE` nothing: the entry
//! comes once more), `+` what stands there instead (`\n` begins a line, `@NOTHING` is nothing), `!` a finding and `>` its fix.

use bsm_runtime::yaml;
use serde_json::Value;

use super::*;
use crate::schema::{Kind, schema};

const REGISTRY_RULES: &str = include_str!("registry.rules");
const DEFINITION_RULES: &str = include_str!("definition.rules");

/// Every field there is.
const WHOLE_REGISTRY: &str = r#"version: "1"
agents:
  - id: a
    name: A
    category: system
    role: reviewer
    execution: { runtime: any }
    safety: { mode: safe, requires_approval: false }
    contexts: { allowed: [api, ci] }
    expose: { selectable: true, internal_only: false }
    risk: { level: low, rationale: It only writes text. }
    approval: { required: false, type: none, approvers: [] }
    startup: { auto_start: false, allowed_profiles: [development] }
    healthcheck: { endpoint: /api/agents/a/health, interval_seconds: 60 }
    network: { outbound: [example.com] }
    protected: true
"#;
const WHOLE_DEFINITION: &str = r#"id: a
name: A
role: Reviewer
version: 1.0.0
description: It reads.
status: active
modelProvider: openai
modelKey: K
modelName: m
task: code_review
complexity: low
answer: review
capabilities: [reading]
actions: [label.add]
instructions: Be kind.
systemPrompt: "{{ agentName }}"
userPrompt: "{{ input }}"
conditions: { min_approvals: 1 }
ownership: { team: x }
lifecycle: { review_by: 2027-01-01, reviewed_last: 2026-01-01 }
contexts: { allowed: [ci, api] }
safety: { mode: safe }
risk: { level: low }
approval: { required: false }
expose: { selectable: true }
"#;

/// A file with one rule broken.
struct Case<'t> {
    rule: &'t str,
    text: String,
    said: Vec<&'t str>,
    schema_refuses: bool,
}

fn cases<'t>(of: &'t str, whole: &str) -> Vec<Case<'t>> {
    let blocks = of.split("## ").filter(|block| !block.trim().is_empty());
    blocks.map(|block| Case::read(block, whole)).collect()
}

impl<'t> Case<'t> {
    fn read(block: &'t str, whole: &str) -> Case<'t> {
        let mut lines = block.trim_end().lines();
        let rule = lines.next().unwrap();
        let mut written = |mark: &str| {
            lines.next().unwrap().strip_prefix(mark).unwrap().replace("\\n", "\n").replace("@NOTHING", "")
        };
        let (from, to) = (written("- "), written("+ "));
        let text = match from.as_str() {
            "@ALL" => to,
            "@TWICE" => format!("{whole}{}", whole.split_once("agents:\n").unwrap().1),
            from => {
                assert_eq!(whole.matches(from).count(), 1, "{rule}: {from}");
                whole.replace(from, &to)
            }
        };
        let schema_refuses = lines.next().unwrap() == "schema refuses";
        Case { rule, text, said: lines.collect(), schema_refuses }
    }
}

/// What is found in the two files, as the cases write it.
fn said(registry: &str, definition: &str) -> Vec<String> {
    let (_, found) = joined(registry, &[definition], Strictness::Strict);
    let one = |finding: &Diagnostic| {
        let Diagnostic { line, column, severity, field, message, fix, .. } = finding;
        let file = if finding.file == "registry.yaml" { "registry" } else { "definition" };
        [format!("! {file}:{line}:{column} {severity} {field}: {message}"), format!("> {fix}")]
    };
    found.iter().flat_map(one).collect()
}

fn as_json(text: &str) -> Option<Value> {
    let mut findings = Findings::new("x.yaml", text, Strictness::Strict);
    yaml::read(&mut findings).map(|root| root.to_json())
}

fn hold(kind: Kind, cases: &[Case<'_>], said: impl Fn(&str) -> Vec<String>) {
    let schema = jsonschema::validator_for(&schema(kind)).unwrap();
    let mut wrong = Vec::new();
    for Case { rule, text, said: expected, schema_refuses } in cases {
        let found = said(text);
        if found != *expected {
            wrong.push(format!("## {rule}\n{}", found.join("\n")));
        }
        assert!(!found.is_empty(), "{rule}: nothing is said");
        let refused = as_json(text).is_some_and(|json| !schema.is_valid(&json));
        assert_eq!(refused, *schema_refuses, "the schema: {rule}");
    }
    assert!(wrong.is_empty(), "said is:\n{}", wrong.join("\n\n"));
}

#[test]
fn every_rule_of_registry_yaml_is_told_exactly() {
    let cases = cases(REGISTRY_RULES, WHOLE_REGISTRY);
    hold(Kind::Registry, &cases, |text| said(text, DEFINITION));
}

#[test]
fn every_rule_of_a_definition_is_told_exactly() {
    let cases = cases(DEFINITION_RULES, WHOLE_DEFINITION);
    hold(Kind::Definition, &cases, |text| said(WHOLE_REGISTRY, text));
}

#[test]
fn what_is_right_is_right_for_the_schema_too() {
    assert_eq!(said(WHOLE_REGISTRY, WHOLE_DEFINITION), [""; 0]);
    let agents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents");
    let delivered = |name: &str| std::fs::read_to_string(agents.join(name)).unwrap();
    let folder = std::fs::read_dir(agents.join("definitions")).unwrap();
    let mut definitions: Vec<_> =
        folder.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    definitions.extend(
        [WHOLE_DEFINITION, DEFINITION, "id: b\nname: B\nrole: R\ntask: ~\nversion: ~\n"].map(str::to_owned),
    );
    let registries = [delivered("registry.yaml"), WHOLE_REGISTRY.to_owned(), registry()];
    for (kind, files) in [(Kind::Registry, &registries[..]), (Kind::Definition, &definitions[..])] {
        let schema = jsonschema::validator_for(&schema(kind)).unwrap();
        for text in files {
            let json = as_json(text).unwrap();
            let refused: Vec<_> = schema.iter_errors(&json).map(|error| error.to_string()).collect();
            assert_eq!(refused, [""; 0], "{text}");
        }
    }
}
