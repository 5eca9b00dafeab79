//! From facts to a decision: ordered rules of `agents/policy.yaml`, first match wins, the evidence kept.
//!
//! ```text
//! facts ──rule 1──rule 2── … ──otherwise──► verdict ──guard──► verdict
//! ```
//! An agent's answer is advice. Whatever the file says, the guard lets an approval through only when the whole
//! change was seen, every required agent approved it and nobody is against it; any other becomes `manual_review`.

mod condition;
mod evidence;
mod facts;
mod file;
mod guard;
mod lint;
#[cfg(test)]
mod tests;

use condition::Condition;

pub use crate::job::{Action, Evidence};
pub use facts::{Facts, Outcome, StepFact};

/// The name of the rule that decides when no other does.
pub const OTHERWISE: &str = "otherwise";
/// How many causes a reason names; the evidence has them all.
const NAMED_CAUSES: usize = 3;

/// One version of the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    rules: Vec<Rule>,
    otherwise: Outfall,
    version: String,
}

/// What the facts of a job come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is to be done.
    pub action: Action,
    /// The rule that matched; [`OTHERWISE`] when none did.
    pub rule: String,
    /// Why, as a sentence that names what mattered.
    pub reason: String,
    /// Whether the action may be carried out without a person.
    pub automated: bool,
    /// Every fact that was weighed.
    pub evidence: Vec<Evidence>,
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    id: String,
    when: Condition,
    then: Outfall,
}

/// What a rule says is to be done.
#[derive(Debug, Clone, PartialEq)]
struct Outfall {
    action: Action,
    reason: String,
    automated: bool,
}

// === impl Policy ===

impl Policy {
    /// Decides. Pure: the same facts under the same policy give the same verdict.
    #[must_use]
    pub fn decide(&self, facts: &Facts) -> Verdict {
        let verdict = match self.rules.iter().find(|rule| rule.when.holds(facts)) {
            Some(rule) => rule.verdict(facts),
            None => self.undecided(facts),
        };
        guard::check(verdict, facts)
    }

    /// Identifies the text that this was read from: 12 hexadecimal digits.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// No rule matched: the reason names what an approval would have needed.
    fn undecided(&self, facts: &Facts) -> Verdict {
        let approvals = self.rules.iter().filter(|rule| rule.then.action == Action::ApproveAndMerge);
        let mut missing: Vec<String> = Vec::new();
        for unmet in approvals.flat_map(|rule| rule.when.unmet(facts)) {
            if !missing.contains(&unmet) {
                missing.push(unmet);
            }
        }
        self.otherwise.verdict(OTHERWISE, &missing, evidence::of(facts, Vec::new()))
    }
}

// === impl Rule ===

impl Rule {
    fn verdict(&self, facts: &Facts) -> Verdict {
        let causes = self.when.causes(facts);
        // An approval has no cause: it rests on all that is in the evidence.
        let singled_out = causes.iter().filter(|_| self.then.action != Action::ApproveAndMerge);
        let named: Vec<String> = singled_out.map(|cause| cause.sentence.clone()).collect();
        self.then.verdict(&self.id, &named, evidence::of(facts, causes))
    }
}

// === impl Outfall ===

impl Outfall {
    fn verdict(&self, rule: &str, causes: &[String], evidence: Vec<Evidence>) -> Verdict {
        Verdict {
            action: self.action,
            rule: rule.to_owned(),
            reason: sentence(&self.reason, causes),
            automated: self.automated,
            evidence,
        }
    }
}

/// A reason followed by what caused it.
fn sentence(reason: &str, causes: &[String]) -> String {
    if causes.is_empty() {
        return reason.to_owned();
    }
    let named = causes.iter().take(NAMED_CAUSES).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = match causes.len().saturating_sub(NAMED_CAUSES) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{}: {named}{more}.", reason.trim_end().trim_end_matches('.'))
}
