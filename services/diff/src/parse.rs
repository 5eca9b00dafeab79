//! From text to [`Diff`]: finds headers anywhere, and reads hunks by their counts.
//!
//! ```text
//! text --"diff --git" | "diff --cc" | "---, +++, @@"--> header --"@@ -"--> hunk --counts used up--> text
//! ```
//! Counting is what keeps a removed line `-- a/x` (shown as `--- a/x`) from being taken for a header, and
//! whatever follows the diff from being taken for content.

mod combined;
mod header;
mod hunk;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use crate::cursor::Cursor;
use crate::model::{Diff, File, Note, Status};

/// More than this many oddities mean that the text is not a diff; the rest is not worth listing.
const MAX_NOTES: usize = 100;

/// Reads `text`.
pub(crate) fn parse(text: &str) -> Diff {
    let mut reader = Reader { cursor: Cursor::new(text), diff: Diff::default() };
    while reader.step() {}
    reader.finish()
}

struct Reader<'a> {
    cursor: Cursor<'a>,
    diff: Diff,
}

// === impl Reader ===

impl Reader<'_> {
    /// Reads one thing: a file's header, a hunk, or a line that is neither. False at the end.
    fn step(&mut self) -> bool {
        let Some(line) = self.cursor.peek() else { return false };
        if header::starts(&self.cursor) {
            self.diff.files.push(header::read(&mut self.cursor));
        } else if line.starts_with("@@ -") {
            self.hunk();
        } else if line.starts_with("@@@ -") {
            self.combined_hunk();
        } else {
            self.cursor.advance();
        }
        true
    }

    /// Reads a hunk and gives it to the last file named.
    fn hunk(&mut self) {
        let line = self.cursor.number();
        let Some((hunk, odd)) = hunk::read(&mut self.cursor) else {
            self.note(line, "this hunk header cannot be read, so its lines were not");
            self.cursor.advance();
            return;
        };
        if let Some(odd) = odd {
            self.note(line, odd);
        }
        match self.diff.files.last_mut() {
            Some(file) => file.push(hunk),
            None => self.note(line, "a hunk without the name of its file was left out"),
        }
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

    fn note(&mut self, line: usize, text: impl Into<String>) {
        match self.diff.notes.len() {
            ..MAX_NOTES => self.diff.notes.push(Note { line, text: text.into() }),
            _ => self.diff.notes[MAX_NOTES - 1].text = "this and more oddities are not listed".to_owned(),
        }
    }

    fn finish(mut self) -> Diff {
        self.diff.files.iter_mut().for_each(File::settle);
        self.diff.files.retain(File::says_something);
        self.diff
    }
}

// === impl File ===

impl File {
    fn push(&mut self, hunk: crate::Hunk) {
        use crate::LineKind::{Added, Removed};
        self.additions += hunk.lines.iter().filter(|line| line.kind == Added).count();
        self.deletions += hunk.lines.iter().filter(|line| line.kind == Removed).count();
        self.span.end = hunk.span.end;
        self.hunks.push(hunk);
    }

    /// What is known of the status only once the hunks are read.
    fn settle(&mut self) {
        let content = !self.hunks.is_empty() || self.binary || self.combined;
        if self.status == Status::Modified && !content && self.old_mode != self.new_mode {
            self.status = Status::ModeChanged;
        }
    }

    /// False for a bare `diff --git a/x b/x`, such as a sentence may contain.
    fn says_something(&self) -> bool {
        let content = !self.hunks.is_empty() || self.binary || self.combined;
        content || self.status != Status::Modified || self.old_mode.is_some() || self.new_mode.is_some()
    }
}
