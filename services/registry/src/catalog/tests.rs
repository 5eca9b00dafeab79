//! What is refused in registry.yaml and the definitions, where, and with which fix.

use std::path::Path;

use bsm_runtime::diagnostic::{Diagnostic, Findings, Severity, Strictness};

use super::*;
use crate::{files::Files, load_on};

mod broken;

const ENTRY: &str = "  - id: a
    name: A
    category: system
    contexts: { allowed: [api, ci] }
    expose: { selectable: true, internal_only: false }
    risk: { level: low, rationale: It only writes text. }
    approval: { required: false, type: none, approvers: [] }
    startup: { auto_start: false, allowed_profiles: [development] }
    healthcheck: { endpoint: /api/agents/a/health, interval_seconds: 60 }
";
const DEFINITION: &str = "id: a\nname: A\nrole: Reviewer\nversion: 1\n";

fn registry() -> String {
    format!("version: \"1\"\nagents:\n{ENTRY}")
}

/// Joins texts on 2026-06-01.
fn joined(
    registry: &str,
    definitions: &[&str],
    strictness: Strictness,
) -> (Option<Catalog>, Vec<Diagnostic>) {
    let definitions = definitions.iter().enumerate();
    let files = Files {
        registry: Findings::new("registry.yaml", registry, strictness),
        definitions: definitions
            .map(|(n, text)| Findings::new(format!("{n}.yaml"), *text, strictness))
            .collect(),
        found: Vec::new(),
    };
    join(files, "2026-06-01".parse().unwrap())
}

/// The findings as `file:line:column severity field: message`.
fn found(registry: &str, definitions: &[&str]) -> Vec<String> {
    let (catalog, found) = joined(registry, definitions, Strictness::Strict);
    assert_eq!(catalog.is_none(), found.iter().any(|finding| finding.severity == Severity::Error));
    found.iter().map(line).collect()
}

fn line(finding: &Diagnostic) -> String {
    let Diagnostic { file, line, column, severity, field, message, .. } = finding;
    format!("{file}:{line}:{column} {severity} {field}: {message}")
}

/// What is found when `from` in the entry reads `to` instead.
fn entry(from: &str, to: &str) -> Vec<String> {
    let registry = registry();
    assert!(registry.contains(from), "{from}");
    found(&registry.replacen(from, to, 1), &[DEFINITION])
}

/// What is found when `more` is added to the definition.
fn definition(more: &str) -> Vec<String> {
    found(&registry(), &[&format!("{DEFINITION}{more}")])
}

#[test]
fn what_is_right_is_joined_without_a_finding() {
    let (catalog, found) = joined(&registry(), &[DEFINITION], Strictness::Strict);
    assert!(found.is_empty(), "{found:#?}");
    let catalog = catalog.unwrap();
    let agent = catalog.get("a").unwrap();
    assert_eq!(agent.definition.written["version"], 1);
    assert!(agent.governance.is_some() && catalog.get("b").is_none());
    assert_eq!(catalog.registered().count(), 1);
}

#[test]
fn an_approval_that_is_required_with_a_kind_and_a_person_is_right() {
    let right = entry(
        "required: false, type: none, approvers: []",
        "required: true, type: manual, approvers: [admins]",
    );
    assert_eq!(right, [""; 0]);
}

#[test]
fn unknown_fields_are_errors_when_strict_and_warnings_when_lenient() {
    let registry = registry().replace("    name: A\n", "    name: A\n    colour: blue\n");
    let (catalog, strict) =
        joined(&registry, &[DEFINITION, "id: b\nname: B\nrole: R\nauthor: me\n"], Strictness::Strict);
    assert!(catalog.is_none());
    let seen: Vec<String> = strict.iter().map(line).collect();
    assert!(
        seen.contains(
            &"registry.yaml:5:5 error agents[0].colour: there is no field \"colour\" here".to_owned()
        )
    );
    assert!(
        seen.contains(&"1.yaml:4:1 error author: there is no field \"author\" here".to_owned()),
        "{seen:#?}"
    );
    let (catalog, lenient) =
        joined(&registry, &[DEFINITION, "id: b\nname: B\nrole: R\nauthor: me\n"], Strictness::Lenient);
    assert!(catalog.is_some());
    assert!(
        lenient.iter().all(|finding| finding.severity == Severity::Warning) && lenient.len() == 3,
        "{lenient:#?}"
    );
}

#[test]
fn a_duplicate_key_is_refused_at_its_second_place() {
    let found = entry("    name: A\n", "    name: A\n    name: B\n");
    let expected =
        "registry.yaml:5:5 error agents[0].name: \"name\" is given twice; it is already at line 4, column 5";
    assert_eq!(found, [expected]);
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "agents: [&a0 [x, x, x, x, x, x, x, x, x, x]".to_owned();
    for n in 1..12 {
        text.push_str(&format!(",\n  &a{n} [{}]", vec![format!("*a{}", n - 1); 10].join(", ")));
    }
    let found = found(&format!("{text}]\n"), &[DEFINITION]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("the file unfolds to more than 32 MiB") && found[0].starts_with("registry.yaml:6:")
    );
}

#[test]
fn a_duplicate_id_is_refused_in_the_registry_and_among_definitions() {
    let twice = format!("{}{ENTRY}", registry());
    assert_eq!(
        found(&twice, &[DEFINITION, DEFINITION]),
        [
            "registry.yaml:12:9 error agents[1].id: the id a is taken by the entry at line 3",
            "1.yaml:1:5 error id: the agent a is already defined in 0.yaml, line 1",
        ]
    );
}

#[test]
fn an_entry_without_a_definition_is_an_error() {
    let other = "id: b\nname: B\nrole: R\n";
    assert_eq!(
        found(&registry(), &[other]),
        [
            "registry.yaml:3:9 error agents[0].id: the agent a has no definition",
            "0.yaml:1:5 warning id: the agent b has no entry in registry.yaml; it is listed but never run",
        ]
    );
}

#[test]
fn a_definition_that_cannot_be_read_is_not_reported_as_missing_too() {
    let broken = Files {
        registry: Findings::new("registry.yaml", registry(), Strictness::Strict),
        definitions: vec![Findings::new("definitions/a.yaml", "id: [", Strictness::Strict)],
        found: Vec::new(),
    };
    let (_, found) = join(broken, "2026-06-01".parse().unwrap());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].file, "definitions/a.yaml");
}

#[test]
fn a_definition_without_an_entry_is_a_warning_and_is_kept() {
    let (catalog, found) =
        joined(&registry(), &["id: b\nname: B\nrole: R\n", DEFINITION], Strictness::Strict);
    assert_eq!((found.len(), found[0].severity), (1, Severity::Warning));
    let catalog = catalog.unwrap();
    let ids: Vec<&str> = catalog.agents().iter().map(|agent| agent.definition.id.as_str()).collect();
    assert_eq!(ids, ["b", "a"]);
    assert_eq!(catalog.get("b").unwrap().governance, None);
    assert_eq!(catalog.registered().count(), 1);
}

#[test]
fn a_registry_with_mistakes_does_not_cause_warnings_about_definitions() {
    let found = found("agents: 5\n", &[DEFINITION]);
    let expected = "registry.yaml:1:9 error agents: the number 5 stands where a list, each item a map of its fields is needed";
    assert_eq!(found, [expected]);
}

#[test]
fn a_registry_without_agents_is_refused() {
    assert_eq!(found("agents: []\n", &[])[0], "registry.yaml:1:9 error agents: the list is empty");
    assert_eq!(found("version: \"1\"\n", &[])[0], "registry.yaml:1:1 error agents: this field is missing");
    assert_eq!(found("", &[])[0], "registry.yaml:0:0 error : the file is empty");
}

#[test]
fn a_mistake_in_a_template_is_told_at_its_line_of_the_file() {
    for (more, expected) in [
        ("systemPrompt: |\n  Hello\n  {{ agentName\n", "7:3 error systemPrompt: this is not a template: "),
        ("userPrompt: |\n\n  {% if input %}\n", "7:3 error userPrompt: this is not a template: "),
        (
            "userPrompt: |\n  Hello\n  {{ inptu }}\n",
            "7:3 warning userPrompt: no prompt has a variable `inptu`; it would show as nothing",
        ),
    ] {
        let found = definition(more);
        assert_eq!(found.len(), 1, "{more}: {found:#?}");
        assert!(found[0].starts_with(&format!("0.yaml:{expected}")), "{more}: {found:#?}");
    }
}

#[test]
fn what_a_definition_may_say_is_not_reported() {
    for more in [
        "conditions: { min_approvals: 1, anything: [goes] }\n",
        "lifecycle: { review_by: 2026-06-01, reviewed_last: \"2026-01-01\" }\n",
        "contexts: { allowed: [ci, api] }\nrisk: { level: low }\nexpose: { selectable: true }\n",
        "modelProvider: openai\nmodelKey: x\nmodelName: y\ntask: code_review\ncomplexity: high\n",
        "systemPrompt: |\n  {{ payload.x.y }} {% for n in range(3) %}{{ n | untrusted(\"n\") }}{% endfor %}\n",
        "description: ~\n",
    ] {
        assert_eq!(definition(more), [""; 0], "{more}");
    }
}

#[test]
fn every_mistake_of_all_files_comes_at_once() {
    let registry =
        registry().replace("level: low", "level: huge").replace("auto_start: false", "auto_start: true");
    let found = found(&registry, &["id: a\nrole: R\nanswer: 1\n", "id: [\n", "- 1\n"]);
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn the_version_follows_the_content() {
    let version = |definition: &str| {
        let (catalog, found) = joined(&registry(), &[definition], Strictness::Strict);
        catalog.unwrap_or_else(|| panic!("{found:#?}")).version().to_owned()
    };
    assert_eq!(version(DEFINITION), version(DEFINITION));
    assert_ne!(version(DEFINITION), version(&format!("{DEFINITION}# why\n")));
    assert_eq!(version(DEFINITION).len(), 16);
}

#[test]
fn the_delivered_agents_are_without_a_finding() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents");
    let (catalog, found) = load_on(&dir, Strictness::Strict, "2026-12-01".parse().unwrap());
    assert!(found.is_empty(), "{}", found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
    let catalog = catalog.unwrap();
    assert_eq!(catalog.agents().len(), 14);
    assert_eq!(catalog.registered().count(), 14);
}
