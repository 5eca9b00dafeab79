//! What a diff says, in types.

use std::fmt;
use std::ops::Range;

/// The files that a unified diff changes, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// One entry per file header; the same path twice is two entries.
    pub files: Vec<File>,
    /// What could not be read and was left out, what contradicts itself, and what is named and not shown, by line; at
    /// most 100 entries. Whoever decides on the diff should know: a change that was not read was not reviewed.
    pub notes: Vec<Note>,
}

/// Something odd in the text of a diff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Line of the parsed text, from 1.
    pub line: usize,
    /// A sentence without its full stop.
    pub text: String,
}

/// One changed file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Path before the change, without `a/`; `None` for an added file.
    pub old_path: Option<String>,
    /// Path after the change, without `b/`; `None` for a deleted file.
    pub new_path: Option<String>,
    /// What happened to the file as a whole.
    pub status: Status,
    /// True when git treats the content as binary; then there are no hunks.
    pub binary: bool,
    /// Size in bytes of the binary content after the change, where the diff carries it (`git diff --binary`).
    pub binary_size: Option<u64>,
    /// Unix mode before the change, such as `0o100644`, where the diff names it.
    pub old_mode: Option<u32>,
    /// Unix mode after the change: `0o100755` executable, `0o120000` symbolic link, `0o160000` submodule.
    pub new_mode: Option<u32>,
    /// True for a merge's combined diff (`diff --cc`), whose hunks are not read.
    pub combined: bool,
    /// The changed places, in the order of the diff.
    pub hunks: Vec<Hunk>,
    /// Number of added lines.
    pub additions: usize,
    /// Number of removed lines.
    pub deletions: usize,
    /// The file's part of the parsed text, in bytes: from its first header line to the end of its last hunk.
    pub span: Range<usize>,
}

/// What happened to a file as a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// It did not exist before.
    Added,
    /// It does not exist any more.
    Deleted,
    /// Its content changed.
    #[default]
    Modified,
    /// It has a new path, and perhaps new content.
    Renamed,
    /// It is a copy of another, and perhaps changed.
    Copied,
    /// Only its mode changed.
    ModeChanged,
}

/// One changed place in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunk {
    /// First line before the change, from 1 (0 when nothing stood there).
    pub old_start: u32,
    /// First line after the change, from 1 (0 when nothing is left).
    pub new_start: u32,
    /// What follows the second `@@`: usually the enclosing function.
    pub section: String,
    /// Removed, added and unchanged lines, in order.
    pub lines: Vec<Line>,
    /// The hunk's part of the parsed text, in bytes, its `@@` line included.
    pub span: Range<usize>,
}

/// One line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Added, removed or unchanged.
    pub kind: LineKind,
    /// Number of the line before the change, from 1; `None` for an added line.
    pub old: Option<u32>,
    /// Number of the line after the change, from 1; `None` for a removed line.
    pub new: Option<u32>,
    /// The line without its first column and without its end (`\n` or `\r\n`).
    pub text: String,
    /// True for a last line that does not end with a newline.
    pub no_newline: bool,
}

/// What a hunk does with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// `+`
    Added,
    /// `-`
    Removed,
    /// Unchanged.
    Context,
}

// === impl Diff ===

impl Diff {
    /// Reads every file header and hunk found in `text`, which may hold other things around them.
    ///
    /// Never fails: a text without a diff gives a `Diff` without files. Takes time linear in `text`.
    pub fn parse(text: &str) -> Self {
        crate::parse::parse(text)
    }

    /// True when no file was found.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Number of added lines in all files.
    pub fn additions(&self) -> usize {
        self.files.iter().map(|file| file.additions).sum()
    }

    /// Number of removed lines in all files.
    pub fn deletions(&self) -> usize {
        self.files.iter().map(|file| file.deletions).sum()
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

// === impl File ===

impl File {
    /// The path to show: the new one, or the old one of a deleted file; empty when the diff names neither.
    pub fn path(&self) -> &str {
        self.new_path.as_deref().or(self.old_path.as_deref()).unwrap_or_default()
    }

    /// Every line of every hunk, in order.
    pub fn lines(&self) -> impl Iterator<Item = &Line> {
        self.hunks.iter().flat_map(|hunk| &hunk.lines)
    }

    /// The added lines, in order.
    pub fn added(&self) -> impl Iterator<Item = &Line> {
        self.lines().filter(|line| line.kind == LineKind::Added)
    }

    /// The removed lines, in order.
    pub fn removed(&self) -> impl Iterator<Item = &Line> {
        self.lines().filter(|line| line.kind == LineKind::Removed)
    }
}
