//! What a job is about: the pull request or commit that its payload names.

use std::fmt;

use serde_json::Value;

/// The longest repository name or sha that is taken from a payload, in characters.
const LONGEST_NAME: usize = 200;

/// The repository, pull request and head that a payload names; empty where it names none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// `owner/name`.
    pub repo: String,
    /// The pull request's number.
    pub pr: Option<u64>,
    /// The commit under review.
    pub head_sha: String,
}

impl Subject {
    /// Reads the fields of the webhook mapping: `repo`, `prNumber`, `headSha` (or `commit` of a check suite).
    #[must_use]
    pub fn of(payload: &Value) -> Self {
        Self {
            repo: text(payload, "repo"),
            pr: payload.get("prNumber").and_then(number),
            head_sha: match text(payload, "headSha") {
                sha if sha.is_empty() => text(payload, "commit"),
                sha => sha,
            },
        }
    }

    /// What names one decision among all: the same head under the same policy is decided once. `None` when the
    /// payload does not name a pull request's head; then each job has its own decision.
    #[must_use]
    pub fn decision_key(&self, policy_version: &str) -> Option<String> {
        let pr = self.pr?;
        if self.repo.is_empty() || self.head_sha.is_empty() {
            return None;
        }
        Some(format!("{}#{pr}@{}/{policy_version}", self.repo, self.head_sha))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repo)?;
        match (self.pr, self.head_sha.as_str()) {
            (Some(pr), _) => write!(f, "#{pr}"),
            (None, "") => Ok(()),
            (None, sha) => write!(f, "@{}", sha.chars().take(12).collect::<String>()),
        }
    }
}

fn text(payload: &Value, field: &str) -> String {
    let text = payload.get(field).and_then(Value::as_str).unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

/// Structs on the wire carry every number as a double, so 12.0 is 12.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        (float >= 0.0 && float.fract() == 0.0 && float < 9e15).then_some(float as u64)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pull_request_is_named_by_repository_and_number() {
        let subject = Subject::of(&json!({"repo": "acme/shop", "prNumber": 12.0, "headSha": "abc"}));
        assert_eq!(subject.to_string(), "acme/shop#12");
        assert_eq!(subject.decision_key("p1"), Some("acme/shop#12@abc/p1".into()));
    }

    #[test]
    fn a_commit_is_named_by_its_short_sha() {
        let subject = Subject::of(&json!({"repo": "acme/shop", "commit": "0123456789abcdef"}));
        assert_eq!(subject.to_string(), "acme/shop@0123456789ab");
        assert_eq!(subject.decision_key("p1"), None);
    }

    #[test]
    fn a_payload_of_wrong_types_names_nothing() {
        let subject = Subject::of(&json!({"repo": 1, "prNumber": -1, "headSha": ["x"]}));
        assert_eq!(subject, Subject::default());
        assert_eq!(subject.to_string(), "");
    }
}
