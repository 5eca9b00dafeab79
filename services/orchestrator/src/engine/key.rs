//! What a decision is unique for: under one key the same is decided once, and every job beside it says so.

use crate::{
    digest,
    job::{Action, Decision, Job, Subject},
    strategy::Strategy,
};

/// The key of a job's decision: the head of a pull request, the policy, the strategy that looked at it, and the diff
/// as it was submitted, because a payload may name a head that it does not show.
///
/// `None` for what belongs to its job alone: a job that is about no pull request, and `manual_review`, which is the
/// absence of a decision by rule, so that the head can be decided once what failed works again.
pub(super) fn of(job: &Job, decision: &Decision) -> Option<String> {
    if decision.action == Action::ManualReview {
        return None;
    }
    let head = Subject::of(&job.payload).decision_key(&decision.policy_version)?;
    let judges = judges(&job.strategy);
    Some(match job.payload.get("diff").and_then(|diff| diff.as_str()) {
        Some(diff) => format!("{head}/{judges}/{}", digest::of(&[diff])),
        None => format!("{head}/{judges}"),
    })
}

/// Who looked at the change, and whose word counted: what fewer agents found says nothing for more of them.
fn judges(strategy: &Strategy) -> String {
    digest::of(&[&strategy.event, &strategy.agents.join(","), &strategy.required.join(",")])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        fake,
        strategy::{Execution, OnFailure},
    };

    fn strategy(agents: &[&str]) -> Strategy {
        fake::strategy(Execution::Parallel, OnFailure::Continue, agents)
    }

    fn decision(action: Action) -> Decision {
        Decision {
            id: "d".into(),
            action,
            reason: String::new(),
            rule: String::new(),
            automated: true,
            evidence: Vec::new(),
            decided_at: 0,
            policy_version: "p1".into(),
        }
    }

    fn key(change: impl FnOnce(&mut Job)) -> Option<String> {
        let mut job = fake::job(strategy(&["a", "b"]));
        change(&mut job);
        of(&job, &decision(Action::ApproveAndMerge))
    }

    #[test]
    fn a_decision_is_unique_for_head_policy_strategy_and_diff() {
        let same = key(|_| {});
        assert!(same.is_some() && same == key(|_| {}), "two jobs about the same have one key");
        let others = [
            key(|job| job.payload["headSha"] = json!("def")),
            key(|job| job.payload["diff"] = json!("--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n")),
            key(|job| job.strategy.event = "default".into()),
            key(|job| job.strategy.agents = vec!["a".into()]),
            key(|job| job.strategy.required = vec!["a".into()]),
        ];
        for (index, other) in others.iter().enumerate() {
            assert!(other.is_some() && *other != same, "{index}: {other:?}");
            assert!(!others[..index].contains(other), "{index}: {other:?}");
        }
    }

    #[test]
    fn what_a_person_must_decide_and_what_is_no_pull_request_belongs_to_its_job() {
        let job = fake::job(strategy(&["a"]));
        assert_eq!(of(&job, &decision(Action::ManualReview)), None);
        assert_eq!(key(|job| job.payload = json!({"diff": "x"})), None);
    }
}
