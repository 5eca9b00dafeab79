mod delivered;
mod reading;

use serde_json::json;

use super::*;
use crate::{
    answer::{Finding, Opinion, Review, Severity},
    change::{Change, Extent, Seen},
    ci::{Ci, CiState},
};
use bsm_runtime::diagnostic::{Findings, Strictness};

const APPROVE_ALL: &str = "version: 1\nrules:\n  - {id: all, when: {not: {finding: critical}}, then: approve_and_merge, automated: true}\notherwise: {then: manual_review}\n";

fn policy(text: &str) -> Policy {
    let mut findings = Findings::new("policy.yaml", text, Strictness::Strict);
    let policy = Policy::read(&mut findings, None);
    policy.unwrap_or_else(|| panic!("{:#?}", findings.into_vec()))
}

/// A policy of one rule that asks for changes when the condition holds.
fn when(condition: &str) -> Policy {
    let panels = "panels: {security: [s], others: [o]}";
    policy(&format!(
        "version: 1\n{panels}\nrules:\n  - {{id: it, when: {condition}, then: request_changes}}\notherwise: {{then: manual_review}}\n"
    ))
}

fn holds(condition: &str, facts: &Facts) -> bool {
    when(condition).decide(facts).action == Action::RequestChanges
}

fn review(decision: Opinion, score: f64) -> Review {
    Review { decision, score, summary: "Seen.".into(), findings: Vec::new() }
}

fn finding(severity: Severity, file: &str, line: u32, message: &str) -> Finding {
    let line = (line > 0).then_some(line);
    Finding { severity, file: file.into(), line, message: message.into(), suggestion: String::new() }
}

fn step(agent: &str, outcome: Outcome) -> StepFact {
    StepFact { agent: agent.into(), required: true, outcome }
}

fn approved(agent: &str) -> StepFact {
    step(agent, Outcome::Reviewed(review(Opinion::Approve, 9.0)))
}

/// Two required agents approve a change of one file that was seen as a whole.
fn good() -> Facts {
    Facts {
        steps: vec![approved("s"), approved("o")],
        change: Seen { extent: Extent::Complete, files: 1, additions: 2, deletions: 0 },
        ci: Ci { state: CiState::Unknown, detail: "the event names no checks".into() },
        pending_gates: Vec::new(),
    }
}

fn with_step(outcome: Outcome) -> Facts {
    let mut facts = good();
    facts.steps[0].outcome = outcome;
    facts
}

fn with_extent(extent: Extent) -> Facts {
    let mut facts = good();
    facts.change.extent = extent;
    facts
}

fn found(severity: Severity) -> Facts {
    let mut review = review(Opinion::Approve, 9.0);
    review.findings.push(finding(severity, "config/prod.env", 3, "AWS access key"));
    with_step(Outcome::Reviewed(review))
}

#[test]
fn a_panel_says_what_one_of_its_agents_says() {
    let facts = with_step(Outcome::Reviewed(review(Opinion::Block, 1.0)));
    assert!(holds("{panel: security, says: [block]}", &facts));
    assert!(holds("{panel: any, says: [request_changes, block]}", &facts));
    assert!(!holds("{panel: security, says: [request_changes]}", &facts));
    assert!(!holds("{panel: others, says: [block]}", &facts));
}

#[test]
fn an_agent_that_did_not_answer_says_nothing() {
    for outcome in [Outcome::Failed("x".into()), Outcome::Late(String::new()), Outcome::Answered] {
        let facts = with_step(outcome);
        assert!(!holds("{panel: security, says: [approve, request_changes, block]}", &facts));
    }
}

#[test]
fn a_finding_counts_at_its_severity_and_above() {
    assert!(holds("{finding: high}", &found(Severity::Critical)));
    assert!(holds("{finding: high}", &found(Severity::High)));
    assert!(!holds("{finding: high}", &found(Severity::Medium)));
}

#[test]
fn change_checks_and_gates_are_what_the_facts_say() {
    assert!(holds("{change: complete}", &good()));
    assert!(holds("{change: missing}", &with_extent(Extent::Missing("no diff".into()))));
    assert!(holds("{change: truncated}", &with_extent(Extent::Truncated(vec!["x is binary".into()]))));
    assert!(!holds("{change: complete}", &with_extent(Extent::Truncated(Vec::new()))));

    let mut facts = good();
    assert!(holds("{ci: [success, unknown]}", &facts) && !holds("{ci: [success]}", &facts));
    assert!(holds("{gate: none_pending}", &facts));
    facts.pending_gates.push("legal".into());
    assert!(!holds("{gate: none_pending}", &facts));
}

#[test]
fn required_means_every_required_agent_and_at_least_one() {
    assert!(holds("{required: succeeded, min_score: 9}", &good()));
    assert!(!holds("{required: succeeded, min_score: 9.5}", &good()));
    assert!(!holds("{required: succeeded}", &with_step(Outcome::Failed(String::new()))));
    let mut facts = with_step(Outcome::Failed(String::new()));
    facts.steps[0].required = false;
    assert!(holds("{required: succeeded}", &facts), "the one that failed was not required");
    facts.steps[1].required = false;
    assert!(!holds("{required: succeeded}", &facts), "nobody is");
}

#[test]
fn conditions_are_joined_by_all_any_and_not() {
    let facts = found(Severity::Low);
    assert!(holds("{all: [{finding: low}, {change: complete}]}", &facts));
    assert!(!holds("{all: [{finding: low}, {change: missing}]}", &facts));
    assert!(holds("{any: [{finding: high}, {change: complete}]}", &facts));
    assert!(!holds("{any: [{finding: high}, {change: missing}]}", &facts));
    assert!(holds("{not: {finding: high}}", &facts) && !holds("{not: {finding: low}}", &facts));
}

#[test]
fn the_first_rule_that_matches_decides() {
    let policy = policy(
        "version: 1\nrules:\n  - {id: one, when: {change: missing}, then: block_pr}\n  - {id: two, when: {change: complete}, then: request_changes, automated: true, reason: Two.}\n  - {id: three, when: {change: complete}, then: block_pr}\notherwise: {then: manual_review}\n",
    );
    let verdict = policy.decide(&good());
    assert_eq!(
        (verdict.action, verdict.rule.as_str(), verdict.automated),
        (Action::RequestChanges, "two", true)
    );
    assert_eq!(verdict.reason, "Two.");
    let verdict = policy.decide(&with_extent(Extent::Truncated(Vec::new())));
    assert_eq!(
        (verdict.action, verdict.rule.as_str(), verdict.automated),
        (Action::ManualReview, OTHERWISE, false)
    );
}

#[test]
fn the_reason_names_what_mattered() {
    let text = "version: 1\nrules:\n  - {id: it, when: {finding: critical}, then: block_pr, reason: A critical finding.}\notherwise: {then: manual_review}\n";
    let verdict = policy(text).decide(&found(Severity::Critical));
    assert_eq!(verdict.reason, "A critical finding: s: AWS access key in config/prod.env line 3.");
    let fact = verdict.evidence.iter().find(|fact| fact.kind == "finding").unwrap();
    assert_eq!(fact.subject, "config/prod.env");
    assert_eq!(fact.detail, "Critical finding of s: AWS access key in config/prod.env line 3.");

    let mut many = review(Opinion::Block, 0.0);
    many.findings = (1..=5).map(|line| finding(Severity::Critical, "a", line, "m")).collect();
    let verdict = policy(text).decide(&with_step(Outcome::Reviewed(many)));
    assert_eq!(
        verdict.reason,
        "A critical finding: s: m in a line 1; s: m in a line 2; s: m in a line 3; and 2 more."
    );
    assert_eq!(
        verdict.evidence.iter().filter(|fact| fact.kind == "finding").count(),
        5,
        "the evidence has all"
    );
}

#[test]
fn text_of_agents_cannot_break_a_sentence_apart() {
    let mut facts = found(Severity::Critical);
    if let Outcome::Reviewed(review) = &mut facts.steps[0].outcome {
        review.findings[0].message = format!("one\n\n# two\u{202e}{}", "x".repeat(1_000));
    }
    let reason = when("{finding: critical}").decide(&facts).reason;
    assert!(reason.contains("s: one # two⟦U+202E⟧xxx") && !reason.contains('\n'), "{reason}");
    assert!(reason.chars().count() < 400);
}

#[test]
fn the_evidence_has_every_step_the_change_the_checks_and_the_gates() {
    let mut facts = with_step(Outcome::Failed("the provider did not answer".into()));
    facts.steps[1].required = false;
    facts.pending_gates.push("legal".into());
    let evidence = when("{finding: critical}").decide(&facts).evidence;
    let listed: Vec<_> = evidence.iter().map(|fact| (fact.kind.as_str(), fact.detail.as_str())).collect();
    assert_eq!(
        listed,
        [
            ("step", "Required; s failed: the provider did not answer."),
            ("step", "Not required; o says approve, score 9/10. Seen."),
            ("change", "The agents were shown the whole change: 1 files, 2 lines added, 0 removed."),
            ("ci", "CI is unknown: the event names no checks."),
            ("gate", "Gate legal is pending."),
        ]
    );
}

#[test]
fn no_file_can_have_a_change_approved_that_was_not_seen_as_a_whole() {
    let policy = policy(APPROVE_ALL);
    assert_eq!(policy.decide(&good()).action, Action::ApproveAndMerge);
    for extent in [Extent::Missing("the diff is empty".into()), Extent::Truncated(vec!["x is binary".into()])]
    {
        let verdict = policy.decide(&with_extent(extent));
        assert_eq!(
            (verdict.action, verdict.automated, verdict.rule.as_str()),
            (Action::ManualReview, false, "all")
        );
        let last = verdict.evidence.last().unwrap();
        assert_eq!(last.kind, "change");
        assert!(last.detail.starts_with("Forbids an approval: the change was not seen"), "{}", last.detail);
        assert!(verdict.reason.contains("the change was not seen"), "{}", verdict.reason);
    }
}

#[test]
fn no_file_can_have_a_change_approved_without_every_required_agent() {
    let policy = policy(APPROVE_ALL);
    for outcome in [
        Outcome::Answered,
        Outcome::Failed("x".into()),
        Outcome::Skipped("x".into()),
        Outcome::Late("x".into()),
        Outcome::Unparseable("x".into()),
        Outcome::Reviewed(review(Opinion::RequestChanges, 10.0)),
        Outcome::Reviewed(review(Opinion::Block, 10.0)),
    ] {
        let verdict = policy.decide(&with_step(outcome.clone()));
        assert_eq!(verdict.action, Action::ManualReview, "{outcome:?}");
        assert_eq!(verdict.evidence.last().unwrap().subject, "s");
    }
    let mut nobody = good();
    nobody.steps.clear();
    assert_eq!(policy.decide(&nobody).action, Action::ManualReview);
    assert!(policy.decide(&nobody).reason.contains("no agent is required"));
}

#[test]
fn no_file_can_have_a_change_approved_that_anyone_is_against() {
    // The worst rule there can be: it asks for nothing.
    let text = "version: 1\nrules:\n  - {id: all, when: {any: [{change: complete}, {not: {change: complete}}]}, then: approve_and_merge, automated: true}\notherwise: {then: manual_review}\n";
    let policy = policy(text);
    let outcomes = |critical: bool| {
        [Opinion::Approve, Opinion::RequestChanges, Opinion::Block]
            .map(|opinion| {
                let mut review = review(opinion, 10.0);
                review.findings.extend(critical.then(|| finding(Severity::Critical, "a", 1, "a key")));
                Outcome::Reviewed(review)
            })
            .into_iter()
            .chain([Outcome::Answered, Outcome::Failed("x".into()), Outcome::Late("x".into())])
    };
    let all: Vec<_> = outcomes(false).chain(outcomes(true)).collect();
    for first in &all {
        for second in &all {
            for required in 0..4_u8 {
                let mut facts = good();
                for (step, outcome) in facts.steps.iter_mut().zip([first, second]) {
                    step.outcome = outcome.clone();
                }
                facts.steps[0].required = required & 1 != 0;
                facts.steps[1].required = required & 2 != 0;
                let approves = |step: &StepFact| {
                    step.review().is_some_and(|r| r.decision == Opinion::Approve && r.findings.is_empty())
                };
                let silent = |step: &StepFact| !step.required && step.review().is_none();
                let sound = required > 0 && facts.steps.iter().all(|step| approves(step) || silent(step));
                let expected = if sound { Action::ApproveAndMerge } else { Action::ManualReview };
                let verdict = policy.decide(&facts);
                assert_eq!(verdict.action, expected, "{facts:#?}");
                assert_eq!(verdict.automated, sound);
            }
        }
    }
}

#[test]
fn what_a_dissenter_that_nobody_requires_says_is_named() {
    let mut facts = with_step(Outcome::Reviewed(review(Opinion::RequestChanges, 9.0)));
    facts.steps[0].required = false;
    let verdict = policy(APPROVE_ALL).decide(&facts);
    assert_eq!(verdict.action, Action::ManualReview);
    assert_eq!(verdict.evidence.last().unwrap().detail, "Forbids an approval: s says request_changes.");
}

#[test]
fn the_facts_of_a_job_are_read_from_its_steps_and_payload() {
    use crate::{job::StepState, strategy::*};
    let strategy = Strategy {
        event: "e".into(),
        description: String::new(),
        context: "ci".into(),
        execution: Execution::Parallel,
        agents: vec!["a".into(), "b".into()],
        required: vec!["a".into()],
        deadline_seconds: 1,
        step: StepRules::default(),
    };
    let mut steps: Vec<_> = ["a", "b"].map(crate::job::Step::pending).into();
    steps[0].state = StepState::Succeeded;
    steps[0].review = Some(review(Opinion::Approve, 8.0));
    let job = crate::job::Job {
        id: crate::job::JobId::new(),
        event: "e".into(),
        state: crate::job::JobState::Running,
        source: "api".into(),
        subject: String::new(),
        correlation_id: String::new(),
        created_at: 0,
        started_at: None,
        finished_at: None,
        strategy,
        payload: json!({"diff": 7, "conclusion": "failure"}),
        context: json!({}),
        steps,
        decision: None,
        report_file: None,
        notes: Vec::new(),
    };
    let facts = Facts::of(&job, Vec::new());
    assert_eq!(facts.steps[0].review().map(|review| review.score), Some(8.0));
    assert!(facts.steps[0].required && !facts.steps[1].required);
    assert_eq!(facts.steps[1].outcome, Outcome::Failed("it has not ended".into()));
    assert_eq!(facts.change.extent, Extent::Missing("payload.diff must be a text, not a number".into()));
    assert_eq!(facts.ci.state, CiState::Failure);
}

#[test]
fn a_step_that_ended_badly_keeps_how() {
    use crate::job::{Step, StepState};
    let ended = |state, code: &str| {
        let step = Step { state, code: code.into(), error: "It broke.".into(), ..Step::pending("a") };
        StepFact::of(&step, true).outcome
    };
    let why = || "It broke".to_owned();
    assert_eq!(ended(StepState::Failed, "UNPARSEABLE_ANSWER"), Outcome::Unparseable(why()));
    assert_eq!(ended(StepState::Failed, "DEADLINE_EXCEEDED"), Outcome::Late(why()));
    assert_eq!(ended(StepState::Failed, "CIRCUIT_OPEN"), Outcome::Failed(why()));
    assert_eq!(ended(StepState::Skipped, ""), Outcome::Skipped(why()));
    assert_eq!(ended(StepState::Succeeded, ""), Outcome::Answered);
}

#[test]
fn a_binary_file_keeps_a_change_from_being_approved() {
    let diff = "diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n";
    let change = Change::from_payload(&json!({ "diff": diff })).unwrap();
    let mut facts = good();
    facts.change = Seen::of(change.as_ref());
    let verdict = policy(APPROVE_ALL).decide(&facts);
    assert_eq!(verdict.action, Action::ManualReview);
    assert!(verdict.reason.contains("x is binary"), "{}", verdict.reason);
}
