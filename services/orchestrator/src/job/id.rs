//! The name of a job: a UUIDv7, so that ids sort by time of creation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Names a job; sorts by time of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

/// A text that cannot be a job's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a job id is a UUID such as 018f2b5e-7c00-7000-8000-000000000000")]
pub struct MalformedJobId;

impl JobId {
    /// A new id, later than all made before by this process.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for JobId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for JobId {
    type Err = MalformedJobId;

    /// Takes the form that [`fmt::Display`] writes and no other, so that one job has one name.
    fn from_str(text: &str) -> Result<Self, MalformedJobId> {
        let id = Uuid::try_parse(text).map_err(|_| MalformedJobId)?;
        if id.as_hyphenated().to_string() == text { Ok(Self(id)) } else { Err(MalformedJobId) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_creation() {
        let ids: Vec<_> = (0..1000).map(|_| JobId::new()).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().map(ToString::to_string).is_sorted(), "as text too: the journal sorts by it");
    }

    #[test]
    fn only_the_written_form_is_read() {
        let id = JobId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse::<JobId>(), Err(MalformedJobId));
        assert_eq!("../../etc/passwd".parse::<JobId>(), Err(MalformedJobId));
    }
}
