//! The change that an event is about: the diff of its payload, bounded, and what of it nobody can see.

#[cfg(test)]
mod tests;
mod unseen;

use std::collections::HashSet;

use bsm_diff::{Diff, File, Status, hidden, secrets};
use serde::Serialize;
use serde_json::Value;

/// The longest diff that is shown to agents, in bytes.
pub const DIFF_BUDGET: usize = 256 * 1024;
/// The longest excerpt of added lines, in characters.
const CODE_EXCERPT: usize = 1_000;

/// A change as agents are shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The unified diff, at most as long as the budget, with hidden characters written as `⟦U+XXXX⟧`: what agents
    /// are shown, and what the policy's facts are about, is this text.
    pub diff: String,
    /// How many characters of the diff were hidden ones: control, zero-width, bidirectional. With any, a person must
    /// look at the change, so it does not count as seen as a whole.
    pub hidden: usize,
    /// Every file that the payload's diff names, those left out of `diff` included.
    pub files: Vec<ChangedFile>,
    /// Whether `diff` is less than the whole change.
    pub truncated: bool,
    /// Paths of the files that are not in `diff` as a whole, as far as they are known.
    pub files_left_out: Vec<String>,
    /// How many more files were left out before the event was submitted, by a cut that did not name them.
    pub left_out_unnamed: usize,
    /// Why nobody may rely on the change having been seen as a whole, each a sentence without its full stop; empty
    /// when it was.
    pub unseen: Vec<String>,
}

/// What an earlier cut left out.
#[derive(Default)]
struct LeftOut {
    paths: Vec<String>,
    unnamed: usize,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangedFile {
    /// The path after the change, or the one before of a deleted file.
    pub path: String,
    /// added, deleted, modified, renamed, copied or mode_changed.
    pub status: &'static str,
    /// Number of added lines.
    pub additions: usize,
    /// Number of removed lines.
    pub deletions: usize,
}

/// How much of the change the agents saw: a fact for the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// All, some or none of it.
    pub extent: Extent,
    /// Number of changed files.
    pub files: usize,
    /// Number of added lines.
    pub additions: usize,
    /// Number of removed lines.
    pub deletions: usize,
}

/// All, some or none of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Complete,
    /// Some of it; with what was not seen, each a sentence without its full stop.
    Truncated(Vec<String>),
    /// None of it; with the reason, a sentence without its full stop.
    Missing(String),
}

/// A payload whose change cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payload.{field} must be {expected}, not {found}")]
pub struct InvalidPayload {
    /// The field of the payload.
    pub field: &'static str,
    /// What it must be.
    pub expected: &'static str,
    /// What it is: null, a boolean, a number, a text, a list or an object.
    pub found: &'static str,
}

// === impl Change ===

impl Change {
    /// Reads `diff`, `diffTruncated` and `diffLeftOut` of an event's payload.
    ///
    /// `None` when the payload has no diff. A diff in which no file can be read gives a change that is
    /// [missing](Extent::Missing). A binary file, a submodule and a merge's combined diff are listed, but nobody can
    /// judge what they hold, so a change with one of them counts as not seen as a whole. So does one that holds
    /// hidden characters, because a person who looks at it elsewhere may see something else than what is there.
    ///
    /// # Errors
    /// [`InvalidPayload`] when one of the fields has another type.
    pub fn from_payload(payload: &Value) -> Result<Option<Self>, InvalidPayload> {
        let Some(diff) = field(payload, "diff", "a text", |diff| diff.as_str().map(str::to_owned))? else {
            return Ok(None);
        };
        let cut_before = field(payload, "diffTruncated", "true or false", Value::as_bool)?.unwrap_or(false);
        let left_out = field(payload, "diffLeftOut", "a list of paths or their number", left_out)?;
        let mut change = Self::read(&diff, DIFF_BUDGET);
        change.cut_before(cut_before, left_out.unwrap_or_default());
        Ok(Some(change))
    }

    /// Reads a diff and bounds it to `budget` bytes.
    #[must_use]
    pub fn read(diff: &str, budget: usize) -> Self {
        let (diff, hidden) = hidden::show(diff);
        let parsed = Diff::parse(&diff);
        let unseen = unseen::hidden(hidden).into_iter().chain(unseen::of(&parsed)).collect();
        let files = parsed.files.iter().map(ChangedFile::of).collect();
        let mut change = Self {
            diff: diff.into_owned(),
            hidden,
            files,
            truncated: false,
            files_left_out: Vec::new(),
            left_out_unnamed: 0,
            unseen,
        };
        change.shrink(budget);
        change
    }

    /// Cuts the diff to at most `budget` bytes and takes down what that leaves out. Does nothing when it fits.
    fn shrink(&mut self, budget: usize) {
        if self.diff.len() <= budget {
            return;
        }
        let bounded = bsm_diff::bound(&self.diff, budget);
        self.diff = bounded.text;
        self.truncated |= bounded.truncated;
        if bounded.truncated {
            self.unseen.push(format!("the diff was cut to {budget} bytes"));
        }
        self.leave_out(bounded.left_out);
    }

    /// The added lines, at most 1,000 characters of them: what the memory compares changes by. It is kept for long
    /// and shown to other reviews, so keys of known shapes are shortened in it.
    #[must_use]
    pub fn code(&self) -> String {
        let diff = Diff::parse(&self.diff);
        let mut code = String::new();
        for line in diff.files.iter().flat_map(File::added) {
            code.extend([line.text.as_str(), "\n"]);
        }
        secrets::mask(&code).chars().take(CODE_EXCERPT).collect()
    }

    /// How many files the agents are not shown as a whole, those nobody named included.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.files_left_out.len().saturating_add(self.left_out_unnamed)
    }

    /// Whether the agents are shown all of the change.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.extent() == Extent::Complete
    }

    /// How much of it the agents are shown.
    #[must_use]
    pub fn extent(&self) -> Extent {
        if self.files.is_empty() {
            let why = if self.diff.trim().is_empty() {
                "the diff is empty"
            } else {
                "no file can be read in the diff"
            };
            return Extent::Missing(why.to_owned());
        }
        if self.unseen.is_empty() && !self.truncated {
            Extent::Complete
        } else {
            Extent::Truncated(self.unseen.clone())
        }
    }

    /// What a cut made before this event was submitted left out.
    fn cut_before(&mut self, cut: bool, left_out: LeftOut) {
        let count = left_out.unnamed.saturating_add(left_out.paths.len());
        if !cut && count == 0 {
            return;
        }
        self.truncated = true;
        let files = if count == 0 { String::new() } else { format!(", {count} files are not whole in it") };
        self.unseen.push(format!("the diff was cut before it was submitted{files}"));
        self.left_out_unnamed = left_out.unnamed;
        self.leave_out(left_out.paths);
    }

    fn leave_out(&mut self, paths: Vec<String>) {
        let mut known: HashSet<String> = self.files_left_out.iter().cloned().collect();
        let new: Vec<String> = paths.into_iter().filter(|path| known.insert(path.clone())).collect();
        self.unseen.extend(unseen::left_out(new.iter().map(String::as_str)));
        self.files_left_out.extend(new);
    }
}

// === impl ChangedFile ===

impl ChangedFile {
    fn of(file: &File) -> Self {
        let status = match file.status {
            Status::Added => "added",
            Status::Deleted => "deleted",
            Status::Modified => "modified",
            Status::Renamed => "renamed",
            Status::Copied => "copied",
            Status::ModeChanged => "mode_changed",
        };
        Self { path: file.path().to_owned(), status, additions: file.additions, deletions: file.deletions }
    }
}

// === impl Seen ===

impl Seen {
    /// What agents saw that were shown `change`; `None` for an event without one.
    #[must_use]
    pub fn of(change: Option<&Change>) -> Self {
        let Some(change) = change else {
            let extent = Extent::Missing("the event carries no diff".to_owned());
            return Self { extent, files: 0, additions: 0, deletions: 0 };
        };
        Self {
            extent: change.extent(),
            files: change.files.len(),
            additions: change.files.iter().map(|file| file.additions).sum(),
            deletions: change.files.iter().map(|file| file.deletions).sum(),
        }
    }
}

/// A field of the payload; absent and null are the same.
fn field<T>(
    payload: &Value,
    field: &'static str,
    expected: &'static str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, InvalidPayload> {
    let Some(value) = payload.get(field).filter(|value| !value.is_null()) else { return Ok(None) };
    read(value).map(Some).ok_or(InvalidPayload { field, expected, found: kind(value) })
}

fn left_out(value: &Value) -> Option<LeftOut> {
    if let Some(count) = value.as_u64() {
        return Some(LeftOut { paths: Vec::new(), unnamed: usize::try_from(count).unwrap_or(usize::MAX) });
    }
    let paths =
        value.as_array()?.iter().map(|path| path.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    Some(LeftOut { paths, unnamed: 0 })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
