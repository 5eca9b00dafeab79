//! What CI says about commits: check runs, and statuses that callers set.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Refused,
    request::{Answer, Request},
    routes::counted,
    view,
    world::World,
};

/// A check run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckRun {
    /// Its name.
    pub name: String,
    /// `queued`, `in_progress` or `completed`.
    pub status: String,
    /// `success`, `failure`, … once it is completed.
    #[serde(default)]
    pub conclusion: Option<String>,
}

/// A status of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitStatus {
    /// Its id.
    pub id: u64,
    /// `error`, `failure`, `pending` or `success`.
    pub state: String,
    /// What it is about; the newest of a context counts.
    pub context: String,
    /// A sentence.
    pub description: Option<String>,
    /// Who set it.
    pub by: String,
}

const STATES: [&str; 4] = ["error", "failure", "pending", "success"];

/// Characters of a description at most.
const LONGEST: usize = 140;

// === impl CheckRun ===

impl CheckRun {
    /// A run that is over.
    #[must_use]
    pub fn completed(name: &str, conclusion: &str) -> CheckRun {
        CheckRun {
            name: name.to_owned(),
            status: "completed".to_owned(),
            conclusion: Some(conclusion.to_owned()),
        }
    }

    /// A run that goes on.
    #[must_use]
    pub fn running(name: &str) -> CheckRun {
        CheckRun { name: name.to_owned(), status: "in_progress".to_owned(), conclusion: None }
    }
}

// === impl World ===

impl World {
    pub(super) fn set_check(&mut self, repo: &str, sha: &str, check: CheckRun) {
        let Ok(repo) = self.known_mut(repo) else { return };
        let checks = repo.checks.entry(sha.to_owned()).or_default();
        checks.retain(|known| known.name != check.name);
        checks.push(check);
    }

    pub(super) fn create_check(&mut self, repo: &str, request: &Request<'_>) -> Result<Answer, Refused> {
        let sha = self.resolve(repo, request.required("head_sha")?)?;
        let text = |field| request.text(field).map(str::to_owned);
        let conclusion = text("conclusion");
        let usual = if conclusion.is_some() { "completed" } else { "queued" };
        let status = text("status").unwrap_or_else(|| usual.to_owned());
        let check = CheckRun { name: request.required("name")?.to_owned(), status, conclusion };
        self.set_check(repo, &sha, check.clone());
        Ok(Answer::created(view::check(&sha, &check)))
    }

    pub(super) fn check_runs(&self, repo: &str, commit: &str) -> Result<Answer, Refused> {
        let sha = self.resolve(repo, commit)?;
        let checks = self.known(repo)?.checks.get(&sha).map_or(&[][..], Vec::as_slice);
        let shown = checks.iter().map(|check| view::check(&sha, check)).collect();
        Ok(Answer::ok(counted("check_runs", shown)))
    }

    pub(super) fn statuses(&self, repo: &str, sha: &str) -> &[CommitStatus] {
        self.known(repo).ok().and_then(|repo| repo.statuses.get(sha)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn set_status(
        &mut self,
        repo: &str,
        sha: &str,
        request: &Request<'_>,
    ) -> Result<Answer, Refused> {
        let sha = self.resolve(repo, sha)?;
        let state = request.required("state")?.to_owned();
        if !STATES.contains(&state.as_str()) {
            return Err(Refused::invalid(format!("state `{state}` is none of {}", STATES.join(", "))));
        }
        let description = request.text("description").map(str::to_owned);
        if description.as_ref().is_some_and(|text| text.chars().count() > LONGEST) {
            return Err(Refused::invalid(format!(
                "description is too long (maximum is {LONGEST} characters)"
            )));
        }
        let context = request.text("context").unwrap_or("default").to_owned();
        let status =
            CommitStatus { id: self.id(), state, context, description, by: request.login.to_owned() };
        self.known_mut(repo)?.statuses.entry(sha).or_default().push(status.clone());
        Ok(Answer::created(view::status(&status)))
    }

    /// The newest status of each context, and what they come to.
    pub(super) fn combined_status(&self, repo: &str, commit: &str) -> Result<Answer, Refused> {
        let sha = self.resolve(repo, commit)?;
        let mut newest: Vec<&CommitStatus> = Vec::new();
        for status in self.statuses(repo, &sha).iter().rev() {
            if !newest.iter().any(|known| known.context == status.context) {
                newest.push(status);
            }
        }
        let has = |state: &str| newest.iter().any(|status| status.state == state);
        let state = match () {
            () if has("error") || has("failure") => "failure",
            () if newest.is_empty() || has("pending") => "pending",
            () => "success",
        };
        let mut answer = counted("statuses", newest.into_iter().map(view::status).collect::<Vec<Value>>());
        answer["state"] = json!(state);
        answer["sha"] = json!(sha);
        Ok(Answer::ok(answer))
    }
}
