//! What no policy file can switch off: when a change may be approved at all.

use crate::change::Extent;

use super::{
    Action, Evidence, Verdict,
    evidence::{self, kind},
    facts::Facts,
};

/// Turns an approval into `manual_review` unless the whole change was seen, at least one agent was required, and
/// every required agent approved.
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
        let detail = evidence::seen(&facts.change.extent);
        obstacles.push(Obstacle { kind: kind::CHANGE, subject: "change".to_owned(), detail });
    }
    if facts.required().next().is_none() {
        let detail = "no agent is required".to_owned();
        obstacles.push(Obstacle { kind: kind::STEP, subject: "required".to_owned(), detail });
    }
    obstacles.extend(facts.required().filter_map(|step| {
        let detail = step.objection()?;
        Some(Obstacle { kind: kind::STEP, subject: step.agent.clone(), detail })
    }));
    obstacles
}

// === impl Obstacle ===

impl Obstacle {
    fn evidence(self) -> Evidence {
        let detail = format!("Forbids an approval: {}.", self.detail);
        Evidence { kind: self.kind.to_owned(), subject: self.subject, detail }
    }
}
