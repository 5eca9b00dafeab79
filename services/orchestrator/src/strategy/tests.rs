use bsm_runtime::diagnostic::{Diagnostic, Findings, Severity, Strictness};

use super::*;

const FILE: &str = r#"version: 1
strategies:
  pull_request.opened:
    description: "Four eyes."
    context: github
    execution: parallel
    agents: [a, b]
    required: [a]
    deadline_seconds: 60
    step: { timeout_seconds: 5, max_attempts: 3, on_failure: stop }
  default:
    context: system
    execution: sequential
    agents: [b]
"#;

fn agents() -> KnownAgents {
    let entry =
        |id: &str, contexts: &[&str]| (id.to_owned(), contexts.iter().map(|c| (*c).to_owned()).collect());
    [entry("a", &["github"]), entry("b", &["github", "system"])].into_iter().collect()
}

fn read_as(text: &str, strictness: Strictness) -> (Option<Strategies>, Vec<Diagnostic>) {
    let mut findings = Findings::new("events.yaml", text, strictness);
    let strategies = Strategies::read(&mut findings, Some(&agents()));
    (strategies, findings.into_vec())
}

fn read(text: &str) -> (Option<Strategies>, Vec<Diagnostic>) {
    read_as(text, Strictness::Strict)
}

/// What is found after a text in the good file was replaced: places, fields and messages.
fn found(old: &str, new: &str) -> Vec<(u32, u32, String, String)> {
    assert!(FILE.contains(old), "{old}");
    let (strategies, found) = read(&FILE.replacen(old, new, 1));
    assert_eq!(strategies, None, "a file with an error is not used");
    found.into_iter().map(|d| (d.line, d.column, d.field, d.message)).collect()
}

fn one(old: &str, new: &str) -> (u32, u32, String, String) {
    let mut found = found(old, new);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn expect(old: &str, new: &str, at: (u32, u32), field: &str, message: &str) {
    assert_eq!(one(old, new), (at.0, at.1, field.to_owned(), message.to_owned()));
}

#[test]
fn a_good_file_is_read_in_its_order() {
    let (strategies, found) = read(FILE);
    assert_eq!(found, []);
    let strategies = strategies.unwrap();
    let events: Vec<_> = strategies.iter().map(|strategy| strategy.event.as_str()).collect();
    assert_eq!(events, ["pull_request.opened", "default"]);
    assert_eq!(
        *strategies.for_event("pull_request.opened"),
        Strategy {
            event: "pull_request.opened".into(),
            description: "Four eyes.".into(),
            context: "github".into(),
            execution: Execution::Parallel,
            agents: vec!["a".into(), "b".into()],
            required: vec!["a".into()],
            deadline_seconds: 60,
            step: StepRules { timeout_seconds: 5, max_attempts: 3, on_failure: OnFailure::Stop },
        }
    );
}

#[test]
fn what_is_left_out_has_its_default() {
    let strategies = read(FILE).0.unwrap();
    let default = strategies.for_event("no.such_event");
    assert_eq!(default.event, "default");
    assert_eq!(default.required, ["b"], "all agents");
    assert!(default.requires("b") && !default.requires("a"));
    assert_eq!(default.deadline_seconds, 600);
    assert_eq!(
        default.step,
        StepRules { timeout_seconds: 120, max_attempts: 2, on_failure: OnFailure::Continue }
    );
}

#[test]
fn the_version_changes_with_the_text() {
    let version = |text: &str| read(text).0.unwrap().version().to_owned();
    assert_eq!(version(FILE), version(FILE));
    assert_ne!(version(FILE), version(&format!("{FILE}# edited\n")));
    assert_eq!(version(FILE).len(), 12);
}

#[test]
fn a_strategy_survives_the_journal() {
    let strategies = read(FILE).0.unwrap();
    for strategy in strategies.iter() {
        let json = serde_json::to_string(strategy).unwrap();
        assert_eq!(serde_json::from_str::<Strategy>(&json).unwrap(), *strategy);
    }
}

#[test]
fn every_kind_of_mistake_is_found_at_its_place() {
    let opened = "strategies.pull_request.opened";
    let field = |name: &str| format!("{opened}.{name}");
    expect("    context: github\n", "", (4, 5), &field("context"), "this field is missing");
    expect("[a, b]", "[a, c]", (7, 17), &field("agents[1]"), "agent \"c\" is not in registry.yaml");
    expect("[a, b]", "[a, b, a]", (7, 20), &field("agents[2]"), "agent \"a\" is given twice");
    expect("[a, b]", "[]", (7, 13), &field("agents"), "there are no agents");
    expect(
        "required: [a]",
        "required: [z]",
        (8, 16),
        &field("required[0]"),
        "\"z\" is required but not among the agents",
    );
    expect(
        "agents: [b]",
        "agents: [a]",
        (14, 14),
        "strategies.default.agents[0]",
        "agent \"a\" is not allowed in the context system",
    );
    expect(
        "pull_request.opened",
        "Pull Request",
        (3, 3),
        "strategies.Pull Request",
        "\"Pull Request\" cannot name an event",
    );
    expect("  default:", "  other:", (3, 3), "strategies", "there is no strategy `default`");
    expect(
        "deadline_seconds: 60",
        "deadline_seconds: 0",
        (9, 23),
        &field("deadline_seconds"),
        "the number 0 stands where a whole number from 1 to 86400 is needed",
    );
    expect(
        "max_attempts: 3",
        "max_attempts: 11",
        (10, 47),
        &field("step.max_attempts"),
        "the number 11 stands where a whole number from 1 to 10 is needed",
    );
    expect(
        "execution: parallel",
        "execution: paralel",
        (6, 16),
        &field("execution"),
        "\"paralel\" is not an allowed value",
    );
    expect(
        "version: 1",
        "version: 2",
        (1, 10),
        "version",
        "the number 2 stands where a whole number from 1 to 1 is needed",
    );
}

#[test]
fn an_unknown_agent_is_answered_with_the_one_most_likely_meant() {
    let known: KnownAgents = ["code-review-agent", "security-agent"]
        .map(|id| (id.to_owned(), vec!["github".to_owned()]))
        .into_iter()
        .collect();
    let text = "version: 1\nstrategies:\n  default: { context: github, execution: parallel, agents: [securty-agent, x] }\n";
    let mut findings = Findings::new("events.yaml", text, Strictness::Strict);
    assert_eq!(Strategies::read(&mut findings, Some(&known)), None);
    let fixes: Vec<_> = findings.into_vec().into_iter().map(|d| d.fix).collect();
    assert_eq!(
        fixes,
        [
            "did you mean security-agent? Use one of code-review-agent, security-agent, or register it",
            "use one of code-review-agent, security-agent, or register it",
        ]
    );
}

#[test]
fn a_strategy_that_requires_nobody_is_warned_about_because_it_can_never_be_approved() {
    let (strategies, found) = read(&FILE.replace("required: [a]", "required: []"));
    assert_eq!(strategies.unwrap().for_event("pull_request.opened").required, Vec::<String>::new());
    assert_eq!((found.len(), found[0].severity, found[0].line), (1, Severity::Warning, 8));
    assert_eq!(found[0].field, "strategies.pull_request.opened.required");
    assert!(found[0].message.contains("can ever be approved"), "{}", found[0].message);
}

#[test]
fn every_mistake_comes_at_once() {
    let text = FILE
        .replace("[a, b]", "[x, x]")
        .replace("execution: sequential", "execution: both")
        .replace("60", "x");
    let (strategies, found) = read(&text);
    assert_eq!(strategies, None);
    let lines: Vec<_> = found.iter().map(|diagnostic| diagnostic.line).collect();
    assert_eq!(lines, [7, 7, 7, 8, 9, 13], "{found:#?}");
}

#[test]
fn a_duplicate_key_is_an_error() {
    let (line, _, field, message) = one("    agents: [b]\n", "    agents: [b]\n    agents: [b]\n");
    assert_eq!((line, field.as_str()), (15, "strategies.default.agents"));
    assert!(message.contains("given twice"), "{message}");
}

#[test]
fn an_unknown_field_is_an_error_or_when_lenient_a_warning() {
    let text = FILE.replace("description:", "descripton:");
    let (strategies, found) = read(&text);
    assert_eq!((strategies, found.len(), found[0].line, found[0].column), (None, 1, 4, 5));
    assert_eq!(found[0].fix, "did you mean `description`?");
    let (strategies, found) = read_as(&text, Strictness::Lenient);
    assert!(strategies.is_some());
    assert_eq!((found.len(), found[0].severity), (1, Severity::Warning));
}

#[test]
fn agents_are_not_checked_when_none_are_known() {
    let mut findings = Findings::new("events.yaml", FILE.replace("[a, b]", "[a, zzz]"), Strictness::Strict);
    assert!(Strategies::read(&mut findings, None).is_some());
}

#[test]
fn known_agents_are_ids_and_contexts_and_pass_over_what_is_faulty() {
    let text = "agents:\n  - {id: a, contexts: {allowed: [ci, 7]}}\n  - {name: x}\n  - {id: b}\n  - 3\n";
    let mut findings = Findings::new("registry.yaml", text, Strictness::Strict);
    let known = KnownAgents::read(&mut findings).unwrap();
    assert!(known.allows("a", "ci") && !known.allows("a", "api"));
    assert!(known.contains("b") && !known.allows("b", "ci"));
    assert_eq!(findings.into_vec(), []);
    assert_eq!(KnownAgents::read(&mut Findings::new("registry.yaml", "a: [", Strictness::Strict)), None);
}

#[test]
fn names_of_events_have_a_shape() {
    for good in ["default", "pull_request.opened", "a-b.c_9", &"x".repeat(100)] {
        assert!(is_event_name(good), "{good}");
    }
    for bad in ["", "A", "a b", "é", "a/b", &"x".repeat(101)] {
        assert!(!is_event_name(bad), "{bad}");
    }
}

#[test]
fn the_delivered_strategies_are_sound() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../agents");
    let agents =
        KnownAgents::read(&mut Findings::of_file(&folder.join("registry.yaml"), Strictness::Strict)).unwrap();
    let mut findings = Findings::of_file(&folder.join("events.yaml"), Strictness::Strict);
    let strategies = Strategies::read(&mut findings, Some(&agents));
    assert_eq!(findings.into_vec(), []);
    assert_eq!(strategies.unwrap().iter().len(), 8);
}
