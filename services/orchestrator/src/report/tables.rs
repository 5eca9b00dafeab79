//! The tables of a report.

use std::cmp::Reverse;

use crate::{
    answer::{Finding, Review},
    job::{Evidence, Job, Step},
};

use super::{duration, escape::escaped};

/// Every finding once, the gravest first, with the agents that made it.
pub(super) fn findings(job: &Job) -> String {
    let mut all = merged(job);
    if all.is_empty() {
        return String::new();
    }
    all.sort_by_key(|(finding, _)| Reverse(finding.severity));
    let row = |(finding, agents): &(&Finding, Vec<&str>)| {
        [
            finding.severity.as_str().to_owned(),
            finding.place(),
            finding.message.clone(),
            finding.suggestion.clone(),
            agents.join(", "),
        ]
    };
    let table = table(["Severity", "Where", "What", "Suggestion", "Agents"], all.iter().map(row));
    format!("## Findings: {}\n\n{table}", all.len())
}

/// Agents that see the same thing say it once. Findings are bounded per answer, so the square is small.
fn merged(job: &Job) -> Vec<(&Finding, Vec<&str>)> {
    let mut all: Vec<(&Finding, Vec<&str>)> = Vec::new();
    for step in &job.steps {
        for finding in step.review.iter().flat_map(|review| &review.findings) {
            match all.iter_mut().find(|(known, _)| *known == finding) {
                Some((_, agents)) => agents.push(&step.agent_id),
                None => all.push((finding, vec![&step.agent_id])),
            }
        }
    }
    all
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
