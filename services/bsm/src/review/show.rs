//! A finished job for a reader on a terminal, or as JSON.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use bsm_proto::orchestrator::v1::{Finding, Job, Step};
use serde_json::{Value, json};

use crate::exit::Exit;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// The exit code of the decision. A job without one needs a person.
pub(crate) fn exit(job: &Job) -> Exit {
    match action(job) {
        "approve_and_merge" => Exit::Done,
        "request_changes" => Exit::Changes,
        "block_pr" => Exit::Block,
        _ => Exit::Manual,
    }
}

fn action(job: &Job) -> &str {
    job.decision.as_ref().map_or("manual_review", |decision| &decision.action)
}

/// Findings, then what each agent said, then the decision.
pub(crate) fn text(job: &Job) -> String {
    let mut out = String::new();
    for (finding, agents) in findings(job) {
        let _ = finding_lines(&mut out, &finding, &agents);
    }
    for step in &job.steps {
        let _ = step_line(&mut out, step);
    }
    for note in &job.notes {
        let _ = writeln!(out, "{DIM}note: {note}{DIM:#}");
    }
    let colour = colour(action(job));
    let _ = writeln!(out, "\n{colour}{}{colour:#}", action(job));
    match &job.decision {
        Some(decision) => {
            let _ = writeln!(out, "{} {DIM}(rule {}){DIM:#}", decision.reason, decision.rule);
        }
        None => {
            let _ = writeln!(out, "The job ended as {} without a decision.", job.status);
        }
    }
    out
}

fn finding_lines(out: &mut String, finding: &Finding, agents: &[&str]) -> std::fmt::Result {
    let style = colour(&finding.severity);
    let place = match finding.line {
        Some(line) => format!("{}:{line}", finding.file),
        None if finding.file.is_empty() => "(whole change)".to_owned(),
        None => finding.file.clone(),
    };
    writeln!(out, "{style}{:>8}{style:#} {BOLD}{place}{BOLD:#}  {}", finding.severity, finding.message)?;
    if !finding.suggestion.is_empty() {
        writeln!(out, "         {}", finding.suggestion)?;
    }
    writeln!(out, "         {DIM}{}{DIM:#}", agents.join(", "))
}

fn step_line(out: &mut String, step: &Step) -> std::fmt::Result {
    let answer = match &step.review {
        Some(review) => format!("{} ({}/10)", review.decision, review.score),
        None if step.error.is_empty() => step.status.clone(),
        None => format!("{}: {}", step.status, step.error),
    };
    let by =
        if step.provider.is_empty() { String::new() } else { format!("{}/{}", step.provider, step.model) };
    writeln!(out, "{:<28} {answer} {DIM}{by}{DIM:#}", step.agent_id)
}

fn colour(word: &str) -> Style {
    let colour = match word {
        "critical" | "high" | "block_pr" => AnsiColor::Red,
        "medium" | "request_changes" | "manual_review" => AnsiColor::Yellow,
        "approve_and_merge" => AnsiColor::Green,
        _ => AnsiColor::Cyan,
    };
    Style::new().bold().fg_color(Some(colour.into()))
}

/// Each finding once, the most severe first, with the agents that made it.
fn findings(job: &Job) -> Vec<(Finding, Vec<&str>)> {
    let mut merged: Vec<(Finding, Vec<&str>)> = Vec::new();
    for step in &job.steps {
        for finding in step.review.iter().flat_map(|review| &review.findings) {
            match merged.iter_mut().find(|(known, _)| known == finding) {
                Some((_, agents)) => agents.push(&step.agent_id),
                None => merged.push((finding.clone(), vec![&step.agent_id])),
            }
        }
    }
    merged.sort_by_key(|(finding, _)| rank(&finding.severity));
    merged
}

fn rank(severity: &str) -> usize {
    ["critical", "high", "medium", "low", "info"].iter().position(|s| *s == severity).unwrap_or(5)
}

/// The job for machines.
pub(crate) fn json(job: &Job) -> String {
    format!("{:#}", as_json(job))
}

fn as_json(job: &Job) -> Value {
    let decision = job.decision.as_ref().map(|d| {
        let evidence: Vec<_> = d
            .evidence
            .iter()
            .map(|e| json!({"kind": e.kind, "subject": e.subject, "detail": e.detail}))
            .collect();
        json!({"action": d.action, "reason": d.reason, "rule": d.rule, "automated": d.automated,
               "policyVersion": d.policy_version, "evidence": evidence})
    });
    json!({
        "event": job.event,
        "status": job.status,
        "decision": decision,
        "findings": findings(job).iter().map(|(f, agents)| finding_json(f, agents)).collect::<Vec<_>>(),
        "steps": job.steps.iter().map(step_json).collect::<Vec<_>>(),
        "notes": job.notes,
    })
}

fn finding_json(finding: &Finding, agents: &[&str]) -> Value {
    json!({"severity": finding.severity, "file": finding.file, "line": finding.line, "message": finding.message,
           "suggestion": finding.suggestion, "agents": agents})
}

fn step_json(step: &Step) -> Value {
    let review =
        step.review.as_ref().map(|r| json!({"decision": r.decision, "score": r.score, "summary": r.summary}));
    json!({"agent": step.agent_id, "status": step.status, "review": review, "error": step.error, "code": step.code,
           "provider": step.provider, "model": step.model,
           "inputTokens": step.input_tokens, "outputTokens": step.output_tokens})
}

#[cfg(test)]
mod tests {
    use bsm_proto::orchestrator::v1::{Decision, Review};

    use super::*;

    fn job() -> Job {
        let finding = |severity: &str| Finding {
            severity: severity.into(),
            file: "a.rs".into(),
            line: Some(3),
            message: "m".into(),
            suggestion: String::new(),
        };
        let step = |agent: &str, findings| Step {
            agent_id: agent.into(),
            review: Some(Review { decision: "block".into(), score: 1.0, summary: String::new(), findings }),
            ..Default::default()
        };
        Job {
            steps: vec![
                step("one", vec![finding("low"), finding("critical")]),
                step("two", vec![finding("critical")]),
            ],
            decision: Some(Decision { action: "block_pr".into(), ..Default::default() }),
            ..Default::default()
        }
    }

    #[test]
    fn a_finding_of_two_agents_shows_once_and_the_worst_comes_first() {
        let job = job();
        let shown = findings(&job);
        assert_eq!(shown.len(), 2);
        assert_eq!((shown[0].0.severity.as_str(), shown[0].1.as_slice()), ("critical", &["one", "two"][..]));
    }

    #[test]
    fn each_action_has_its_exit_code_and_no_decision_needs_a_person() {
        let mut job = job();
        assert_eq!(exit(&job), Exit::Block);
        job.decision = None;
        assert_eq!(exit(&job), Exit::Manual);
    }

    #[test]
    fn json_names_file_line_and_agents() {
        let json = as_json(&job());
        assert_eq!(json["findings"][0]["line"], 3);
        assert_eq!(json["findings"][0]["agents"], json!(["one", "two"]));
    }
}
