//! From text to [`Diff`]: finds headers anywhere, and reads hunks by their counts.
//!
//! ```text
//! text --"diff --git" | "diff --cc" | "---, +++, @@"--> header --"@@ -"--> hunk --counts used up--> text
//! ```
//! Counting is what keeps a removed line `-- a/x` (shown as `--- a/x`) from being taken for a header, and
//! whatever follows the diff from being taken for content. What looks like a part of a change and is not read as one
//! is noted, because some other reader of the same text may apply it.

mod combined;
mod content;
mod header;
mod hunk;
mod names;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod unread;

use crate::cursor::Cursor;
use crate::model::{Diff, File, LineKind, Note, Status};
use names::Differs;
use unread::Where;

/// More than this many oddities mean that the text is not a diff; the rest is not worth listing.
const MAX_NOTES: usize = 100;
/// The mode of an entry that stands for another repository's commit.
const SUBMODULE: u32 = 0o160_000;

/// Reads `text`.
pub(crate) fn parse(text: &str) -> Diff {
    let mut reader = Reader {
        cursor: Cursor::new(text),
        diff: Diff::default(),
        open: None,
        near: false,
        noted: false,
        at: Where::Outside,
        git: false,
        trees: Vec::new(),
    };
    while reader.step() {}
    reader.finish()
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    diff: Diff,
    /// The header of the last file, until the next one.
    open: Option<Open>,
    /// Whether nothing but blank lines stands between here and what was read last.
    near: bool,
    /// Whether the line before is a part of what a note is about.
    noted: bool,
    at: Where,
    /// Whether git made any of it.
    git: bool,
    /// Lines of headers that name the file in two trees, as diff(1) does and git does not.
    trees: Vec<usize>,
}

/// A header whose file may still get lines.
struct Open {
    line: usize,
    announces: bool,
}

// === impl Reader ===

impl Reader<'_> {
    /// Reads one thing: a file's header, a hunk, or a line that is neither. False at the end.
    fn step(&mut self) -> bool {
        let Some(line) = self.cursor.peek() else { return false };
        if header::starts(&self.cursor) {
            self.header();
        } else if line.starts_with("@@ -") {
            self.hunk();
        } else if line.starts_with("@@@ -") {
            self.combined_hunk();
        } else {
            self.unread(line);
        }
        true
    }

    fn header(&mut self) {
        self.close();
        let line = self.cursor.number();
        let header = header::read(&mut self.cursor);
        for odd in header.odd {
            self.note(line, odd);
        }
        match header.differs {
            Differs::No => {}
            Differs::ByTree => self.trees.push(line),
            Differs::ByName => {
                self.note(line, "the lines --- and +++ name two files, of which one is changed")
            }
        }
        self.git |= header.git;
        self.diff.files.push(header.file);
        self.open = Some(Open { line, announces: header.announces });
        (self.at, self.near, self.noted) = (Where::Diff, true, false);
    }

    /// Says what is odd about the last file, of which everything has been read now.
    fn close(&mut self) {
        let (Some(open), Some(file)) = (self.open.take(), self.diff.files.last()) else { return };
        let odd = if file.has_content() {
            None
        } else if open.announces {
            Some("this header announces lines that do not follow it")
        } else {
            (!file.says_something()).then_some("this names a file and does not say what changes in it")
        };
        let becomes = content::becomes_something_else(file)
            .then_some("this file becomes one of another kind, and its content is not shown");
        let elsewhere = content::is_elsewhere(file)
            .then_some("the content of this file is kept by git LFS, and the diff does not show it");
        for odd in odd.into_iter().chain(becomes).chain(elsewhere) {
            self.note(open.line, odd);
        }
    }

    /// Reads a hunk and gives it to the last file named.
    fn hunk(&mut self) {
        let line = self.cursor.number();
        let Some(read) = hunk::read(&mut self.cursor) else {
            self.note(line, "this hunk header cannot be read, so its lines were not");
            self.cursor.advance();
            self.open = None; // that nothing follows its header has been said
            (self.near, self.noted) = (false, true);
            return;
        };
        self.noted = read.odd.is_some();
        if let Some(odd) = read.odd {
            self.note(line, odd);
        }
        if let Some(split) = read.split {
            self.note(split, "this added line holds separators that some editors take for the ends of lines");
        }
        if !self.near && !self.diff.files.is_empty() {
            self.note(line, "this hunk stands apart from the header of its file");
        }
        match self.diff.files.last_mut() {
            Some(file) => file.push(read.hunk),
            None => self.note(line, "a hunk without the name of its file was left out"),
        }
        (self.at, self.near) = (Where::Diff, true);
    }

    /// Steps over a merge's hunk, so that its content is not taken for headers.
    fn combined_hunk(&mut self) {
        let line = self.cursor.number();
        combined::skip(&mut self.cursor);
        let end = self.cursor.pos();
        if let Some(file) = self.diff.files.last_mut() {
            file.combined = true;
            file.span.end = end;
        }
        self.note(line, "a merge's combined diff is not read; review it against one parent");
    }

    /// Steps over a line that is no part of a diff as this reads it.
    fn unread(&mut self, line: &str) {
        let number = self.cursor.number();
        self.cursor.advance();
        if unread::begins_prose(line) {
            self.at = Where::Outside;
        }
        let odd = unread::odd(line, self.cursor.peek(), self.at);
        if let Some(odd) = odd.filter(|_| !self.noted) {
            self.note(number, odd);
        }
        self.noted = odd.is_some();
        self.near &= line.trim().is_empty();
    }

    fn note(&mut self, line: usize, text: impl Into<String>) {
        match self.diff.notes.len() {
            ..MAX_NOTES => self.diff.notes.push(Note { line, text: text.into() }),
            _ => self.diff.notes[MAX_NOTES - 1].text = "this and more oddities are not listed".to_owned(),
        }
    }

    fn finish(mut self) -> Diff {
        self.close();
        for line in std::mem::take(&mut self.trees) {
            if self.git {
                self.note(line, "the lines --- and +++ name two files, and git would not");
            }
        }
        self.diff.notes.sort_by_key(|note| note.line);
        self.diff.files.iter_mut().for_each(File::settle);
        self.diff.files.retain(File::says_something);
        self.diff
    }
}

// === impl File ===

impl File {
    fn push(&mut self, hunk: crate::Hunk) {
        self.additions += hunk.lines.iter().filter(|line| line.kind == LineKind::Added).count();
        self.deletions += hunk.lines.iter().filter(|line| line.kind == LineKind::Removed).count();
        self.span.end = hunk.span.end;
        self.hunks.push(hunk);
    }

    /// What is known of the status only once the hunks are read.
    fn settle(&mut self) {
        if self.status == Status::Modified && !self.has_content() && self.old_mode != self.new_mode {
            self.status = Status::ModeChanged;
        }
        // The mode may be missing; that a file consists of such a line and nothing else is no accident.
        let commit = |line: &crate::Line| {
            line.kind != LineKind::Context && line.text.starts_with("Subproject commit ")
        };
        if self.new_mode.is_none() && !self.hunks.is_empty() && self.lines().all(commit) {
            self.new_mode = Some(SUBMODULE);
        }
    }

    fn has_content(&self) -> bool {
        !self.hunks.is_empty() || self.binary || self.combined
    }

    /// False for a bare `diff --git a/x b/x`, such as a sentence may contain.
    fn says_something(&self) -> bool {
        self.has_content()
            || self.status != Status::Modified
            || self.old_mode.is_some()
            || self.new_mode.is_some()
    }
}
