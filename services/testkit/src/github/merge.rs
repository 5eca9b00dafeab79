//! Merging: once, and only the head that was reviewed.

use std::time::Instant;

use serde::Serialize;
use serde_json::json;

use super::{
    Pull, Refused,
    request::{Answer, Request},
    world::World,
};

/// A merge that happened.
#[derive(Clone, Debug, Serialize)]
pub struct Merge {
    /// `owner/name`.
    pub repo: String,
    /// The pull request.
    pub number: u64,
    /// The head that was merged.
    pub head: String,
    /// The `sha` that the caller asked to merge. Without it the caller merges whatever is there.
    pub asked: Option<String>,
    /// `merge`, `squash` or `rebase`.
    pub method: String,
    /// Who.
    pub by: String,
    /// When.
    #[serde(skip)]
    pub at: Instant,
}

// === impl World ===

impl World {
    pub(super) fn merge(
        &mut self,
        repo: &str,
        number: u64,
        request: &Request<'_>,
    ) -> Result<Answer, Refused> {
        let method = request.text("merge_method").unwrap_or("merge").to_owned();
        if !["merge", "squash", "rebase"].contains(&method.as_str()) {
            return Err(Refused::invalid(format!(
                "merge_method `{method}` is none of merge, squash, rebase"
            )));
        }
        let asked = request.text("sha").map(str::to_owned);
        let pull = self.pull(repo, number)?;
        check(pull, asked.as_deref())?;
        let (head, by) = (pull.head().to_owned(), request.login.to_owned());
        let commit = format!("{:040x}", 0xc0ffee_u64 << 32 | self.id());
        let pull = self.pull_mut(repo, number)?;
        pull.merge_commit = Some(commit.clone());
        pull.open = false;
        self.merges.push(Merge {
            repo: repo.to_owned(),
            number,
            head,
            asked,
            method,
            by,
            at: Instant::now(),
        });
        let message = "Pull Request successfully merged";
        Ok(Answer::ok(json!({"sha": commit, "merged": true, "message": message})))
    }
}

fn check(pull: &Pull, asked: Option<&str>) -> Result<(), Refused> {
    if !pull.open {
        return Err(Refused::new(405, "Pull Request is not mergeable"));
    }
    if pull.draft {
        return Err(Refused::new(405, "Pull Request is still a draft"));
    }
    if asked.is_some_and(|sha| sha != pull.head()) {
        return Err(Refused::new(409, "Head branch was modified. Review and try the merge again."));
    }
    if !pull.mergeable {
        return Err(Refused::new(405, "Pull Request has merge conflicts"));
    }
    let missing = pull.approvals_needed.saturating_sub(pull.approvals());
    if missing > 0 {
        let message =
            format!("At least {missing} approving review is required by reviewers with write access.");
        return Err(Refused::new(405, message));
    }
    Ok(())
}
