//! From findings to a review: a decision, a score and a summary, in the JSON that models answer in.

use bsm_diff::Diff;
use serde::{Deserialize, Serialize};

use super::change::Change;
use super::lens::Lens;
use super::rule::{Check, Rule, Severity};
use super::rules::rules;
use super::scanner;
use super::tally::Tally;

/// A review, as every agent gives it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// What should happen to the change.
    pub decision: Decision,
    /// 0 (worst) to 10, with one decimal.
    pub score: f64,
    /// One or two sentences; names the reviewer and says that no model was asked.
    pub summary: String,
    /// Worst first, at most 100.
    pub findings: Vec<Finding>,
}

/// What should happen to a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing stands in its way.
    Approve,
    /// Something must be fixed first.
    RequestChanges,
    /// It must not be merged.
    Block,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Path in the repository; empty for the change as a whole.
    pub file: String,
    /// Line in the new version of the file, from 1; null when it is about the whole file or change.
    #[serde(default)]
    pub line: Option<u32>,
    /// What was found, ending with the rule's id in brackets; a secret is never repeated in it.
    pub message: String,
    /// What to do about it.
    pub suggestion: String,
}

/// There was nothing to review, which is neither good nor bad: the caller's step has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no readable change in the prompt: it holds no unified diff")]
pub struct Nothing;

/// Reviews a diff through a lens. The same input gives the same review; takes time linear in the diff.
///
/// Any critical finding blocks; any high one asks for changes, and so does a medium one of a rule that must be
/// fixed in this lens; everything else lowers the score only.
///
/// # Errors
/// [`Nothing`] when the diff has no file.
pub fn review(diff: &Diff, lens: Lens) -> Result<Review, Nothing> {
    if diff.is_empty() {
        return Err(Nothing);
    }
    let tally = examine(&Change::new(diff), lens);
    Ok(Review {
        decision: decide(&tally, lens),
        score: score(&tally, lens),
        summary: summarize(diff, &tally, lens),
        findings: tally.into_findings(),
    })
}

fn examine(change: &Change<'_>, lens: Lens) -> Tally {
    let mut tally = Tally::default();
    for view in &change.files {
        scanner::scan(view, |rule, hit| {
            if lens.is_in(rule.lenses) {
                tally.add(rule, hit);
            }
        });
    }
    for rule in rules().iter().filter(|rule| lens.is_in(rule.lenses)) {
        let Check::Change(check) = rule.check else { continue };
        check(change).into_iter().for_each(|hit| tally.add(rule, hit));
    }
    tally
}

fn decide(tally: &Tally, lens: Lens) -> Decision {
    let asks = |(rule, severity): (&Rule, Severity)| match severity {
        Severity::Critical | Severity::High => true,
        Severity::Medium => lens.is_in(rule.must_fix),
        Severity::Low | Severity::Info => false,
    };
    if tally.count(Severity::Critical) > 0 {
        Decision::Block
    } else if tally.weighed().any(asks) {
        Decision::RequestChanges
    } else {
        Decision::Approve
    }
}

/// 10 minus weights in tenths of a point, at least 0. Small things never add up to more than one point and a half.
fn score(tally: &Tally, lens: Lens) -> f64 {
    let (mut small, mut large) = (0_u32, 0_u32);
    for (rule, severity) in tally.weighed() {
        match severity {
            Severity::Info => {}
            Severity::Low => small += 3,
            Severity::Medium if lens.is_in(rule.must_fix) => large += 25,
            Severity::Medium => large += 10,
            Severity::High => large += 40,
            Severity::Critical => large += 100,
        }
    }
    f64::from(100_u32.saturating_sub(large + small.min(15))) / 10.0
}

fn summarize(diff: &Diff, tally: &Tally, lens: Lens) -> String {
    let known = rules().iter().filter(|rule| lens.is_in(rule.lenses)).count();
    let counts: Vec<_> = Severity::ALL
        .into_iter()
        .rev()
        .map(|severity| (tally.count(severity), severity.name()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    let found = match counts.as_slice() {
        [] => "nothing found".to_owned(),
        counts => format!("found {}", counts.join(", ")),
    };
    format!(
        "Offline rule-based review (no model was asked): {found}. Read {files} with {added} added and {removed} \
         removed lines by {known} rules of the {lens} lens; rules see patterns, not intent.",
        files =
            if diff.files.len() == 1 { "1 file".to_owned() } else { format!("{} files", diff.files.len()) },
        added = diff.additions(),
        removed = diff.deletions(),
        lens = lens.name(),
    )
}
