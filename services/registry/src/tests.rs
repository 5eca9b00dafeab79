//! Opening the registry: the hard gate.

use std::{path::PathBuf, sync::Arc};

use bsm_runtime::{
    drain::Drain,
    metrics::Metrics,
    role::Role,
    settings::{Layers, Settings},
};

use super::*;

fn process(agents_dir: PathBuf) -> Process {
    process_of(|settings| settings.agents_dir = agents_dir)
}

/// A process that keeps its state in this folder.
pub(crate) fn process_in(data_dir: &Path) -> Process {
    process_of(|settings| settings.data_dir = data_dir.to_owned())
}

pub(crate) fn process_of(change: impl FnOnce(&mut Settings)) -> Process {
    let mut settings = Settings::from_layers(&Layers::read(None, |_| None, &[])).unwrap();
    change(&mut settings);
    let drain = Drain::new(settings.grace);
    Process::new(Role::Registry, Arc::new(settings), drain, Metrics::default())
}

fn delivered() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents")
}

#[tokio::test]
async fn the_delivered_agents_open() {
    assert!(open(&process(delivered())).await.is_ok());
}

#[tokio::test]
async fn files_with_errors_do_not_open_and_every_finding_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("definitions")).unwrap();
    std::fs::write(dir.path().join("registry.yaml"), "agents: 5\nowner: me\n").unwrap();
    std::fs::write(dir.path().join("definitions/a.yaml"), "id: a\nname: A\n").unwrap();
    let refused = open(&process(dir.path().to_owned())).await.err().map(|error| error.to_string()).unwrap();
    assert!(
        refused.starts_with("the agents in ") && refused.contains("are not usable (3 errors)\n"),
        "{refused}"
    );
    for part in [
        "registry.yaml:1:9: error: agents: ",
        "registry.yaml:2:1: error: owner: ",
        "a.yaml:1:1: error: role: ",
        "fix: ",
    ] {
        assert!(refused.contains(part), "{part} in {refused}");
    }
}

#[tokio::test]
async fn a_missing_folder_is_said_to_be_missing() {
    let dir = tempfile::tempdir().unwrap();
    let refused =
        open(&process(dir.path().join("agents"))).await.err().map(|error| error.to_string()).unwrap();
    assert!(
        refused.contains("agents/registry.yaml: error: the file is missing, and so is its folder"),
        "{refused}"
    );
}

/// A figure to keep an eye on, not a limit that a busy machine could break: quadratic work would take minutes.
#[test]
fn five_thousand_agents_are_read_in_linear_time() {
    let mut registry = "agents:\n".to_owned();
    let mut files = Vec::new();
    for n in 0..5000 {
        registry.push_str(&format!(
            "  - id: agent-{n}\n    name: A\n    category: system\n    contexts: {{ allowed: [api, ci] }}\n    \
             expose: {{ selectable: true, internal_only: false }}\n    risk: {{ level: low, rationale: Only writes text. }}\n    \
             approval: {{ required: false, type: none, approvers: [] }}\n    startup: {{ auto_start: false, \
             allowed_profiles: [development] }}\n    healthcheck: {{ endpoint: /api/agents/agent-{n}/health, \
             interval_seconds: 60 }}\n"
        ));
        files.push(format!(
            "id: agent-{n}\nname: A\nrole: R\nsystemPrompt: |\n  You are {{{{ agentName }}}}.\n"
        ));
    }
    let findings =
        |name: &str, text: &str| bsm_runtime::diagnostic::Findings::new(name, text, Strictness::Strict);
    let files = files::Files {
        registry: findings("registry.yaml", &registry),
        definitions: files.iter().map(|text| findings("a.yaml", text)).collect(),
        found: Vec::new(),
    };
    let start = std::time::Instant::now();
    let (catalog, found) = catalog::join(files, "2026-01-01".parse().unwrap());
    println!("5000 agents in {:?}", start.elapsed());
    assert!(found.is_empty(), "{:#?}", found.first());
    assert_eq!(catalog.unwrap().agents().len(), 5000);
}
