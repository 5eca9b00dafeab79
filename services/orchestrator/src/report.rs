//! A job as people read it: one Markdown document, written once the job is decided.
//!
//! Whatever an agent, an author or a provider wrote is escaped, so that it cannot put a heading, a link, an image
//! or HTML into the report; see `report/escape.rs`.

mod escape;
mod tables;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use crate::job::{Decision, Job, JobId};

use escape::escaped;

/// The name of a job's report below the folder of reports.
#[must_use]
pub fn file_name(job: JobId) -> String {
    format!("{job}.md")
}

/// The report of a job. Parts that have no content are left out.
#[must_use]
pub fn markdown(job: &Job) -> String {
    let parts = [
        head(job),
        job.decision.as_ref().map(decision).unwrap_or_default(),
        tables::findings(job),
        tables::agents(job),
        summaries(job),
        strategy(job),
        notes(job),
    ];
    let parts: Vec<_> = parts.iter().map(|part| part.trim_end()).filter(|part| !part.is_empty()).collect();
    parts.join("\n\n") + "\n"
}

fn head(job: &Job) -> String {
    let subject =
        if job.subject.is_empty() { String::new() } else { format!(" for {}", escaped(&job.subject)) };
    let mut out = format!("# Report: {}{subject}\n\n", escaped(&job.event));
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "- {name}: {value}");
    };
    line("Job", job.id.to_string());
    line("State", escaped(job.state.as_str()));
    line("Source", escaped(&job.source));
    line("Accepted", time(job.created_at));
    if let Some(finished) = job.finished_at {
        line("Finished", format!("{}, after {}", time(finished), duration(finished - job.created_at)));
    }
    if !job.correlation_id.is_empty() {
        line("Correlation id", escaped(&job.correlation_id));
    }
    let sum = |tokens: fn(&crate::job::Usage) -> u32| {
        job.steps.iter().map(|step| u64::from(tokens(&step.usage))).sum::<u64>()
    };
    line(
        "Tokens",
        format!("{} read, {} written", sum(|usage| usage.input_tokens), sum(|usage| usage.output_tokens)),
    );
    out
}

fn decision(decision: &Decision) -> String {
    let automated = if decision.automated { "may be carried out automatically" } else { "needs a person" };
    let mut out = format!(
        "## Decision: {}\n\n{}\n\nRule {} of policy {}; the action {automated}.\n\n",
        escaped(decision.action.as_str()),
        escaped(&decision.reason),
        escaped(&decision.rule),
        escaped(&decision.policy_version),
    );
    out.push_str(&tables::evidence(&decision.evidence));
    out
}

/// What the agents said in a few sentences, or why they did not.
fn summaries(job: &Job) -> String {
    let mut out = String::new();
    for step in &job.steps {
        let said = match &step.review {
            Some(review) => review.summary.as_str(),
            None => step.error.as_str(),
        };
        if !said.trim().is_empty() {
            let _ = writeln!(out, "- **{}**: {}", escaped(&step.agent_id), escaped(said));
        }
    }
    out
}

fn strategy(job: &Job) -> String {
    let strategy = &job.strategy;
    let mut out = format!("## Strategy: {}\n\n", escaped(&strategy.event));
    if !strategy.description.trim().is_empty() {
        let _ = writeln!(out, "{}\n", escaped(&strategy.description));
    }
    let list = |agents: &[String]| escaped(&agents.join(", "));
    let _ = writeln!(
        out,
        "- Agents, {}, in the context {}: {}",
        strategy.execution.as_str(),
        escaped(&strategy.context),
        list(&strategy.agents)
    );
    let _ = writeln!(out, "- Required for an approval: {}", list(&strategy.required));
    let step = &strategy.step;
    let _ = writeln!(
        out,
        "- Deadline {} s; a step has {} s and {} attempts; when one fails, the others {}",
        strategy.deadline_seconds,
        step.timeout_seconds,
        step.max_attempts,
        step.on_failure.as_str(),
    );
    out
}

fn notes(job: &Job) -> String {
    if job.notes.is_empty() {
        return String::new();
    }
    let mut out = "## Notes\n\n".to_owned();
    for note in &job.notes {
        let _ = writeln!(out, "- {}", escaped(note));
    }
    out
}

/// Milliseconds since 1970 as RFC 3339.
fn time(ms: i64) -> String {
    let nanos = i32::try_from(ms.rem_euclid(1_000) * 1_000_000).unwrap_or_default();
    prost_types::Timestamp { seconds: ms.div_euclid(1_000), nanos }.to_string()
}

fn duration(ms: i64) -> String {
    match ms.max(0) {
        ms @ ..1_000 => format!("{ms} ms"),
        ms => format!("{:.1} s", ms as f64 / 1_000.0),
    }
}
