//! Rules that can be read but promise more than they can keep: warnings, because the guard keeps them from harm.

use bsm_runtime::{
    diagnostic::{At, Findings},
    yaml::Path,
};

use super::{
    Rule,
    condition::{Condition, Sight},
};
use crate::{answer::Opinion, job::Action};

/// Warns about an approval that does not ask for all that it needs.
pub(super) fn check(rule: &Rule, at: At, path: &Path<'_>, findings: &mut Findings) {
    if rule.then.action != Action::ApproveAndMerge {
        return;
    }
    let id = &rule.id;
    if !rule.when.demands(&|part| *part == Condition::Change(Sight::Complete)) {
        let message = format!("the rule {id:?} approves without asking whether the whole change was seen");
        let fix =
            "add `change: complete`; a change that was not seen as a whole ends in manual_review anyway";
        findings.warning(at, path.field("when"), message, fix);
    }
    if !rule.when.demands(&asks_agents) {
        let message = format!("the rule {id:?} approves without asking any agent");
        let fix = "add `required: succeeded`, or a panel that `says: [approve]`";
        findings.warning(at, path.field("when"), message, fix);
    }
}

fn asks_agents(part: &Condition) -> bool {
    match part {
        Condition::RequiredSucceeded { .. } => true,
        Condition::Says { opinions, .. } => opinions[..] == [Opinion::Approve],
        _ => false,
    }
}
