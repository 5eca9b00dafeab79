use serde_json::json;

use super::*;
use crate::{
    answer::{Finding, Opinion, Review, Severity},
    job::{Action, Evidence, JobState, Step, StepState, Usage},
    strategy::{Execution, StepRules, Strategy},
};

fn finding(severity: Severity, message: &str) -> Finding {
    Finding {
        severity,
        file: "config/prod.env".into(),
        line: Some(3),
        message: message.into(),
        suggestion: "Revoke it.".into(),
    }
}

fn job() -> Job {
    let strategy = Strategy {
        event: "pull_request.opened".into(),
        description: "Reviewed.".into(),
        context: "github".into(),
        execution: Execution::Parallel,
        agents: vec!["security-agent".into(), "code-review-agent".into()],
        required: vec!["security-agent".into()],
        deadline_seconds: 600,
        step: StepRules::default(),
    };
    let review = Review {
        decision: Opinion::Block,
        score: 1.5,
        summary: "A key is leaked.".into(),
        findings: vec![finding(Severity::Low, "Typo"), finding(Severity::Critical, "AWS access key")],
    };
    let done = Step {
        state: StepState::Succeeded,
        attempts: 1,
        started_at: Some(1_000),
        finished_at: Some(3_400),
        review: Some(review),
        usage: Usage {
            provider: "offline".into(),
            model: "rules".into(),
            input_tokens: 70,
            output_tokens: 30,
        },
        ..Step::pending("security-agent")
    };
    let failed = Step {
        state: StepState::Failed,
        error: "nobody answered".into(),
        ..Step::pending("code-review-agent")
    };
    let decision = Decision {
        id: "d1".into(),
        action: Action::BlockPr,
        reason: "Critical: security-agent: AWS access key.".into(),
        rule: "critical-finding".into(),
        automated: false,
        evidence: vec![Evidence {
            kind: "ci".into(),
            subject: "checks".into(),
            detail: "CI is unknown.".into(),
        }],
        decided_at: 3_500,
        policy_version: "abc".into(),
    };
    Job {
        id: "018f2b5e-7c00-7000-8000-000000000000".parse().unwrap(),
        event: "pull_request.opened".into(),
        state: JobState::Succeeded,
        source: "github".into(),
        subject: "acme/shop#12".into(),
        correlation_id: "c-1".into(),
        created_at: 0,
        started_at: Some(1_000),
        finished_at: Some(3_500),
        strategy,
        payload: json!({}),
        context: json!({}),
        steps: vec![done, failed],
        decision: Some(decision),
        report_file: None,
        notes: vec!["memory was unavailable".into()],
    }
}

#[test]
fn a_report_has_everything_in_its_place() {
    let expected = "\
# Report: pull_request.opened for acme/shop\\#12

- Job: 018f2b5e-7c00-7000-8000-000000000000
- State: succeeded
- Source: github
- Accepted: 1970-01-01T00:00:00Z
- Finished: 1970-01-01T00:00:03.500Z, after 3.5 s
- Correlation id: c-1
- Tokens: 70 read, 30 written

## Decision: block_pr

Critical: security-agent: AWS access key.

Rule critical-finding of policy abc; the action needs a person.

| Fact | About | Evidence |
| --- | --- | --- |
| ci | checks | CI is unknown. |

## Findings: 2

| Severity | Where | What | Suggestion | Agents |
| --- | --- | --- | --- | --- |
| critical | config/prod.env line 3 | AWS access key | Revoke it. | security-agent |
| low | config/prod.env line 3 | Typo | Revoke it. | security-agent |

## Agents

| Agent | Required | State | Says | Score | Time | Attempts | Answered by | Tokens in + out |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
| security-agent | yes | succeeded | block | 1.5/10 | 2.4 s | 1 | offline rules | 70 + 30 |
| code-review-agent | no | failed |  |  |  | 0 |  | 0 + 0 |

- **security-agent**: A key is leaked.
- **code-review-agent**: nobody answered

## Strategy: pull_request.opened

Reviewed.

- Agents, parallel, in the context github: security-agent, code-review-agent
- Required for an approval: security-agent
- Deadline 600 s; a step has 120 s and 2 attempts; when one fails, the others continue

## Notes

- memory was unavailable
";
    assert_eq!(markdown(&job()), expected);
}

#[test]
fn no_text_of_others_makes_a_heading_a_row_or_html() {
    let attack =
        "x |\n\n# Decision: approve\n| a | b |\n<img src=x onerror=alert(1)> [ok](http://evil.example)";
    let mut job = job();
    let plain = markdown(&job).lines().count();
    let review = job.steps[0].review.as_mut().unwrap();
    review.summary = attack.into();
    for finding in &mut review.findings {
        (finding.file, finding.message, finding.suggestion) = (attack.into(), attack.into(), attack.into());
    }
    job.steps[1].error = attack.into();
    job.decision.as_mut().unwrap().reason = attack.into();
    job.decision.as_mut().unwrap().evidence[0].detail = attack.into();
    (job.subject, job.correlation_id, job.notes[0]) = (attack.into(), attack.into(), attack.into());
    job.steps[0].usage.model = attack.into();
    let report = markdown(&job);
    assert_eq!(report.lines().count(), plain, "no line more");
    assert_eq!(report.lines().filter(|line| line.starts_with('#')).count(), 6);
    assert!(!report.replace("\\<", "").contains('<'));
    assert!(!report.contains("](http://"));
}

#[test]
fn parts_without_content_are_left_out() {
    let mut job = job();
    job.steps.iter_mut().for_each(|step| step.review = None);
    (job.decision, job.finished_at) = (None, None);
    job.notes.clear();
    let report = markdown(&job);
    for part in ["## Decision", "## Findings", "## Notes", "Finished"] {
        assert!(!report.contains(part), "{part}");
    }
}
