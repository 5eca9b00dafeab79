//! What a rule waits for, whether the facts show it, and which of them do.

use crate::{
    answer::{Opinion, Severity},
    change::Extent,
    ci::CiState,
};

use super::{
    evidence::{Cause, line},
    facts::{Facts, StepFact},
};

/// What a rule waits for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// An agent of a panel has one of these opinions. `None` is the panel of all agents.
    Says { panel: Option<Panel>, opinions: Vec<Opinion> },
    /// An agent has a finding of this severity or a graver one.
    Finding(Severity),
    /// So much of the change was seen.
    Change(Sight),
    /// Every required agent, and there is at least one, answered with at least this score.
    RequiredSucceeded { min_score: Option<f64> },
    /// The checks are in one of these states.
    Ci(Vec<CiState>),
    /// No gate waits for an answer.
    NoGatePending,
    /// Each of these holds.
    All(Vec<Condition>),
    /// One of these holds.
    Any(Vec<Condition>),
    /// This does not hold.
    Not(Box<Condition>),
}

/// The agents that speak for a concern.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Panel {
    pub(super) name: String,
    pub(super) agents: Vec<String>,
}

/// How much of a change was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Complete,
    Truncated,
    Missing,
}

// === impl Condition ===

impl Condition {
    /// Whether the facts show it.
    pub(super) fn holds(&self, facts: &Facts) -> bool {
        match self {
            Self::Says { .. } | Self::Finding(_) => !self.causes(facts).is_empty(),
            Self::Change(sight) => *sight == Sight::of(&facts.change.extent),
            Self::RequiredSucceeded { .. } => self.unmet(facts).is_empty(),
            Self::Ci(states) => states.contains(&facts.ci.state),
            Self::NoGatePending => facts.pending_gates.is_empty(),
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Self::Not(part) => !part.holds(facts),
        }
    }

    /// Whether it holds only where a part of it holds that `wanted` knows.
    pub(super) fn demands(&self, wanted: &impl Fn(&Self) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().any(|part| part.demands(wanted)),
            Self::Any(parts) => parts.iter().all(|part| part.demands(wanted)),
            Self::Not(_) => false,
            leaf => wanted(leaf),
        }
    }

    /// The opinions and findings that show it.
    pub(super) fn causes(&self, facts: &Facts) -> Vec<Cause> {
        match self {
            Self::Says { panel, opinions } => said(facts, panel.as_ref(), opinions),
            Self::Finding(severity) => {
                let grave = facts.findings().filter(|(_, finding)| finding.severity >= *severity);
                grave.map(|(agent, finding)| Cause::finding(agent, finding)).collect()
            }
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().filter(|part| part.holds(facts)).flat_map(|part| part.causes(facts)).collect()
            }
            Self::Change(_)
            | Self::RequiredSucceeded { .. }
            | Self::Ci(_)
            | Self::NoGatePending
            | Self::Not(_) => Vec::new(),
        }
    }

    /// What is missing for it to hold, each a sentence without its full stop; empty when it holds.
    pub(super) fn unmet(&self, facts: &Facts) -> Vec<String> {
        match self {
            Self::RequiredSucceeded { min_score } => unsuccessful(facts, *min_score),
            Self::All(parts) => parts.iter().flat_map(|part| part.unmet(facts)).collect(),
            Self::Any(parts) if !self.holds(facts) => {
                parts.iter().flat_map(|part| part.unmet(facts)).collect()
            }
            _ if self.holds(facts) => Vec::new(),
            Self::Change(_) => vec![super::evidence::seen(&facts.change.extent)],
            Self::Ci(_) => vec![format!("CI is {}: {}", facts.ci.state, line(&facts.ci.detail))],
            Self::NoGatePending => {
                facts.pending_gates.iter().map(|gate| format!("gate {gate} is pending")).collect()
            }
            Self::Says { panel, .. } => unsaid(facts, panel.as_ref()),
            Self::Finding(severity) => vec![format!("there is no {severity} finding")],
            Self::Not(part) => part.causes(facts).into_iter().map(|cause| cause.sentence).collect(),
            Self::Any(_) => Vec::new(),
        }
    }
}

/// The steps of a panel's agents.
fn speakers<'a>(facts: &'a Facts, panel: Option<&'a Panel>) -> impl Iterator<Item = &'a StepFact> {
    facts.steps.iter().filter(move |step| panel.is_none_or(|panel| panel.agents.contains(&step.agent)))
}

/// Who of a panel has one of some opinions.
fn said(facts: &Facts, panel: Option<&Panel>, opinions: &[Opinion]) -> Vec<Cause> {
    let reviews = speakers(facts, panel).filter_map(|step| Some((step.agent.as_str(), step.review()?)));
    let meant = reviews.filter(|(_, review)| opinions.contains(&review.decision));
    meant.map(|(agent, review)| Cause::opinion(agent, review)).collect()
}

/// What the agents of a panel did instead of having one of some opinions.
fn unsaid(facts: &Facts, panel: Option<&Panel>) -> Vec<String> {
    let told: Vec<_> = speakers(facts, panel).map(|step| step.objection().unwrap_or(step.told())).collect();
    match panel {
        Some(panel) if told.is_empty() => vec![format!("no agent of the panel {} takes part", panel.name)],
        _ => told,
    }
}

/// Which required agents did not succeed with at least a score.
fn unsuccessful(facts: &Facts, min_score: Option<f64>) -> Vec<String> {
    if facts.required().next().is_none() {
        return vec!["no agent is required".to_owned()];
    }
    let reason = |step: &StepFact| match (step.review(), min_score) {
        (None, _) => step.objection(),
        (Some(review), Some(min)) if review.score < min => {
            Some(format!("{} gives {}/10, and {min} is needed", step.agent, review.score))
        }
        (Some(_), _) => None,
    };
    facts.required().filter_map(reason).collect()
}

// === impl Sight ===

impl Sight {
    fn of(extent: &Extent) -> Self {
        match extent {
            Extent::Complete => Self::Complete,
            Extent::Truncated(_) => Self::Truncated,
            Extent::Missing(_) => Self::Missing,
        }
    }
}
