//! Reviews of pull requests.

use serde::Serialize;
use serde_json::Value;

use super::{
    Refused, files,
    request::{Answer, Request},
    view,
    world::World,
};

/// A review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Review {
    /// Its id.
    pub id: u64,
    /// Who.
    pub by: String,
    /// What it says.
    pub body: String,
    /// `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED` or `PENDING`.
    pub state: String,
    /// The commit that was reviewed.
    pub commit: String,
    /// Comments on lines.
    pub comments: Vec<Value>,
}

// === impl World ===

impl World {
    pub(super) fn review(
        &mut self,
        repo: &str,
        number: u64,
        request: &Request<'_>,
    ) -> Result<Answer, Refused> {
        let id = self.id();
        let pull = self.pull_mut(repo, number)?;
        let body = request.text("body").unwrap_or_default().to_owned();
        let state = state(request, &body, &pull.author)?;
        let commit = request.text("commit_id").unwrap_or(pull.head()).to_owned();
        if !pull.heads.contains(&commit) {
            return Err(Refused::invalid("The commit_id is not part of the pull request"));
        }
        let comments = request.call.body["comments"].as_array().cloned().unwrap_or_default();
        for comment in &comments {
            on_the_diff(comment, &pull.diff)?;
        }
        let review =
            Review { id, by: request.login.to_owned(), body, state: state.to_owned(), commit, comments };
        pull.reviews.push(review.clone());
        Ok(Answer::ok(view::review(&review)))
    }
}

fn state(request: &Request<'_>, body: &str, author: &str) -> Result<&'static str, Refused> {
    let own = request.login == author;
    match request.text("event") {
        None => Ok("PENDING"),
        Some("APPROVE") if own => Err(Refused::invalid("Can not approve your own pull request")),
        Some("APPROVE") => Ok("APPROVED"),
        Some("REQUEST_CHANGES") if own => {
            Err(Refused::invalid("Can not request changes on your own pull request"))
        }
        Some("REQUEST_CHANGES" | "COMMENT") if body.is_empty() => {
            Err(Refused::invalid("body is missing or blank"))
        }
        Some("REQUEST_CHANGES") => Ok("CHANGES_REQUESTED"),
        Some("COMMENT") => Ok("COMMENTED"),
        Some(other) => {
            Err(Refused::invalid(format!("event `{other}` is none of APPROVE, REQUEST_CHANGES, COMMENT")))
        }
    }
}

fn on_the_diff(comment: &Value, diff: &str) -> Result<(), Refused> {
    let path = comment["path"].as_str().unwrap_or_default();
    if !files::touches(diff, path) {
        return Err(Refused::invalid("Path could not be resolved"));
    }
    let placed =
        comment["line"].as_u64().or_else(|| comment["position"].as_u64()).is_some_and(|line| line > 0);
    if !placed {
        return Err(Refused::invalid("Line could not be resolved"));
    }
    let words = comment["body"].as_str().is_some_and(|body| !body.is_empty());
    words.then_some(()).ok_or_else(|| Refused::invalid("body is missing or blank"))
}
