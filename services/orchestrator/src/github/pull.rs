//! Which pull request an event names, in words that may go into a path.

use serde_json::Value;

use crate::job::Subject;

/// A pull request and the commit that an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRef {
    owner: String,
    repo: String,
    number: u64,
    head: String,
}

/// The payload names a repository that GitHub cannot have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("payload.repo is not the name of a repository on GitHub, such as acme/shop")]
pub struct NotAPull;

/// The longest names that GitHub gives.
const LONGEST_OWNER: usize = 39;
const LONGEST_REPO: usize = 100;

// === impl PullRef ===

impl PullRef {
    /// What a payload names; `None` if it names no repository, number or head.
    ///
    /// # Errors
    /// [`NotAPull`] for names outside of GitHub's own alphabet, which must not go into a path.
    pub fn of(payload: &Value) -> Result<Option<PullRef>, NotAPull> {
        let Subject { repo: name, pr, .. } = Subject::of(payload);
        let head = payload.get("headSha").and_then(Value::as_str).unwrap_or_default();
        let Some(number) = pr.filter(|_| !name.is_empty() && !head.is_empty()) else { return Ok(None) };
        let (owner, repo) = name.split_once('/').ok_or(NotAPull)?;
        if !is_owner(owner) || !is_repo(repo) {
            return Err(NotAPull);
        }
        Ok(Some(PullRef { owner: owner.to_owned(), repo: repo.to_owned(), number, head: head.to_owned() }))
    }

    /// Its path below the API's address.
    #[must_use]
    pub fn path(&self) -> String {
        let Self { owner, repo, number, .. } = self;
        format!("/repos/{owner}/{repo}/pulls/{number}")
    }

    /// The commit that the event is about.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }
}

/// Letters, digits and hyphens, the first no hyphen; managed users have an underscore.
fn is_owner(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST_OWNER).contains(&name.len()) && name.bytes().all(letter) && !name.starts_with('-')
}

/// Letters, digits, hyphens, underscores and dots; not the two names that paths give a meaning.
fn is_repo(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_REPO).contains(&name.len()) && name.bytes().all(letter) && !matches!(name, "." | "..")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(repo: &str) -> Result<Option<PullRef>, NotAPull> {
        PullRef::of(&json!({"repo": repo, "prNumber": 12, "headSha": "abc"}))
    }

    #[test]
    fn a_repository_has_a_path_only_in_githubs_own_alphabet() {
        let path = |repo: &str| of(repo).map(|pull| pull.unwrap().path());
        assert_eq!(path("acme/shop").unwrap(), "/repos/acme/shop/pulls/12");
        assert_eq!(path("A-1_corp/my.repo-x_y").unwrap(), "/repos/A-1_corp/my.repo-x_y/pulls/12");
        let long = format!("{}/x", "a".repeat(40));
        for bad in [
            "acme", "acme/", "/shop", "acme/..", "acme/.", "acme/a/b", "../x", "-a/x", "a b/x", "a/x?y=1",
            "a/x#y", "a/x%2f", "ä/x", "a@b/x", "a/x\\y", &long,
        ] {
            assert_eq!(of(bad), Err(NotAPull), "{bad}");
        }
    }

    #[test]
    fn what_names_no_pull_request_and_head_is_none() {
        for payload in [
            json!({}),
            json!({"repo": "acme/shop", "prNumber": 12}),
            json!({"repo": "acme/shop", "headSha": "abc"}),
            json!({"prNumber": 12, "headSha": "abc"}),
            json!({"repo": "acme/shop", "prNumber": 12, "commit": "abc"}),
        ] {
            assert_eq!(PullRef::of(&payload), Ok(None), "{payload}");
        }
    }
}
