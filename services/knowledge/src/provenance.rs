//! Where a document comes from.

use std::fmt;

/// By which way a document came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It lies in the folder.
    Folder,
    /// It was added over the API.
    Api,
}

/// Where a document comes from, who brought it and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// By which way.
    pub way: Way,
    /// In ms since 1970-01-01 UTC: when it was added or replaced; of a file, when it was changed last.
    pub added_at_ms: i64,
    /// Who added it: `admin`, `local` or the id of an API key; `folder` for a file.
    pub added_by: String,
}

// === impl Provenance ===

impl Provenance {
    /// Of a file.
    pub fn of_file(changed_at_ms: i64) -> Provenance {
        Provenance { way: Way::Folder, added_at_ms: changed_at_ms, added_by: Way::Folder.to_string() }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Way::Folder => "folder",
            Way::Api => "api",
        })
    }
}
