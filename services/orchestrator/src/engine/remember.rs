//! What the memory is given of a job. The ids come from the job, so that a repeat after a crash replaces and does
//! not add.

use bsm_proto::memory::v1::{StoreDecisionRequest, StoreReviewRequest};
use bsm_runtime::json;
use serde_json::json;

use crate::{
    answer,
    change::Change,
    job::{Decision, Job, Step},
};

/// The longest text of a review or context that the memory takes, in bytes.
const LONGEST: usize = 64 * 1024;

/// One review per step that has one, with the code it is about; none when there is no code.
pub(super) fn reviews(job: &Job, change: Option<&Change>) -> Vec<StoreReviewRequest> {
    let code = change.map(Change::code).unwrap_or_default();
    if code.trim().is_empty() {
        return Vec::new();
    }
    job.steps.iter().filter_map(|step| review(job, step, &code)).collect()
}

fn review(job: &Job, step: &Step, code: &str) -> Option<StoreReviewRequest> {
    let review = step.review.as_ref()?;
    let metadata = json!({
        "agent": step.agent_id,
        "decision": review.decision.as_str(),
        "score": review.score,
        "job": job.id.to_string(),
        "subject": job.subject,
        "model": step.usage.model,
        "provider": step.usage.provider,
    });
    Some(StoreReviewRequest {
        id: Some(format!("{}:{}", job.id, step.agent_id)),
        code: code.to_owned(),
        review: bounded(answer::readable(review)),
        metadata: Some(json::to_struct(metadata)),
        namespace: None,
    })
}

/// The decision, with what it was about in words.
pub(super) fn decision(job: &Job, decision: &Decision, change: Option<&Change>) -> StoreDecisionRequest {
    let metadata = json!({
        "rule": decision.rule,
        "automated": decision.automated,
        "policyVersion": decision.policy_version,
        "subject": job.subject,
    });
    StoreDecisionRequest {
        id: Some(decision.id.clone()),
        action: decision.action.to_string(),
        reason: decision.reason.clone(),
        context: bounded(context(job, change)),
        job_id: job.id.to_string(),
        metadata: Some(json::to_struct(metadata)),
        namespace: None,
    }
}

fn context(job: &Job, change: Option<&Change>) -> String {
    let title = job.payload.get("title").and_then(|title| title.as_str()).unwrap_or_default();
    let files = change.map_or(&[][..], |change| &change.files);
    let paths = files.iter().map(|file| file.path.as_str());
    let words = [job.event.as_str(), &job.subject, title].into_iter().chain(paths);
    words.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

fn bounded(mut text: String) -> String {
    let end = (0..=LONGEST.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_two_characters() {
        let cut = bounded("ش".repeat(LONGEST));
        assert_eq!(cut.len(), LONGEST);
        assert_eq!(bounded(format!("a{}", "ش".repeat(LONGEST))).len(), LONGEST - 1);
        assert_eq!(bounded("short".into()), "short");
    }
}
