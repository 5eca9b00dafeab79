//! What no policy file can switch off: when a change may be approved at all.

use crate::{
    answer::{Opinion, Severity},
    change::Extent,
};

use super::{
    Action, Evidence, Verdict,
    evidence::{self, Cause, kind},
    facts::{Facts, StepFact},
};

/// Turns an approval into `manual_review` unless the whole change was seen, at least one agent was required, every
/// required agent approved, and nobody else is against it: no agent asks for changes or blocks, and nobody has a
/// critical finding.
pub(super) fn check(verdict: Verdict, facts: &Facts) -> Verdict {
    if verdict.action != Action::ApproveAndMerge {
        return verdict;
    }
    let obstacles = obstacles(facts);
    if obstacles.is_empty() {
        return verdict;
    }
    let named: Vec<String> = obstacles.iter().map(|obstacle| obstacle.detail.clone()).collect();
    let reason = format!("The policy's rule {} approves, but a person must decide", verdict.rule);
    let mut evidence = verdict.evidence;
    evidence.extend(obstacles.into_iter().map(Obstacle::evidence));
    let reason = super::sentence(&reason, &named);
    Verdict { action: Action::ManualReview, automated: false, reason, evidence, rule: verdict.rule }
}

/// One thing that forbids an approval.
struct Obstacle {
    kind: &'static str,
    subject: String,
    detail: String,
}

fn obstacles(facts: &Facts) -> Vec<Obstacle> {
    let mut obstacles = Vec::new();
    if facts.change.extent != Extent::Complete {
        obstacles.push(Obstacle::new(kind::CHANGE, "change", evidence::seen(&facts.change.extent)));
    }
    if facts.required().next().is_none() {
        obstacles.push(Obstacle::new(kind::STEP, "required", "no agent is required".to_owned()));
    }
    obstacles.extend(facts.required().filter_map(unless_approved));
    obstacles.extend(facts.optional().filter(|step| is_against(step)).filter_map(unless_approved));
    let critical = facts.findings().filter(|(_, finding)| finding.severity >= Severity::Critical);
    obstacles.extend(critical.map(|(agent, finding)| {
        let detail = format!("critical finding of {}", Cause::finding(agent, finding).sentence);
        Obstacle::new(kind::FINDING, agent, detail)
    }));
    obstacles
}

fn unless_approved(step: &StepFact) -> Option<Obstacle> {
    Some(Obstacle::new(kind::STEP, &step.agent, step.objection()?))
}

/// An agent that nobody requires may fail, but what it says counts.
fn is_against(step: &StepFact) -> bool {
    step.review().is_some_and(|review| match review.decision {
        Opinion::Approve => false,
        Opinion::RequestChanges | Opinion::Block => true,
    })
}

// === impl Obstacle ===

impl Obstacle {
    fn new(kind: &'static str, subject: &str, detail: String) -> Self {
        Self { kind, subject: subject.to_owned(), detail }
    }

    fn evidence(self) -> Evidence {
        let detail = format!("Forbids an approval: {}.", self.detail);
        Evidence { kind: self.kind.to_owned(), subject: self.subject, detail }
    }
}
