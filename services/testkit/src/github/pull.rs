//! A pull request.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Comment, Review, files};

/// What a pull request begins with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewPull {
    /// Its number.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The description.
    pub body: String,
    /// Who opened it; nobody may approve their own.
    pub author: String,
    /// The branch it comes from.
    pub branch: String,
    /// The commit at its head.
    pub head: String,
    /// The branch it goes to.
    pub base: String,
    /// The change, as git shows it.
    pub diff: String,
    /// Whether it is a draft, which cannot be merged.
    pub draft: bool,
}

/// A pull request as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// The title.
    pub title: String,
    /// The description.
    pub body: String,
    /// Who opened it.
    pub author: String,
    /// The branch it comes from.
    pub branch: String,
    /// Every commit that was its head; the last one is.
    pub heads: Vec<String>,
    /// The branch it goes to.
    pub base: String,
    /// The change.
    pub diff: String,
    /// Whether it is a draft.
    pub draft: bool,
    /// Whether it is open.
    pub open: bool,
    /// Whether it can be merged without conflicts.
    pub mergeable: bool,
    /// Approvals that the base's protection asks for.
    pub approvals_needed: usize,
    /// The commit that merged it.
    pub merge_commit: Option<String>,
    /// Its labels, in the order in which they were set.
    pub labels: Vec<String>,
    /// Its reviews.
    pub reviews: Vec<Review>,
    /// Its comments.
    pub comments: Vec<Comment>,
}

// === impl NewPull ===

impl Default for NewPull {
    fn default() -> Self {
        NewPull {
            number: 12,
            title: "A change".to_owned(),
            body: "Because.".to_owned(),
            author: "octocat".to_owned(),
            branch: "topic".to_owned(),
            head: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            base: "main".to_owned(),
            diff: String::new(),
            draft: false,
        }
    }
}

// === impl Pull ===

impl Pull {
    pub(super) fn new(new: NewPull) -> Pull {
        Pull {
            number: new.number,
            title: new.title,
            body: new.body,
            author: new.author,
            branch: new.branch,
            heads: vec![new.head],
            base: new.base,
            diff: new.diff,
            draft: new.draft,
            open: true,
            mergeable: true,
            approvals_needed: 0,
            merge_commit: None,
            labels: Vec::new(),
            reviews: Vec::new(),
            comments: Vec::new(),
        }
    }

    /// The commit at its head.
    #[must_use]
    pub fn head(&self) -> &str {
        self.heads.last().map_or("", String::as_str)
    }

    /// Its files, as the API lists them.
    pub(super) fn files(&self) -> Vec<Value> {
        files::of(&self.diff)
    }

    /// Approvals of the present head that nobody took back.
    pub(super) fn approvals(&self) -> usize {
        let valid = |review: &&Review| review.state == "APPROVED" && review.commit == self.head();
        self.reviews.iter().filter(valid).count()
    }
}
