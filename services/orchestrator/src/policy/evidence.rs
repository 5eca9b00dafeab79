//! The facts of a decision as sentences.

use crate::{
    answer::{Finding, Opinion, Review},
    change::{Extent, Seen},
    visible,
};

use super::{
    Evidence,
    facts::{Facts, StepFact},
};

/// The longest text of an agent that is quoted in a sentence, in characters.
const LONGEST: usize = 300;
/// How many reasons for not having seen a change are listed.
const UNSEEN_LISTED: usize = 5;

/// The kinds of evidence, as the contract names them.
pub(super) mod kind {
    pub(in crate::policy) const STEP: &str = "step";
    pub(in crate::policy) const FINDING: &str = "finding";
    pub(in crate::policy) const CHANGE: &str = "change";
    pub(in crate::policy) const CI: &str = "ci";
    pub(in crate::policy) const GATE: &str = "gate";
}

/// Something that made a rule match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// For the reason: `security-agent: AWS access key in config/prod.env line 3`.
    pub(super) sentence: String,
    /// For the evidence, beside the step that every agent has there anyway.
    finding: Option<Evidence>,
}

/// Every step, the deciding findings, the change, the checks and the gates.
pub(super) fn of(facts: &Facts, causes: Vec<Cause>) -> Vec<Evidence> {
    let mut evidence: Vec<Evidence> = facts.steps.iter().map(step).collect();
    for finding in causes.into_iter().filter_map(|cause| cause.finding) {
        if !evidence.contains(&finding) {
            evidence.push(finding);
        }
    }
    evidence.push(change(&facts.change));
    let ci = format!("CI is {}: {}.", facts.ci.state, line(&facts.ci.detail));
    evidence.push(Evidence { kind: kind::CI.to_owned(), subject: "checks".to_owned(), detail: ci });
    evidence.extend(facts.pending_gates.iter().map(|gate| Evidence {
        kind: kind::GATE.to_owned(),
        subject: gate.clone(),
        detail: format!("Gate {gate} is pending."),
    }));
    evidence
}

// === impl Cause ===

impl Cause {
    /// An agent has a finding.
    pub(super) fn finding(agent: &str, finding: &Finding) -> Self {
        let what = line(&finding.message);
        let sentence = match finding.place() {
            place if place.is_empty() => format!("{agent}: {what}"),
            place => format!("{agent}: {what} in {}", line(&place)),
        };
        let subject = if finding.file.is_empty() { agent.to_owned() } else { line(&finding.file) };
        let detail = format!("{} finding of {sentence}.", capital(finding.severity.as_str()));
        Self { sentence, finding: Some(Evidence { kind: kind::FINDING.to_owned(), subject, detail }) }
    }

    /// An agent has an opinion: its gravest finding says why, or else its summary. An approval needs no reason.
    pub(super) fn opinion(agent: &str, review: &Review) -> Self {
        if review.decision == Opinion::Approve {
            let sentence = format!("{agent} approves with {}/10", review.score);
            return Self { sentence, finding: None };
        }
        // The first of equals, which is the one the agent named first.
        let gravest = review.findings.iter().rev().max_by_key(|finding| finding.severity);
        match gravest {
            Some(finding) => Self::finding(agent, finding),
            None => Self { sentence: format!("{agent}: {}", line(&review.summary)), finding: None },
        }
    }
}

fn step(step: &StepFact) -> Evidence {
    let required = if step.required { "Required" } else { "Not required" };
    let summary = match step.review().map(|review| line(&review.summary)) {
        Some(summary) if !summary.is_empty() => format!(" {summary}."),
        _ => String::new(),
    };
    let detail = format!("{required}; {} {}.{summary}", step.agent, step.outcome);
    Evidence { kind: kind::STEP.to_owned(), subject: step.agent.clone(), detail }
}

fn change(change: &Seen) -> Evidence {
    let Seen { extent, files, additions, deletions } = change;
    let size = format!("{files} files, {additions} lines added, {deletions} removed");
    let detail = match extent {
        Extent::Complete => format!("The agents were shown the whole change: {size}."),
        Extent::Truncated(_) => format!("{}; in all {size}.", capital(&seen(extent))),
        Extent::Missing(_) => format!("{}.", capital(&seen(extent))),
    };
    Evidence { kind: kind::CHANGE.to_owned(), subject: "change".to_owned(), detail }
}

/// How much of the change was seen, as a sentence without its full stop.
pub(super) fn seen(extent: &Extent) -> String {
    match extent {
        Extent::Complete => "the whole change was seen".to_owned(),
        Extent::Missing(why) => format!("the change was not seen: {}", line(why)),
        Extent::Truncated(unseen) => {
            let listed: Vec<_> = unseen.iter().take(UNSEEN_LISTED).map(|reason| line(reason)).collect();
            let more = match unseen.len().saturating_sub(UNSEEN_LISTED) {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            format!("the change was not seen as a whole: {}{more}", listed.join(", "))
        }
    }
}

/// A text of an agent as a part of a sentence: on one line, cut, without its full stop.
pub(super) fn line(text: &str) -> String {
    visible::line(text.trim().trim_end_matches('.'), LONGEST)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
