//! Comments on pull requests.

use http::Method;
use serde::Serialize;

use super::{
    Refused,
    request::{Answer, Request},
    view,
    world::World,
};

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Comment {
    /// Its id, unique over all repositories.
    pub id: u64,
    /// Who.
    pub by: String,
    /// What it says.
    pub body: String,
    /// How often it was edited.
    pub edits: u64,
}

/// Characters of a comment at most.
const LONGEST: usize = 65_536;

// === impl World ===

impl World {
    pub(super) fn create_comment(
        &mut self,
        repo: &str,
        number: u64,
        request: &Request<'_>,
    ) -> Result<Answer, Refused> {
        let body = body(request)?;
        let comment = Comment { id: self.id(), by: request.login.to_owned(), body, edits: 0 };
        self.pull_mut(repo, number)?.comments.push(comment.clone());
        Ok(Answer::created(view::comment(&comment)))
    }

    /// Shows, edits or deletes a comment.
    pub(super) fn one_comment(
        &mut self,
        repo: &str,
        id: u64,
        request: &Request<'_>,
    ) -> Result<Answer, Refused> {
        let pulls = self.known_mut(repo)?.pulls.values_mut();
        let has = |comments: &[Comment]| comments.iter().position(|comment| comment.id == id);
        let found = pulls.into_iter().find_map(|pull| Some((has(&pull.comments)?, pull)));
        let (at, pull) = found.ok_or_else(Refused::not_found)?;
        match request.call.method {
            Method::DELETE => {
                pull.comments.remove(at);
                Ok(Answer::nothing())
            }
            Method::PATCH => {
                pull.comments[at].body = body(request)?;
                pull.comments[at].edits += 1;
                Ok(Answer::ok(view::comment(&pull.comments[at])))
            }
            _ => Ok(Answer::ok(view::comment(&pull.comments[at]))),
        }
    }
}

fn body(request: &Request<'_>) -> Result<String, Refused> {
    let body = request.required("body")?;
    match body.chars().count() {
        0..=LONGEST => Ok(body.to_owned()),
        _ => Err(Refused::invalid(format!("body is too long (maximum is {LONGEST} characters)"))),
    }
}
