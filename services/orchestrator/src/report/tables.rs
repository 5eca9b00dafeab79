//! The tables of a report.

use std::cmp::Reverse;

use crate::{
    answer::{Finding, Review},
    job::{Evidence, Job, Step},
};

use super::{duration, escape::escaped};

/// Every finding, the gravest first.
pub(super) fn findings(job: &Job) -> String {
    let of = |step: &Step| step.review.as_ref().map(|review| review.findings.clone()).unwrap_or_default();
    let mut all: Vec<(&str, Finding)> = Vec::new();
    for step in &job.steps {
        all.extend(of(step).into_iter().map(|finding| (step.agent_id.as_str(), finding)));
    }
    if all.is_empty() {
        return String::new();
    }
    all.sort_by_key(|(_, finding)| Reverse(finding.severity));
    let row = |(agent, finding): &(&str, Finding)| {
        [
            finding.severity.as_str().to_owned(),
            finding.place(),
            finding.message.clone(),
            finding.suggestion.clone(),
            (*agent).to_owned(),
        ]
    };
    let table = table(["Severity", "Where", "What", "Suggestion", "Agent"], all.iter().map(row));
    format!("## Findings: {}\n\n{table}", all.len())
}

/// How every step went.
pub(super) fn agents(job: &Job) -> String {
    let row = |step: &Step| {
        let review = |of: fn(&Review) -> String| step.review.as_ref().map(of).unwrap_or_default();
        let usage = &step.usage;
        let tokens = format!("{} + {}", usage.input_tokens, usage.output_tokens);
        let required = if job.strategy.requires(&step.agent_id) { "yes" } else { "no" };
        [
            step.agent_id.clone(),
            required.to_owned(),
            step.state.as_str().to_owned(),
            review(|review| review.decision.as_str().to_owned()),
            review(|review| format!("{}/10", review.score)),
            time(step),
            step.attempts.to_string(),
            [usage.provider.as_str(), usage.model.as_str()].join(" "),
            tokens,
        ]
    };
    let names =
        ["Agent", "Required", "State", "Says", "Score", "Time", "Attempts", "Answered by", "Tokens in + out"];
    format!("## Agents\n\n{}", table(names, job.steps.iter().map(row)))
}

/// The facts of the decision.
pub(super) fn evidence(evidence: &[Evidence]) -> String {
    let row = |fact: &Evidence| [fact.kind.clone(), fact.subject.clone(), fact.detail.clone()];
    table(["Fact", "About", "Evidence"], evidence.iter().map(row))
}

/// How long the last attempt took.
fn time(step: &Step) -> String {
    match (step.started_at, step.finished_at) {
        (Some(started), Some(finished)) => duration(finished - started),
        _ => String::new(),
    }
}

fn table<const N: usize>(names: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut out = line(&names.map(str::to_owned)) + &line(&[const { "---" }; N].map(str::to_owned));
    for row in rows {
        out.push_str(&line(&row.map(|cell| escaped(&cell))));
    }
    out
}
