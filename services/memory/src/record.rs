//! What is remembered, and where it belongs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    metadata::{Filter, Metadata},
    words::WordSet,
};

/// The records that are searched together: those of one kind in one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Collection {
    /// 1 to 63 characters of a-z, 0-9 and '-'.
    pub namespace: String,
    /// What they are.
    pub kind: Kind,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A code review.
    Review,
    /// The decision of a job.
    Decision,
}

/// A record to be kept, in place of the one with the same id in its collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// 1 to 128 visible ASCII characters.
    pub id: String,
    /// What is compared: the code of a review, the context of a decision.
    pub text: String,
    /// What it says.
    pub body: Body,
    /// What filters see.
    pub metadata: Metadata,
}

/// What a record says beside the text it is found by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// A code review.
    Review {
        /// Its text.
        review: String,
    },
    /// The decision of a job.
    Decision {
        /// What was decided.
        action: Action,
        /// Why, in a sentence.
        reason: String,
        /// Which job; may be empty.
        job_id: String,
    },
}

/// What a decision does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Approve the change and merge it.
    ApproveAndMerge,
    /// Ask the author for changes.
    RequestChanges,
    /// Keep the change from being merged.
    BlockPr,
    /// Leave it to a person.
    ManualReview,
}

/// A record as it was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// When its id was first stored, in ms since 1970: a replacement keeps the time, so that a repeated write changes
    /// nothing.
    pub created_at: i64,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Where.
    pub collection: Collection,
    /// The words to compare with.
    pub words: WordSet,
    /// How many records at most.
    pub k: usize,
    /// Which records alone.
    pub filter: Filter,
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Shared words divided by all words of both: above 0, at most 1.
    pub score: f64,
    /// When its id was first stored, in ms since 1970.
    pub created_at: i64,
    /// What it is.
    pub record: Record,
}

// === impl Kind ===

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 2] = [Kind::Review, Kind::Decision];

    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Review => "review",
            Kind::Decision => "decision",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

// === impl Action ===

impl Action {
    /// All of them.
    pub const ALL: [Action; 4] =
        [Action::ApproveAndMerge, Action::RequestChanges, Action::BlockPr, Action::ManualReview];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Action::ApproveAndMerge => "approve_and_merge",
            Action::RequestChanges => "request_changes",
            Action::BlockPr => "block_pr",
            Action::ManualReview => "manual_review",
        }
    }

    /// The action of that name.
    pub fn from_name(name: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Body ===

impl Body {
    /// What it is the body of.
    pub fn kind(&self) -> Kind {
        match self {
            Body::Review { .. } => Kind::Review,
            Body::Decision { .. } => Kind::Decision,
        }
    }

    /// The length of its texts, in bytes.
    pub fn len(&self) -> usize {
        match self {
            Body::Review { review } => review.len(),
            Body::Decision { action, reason, job_id } => action.name().len() + reason.len() + job_id.len(),
        }
    }

    /// Whether it has no text at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_on_the_wire_and_in_the_file() {
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.name()), Some(action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.name());
        }
        assert_eq!(Action::from_name("merge"), None);
        assert!(Kind::ALL.into_iter().all(|kind| Kind::from_name(kind.name()) == Some(kind)));
    }
}
