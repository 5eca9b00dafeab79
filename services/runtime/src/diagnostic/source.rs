//! The text a diagnostic points into.

use std::{io, io::Read as _, ops::Range, path::Path};

use super::At;

/// The largest file that is read, in bytes: far more than a thousand agents need.
pub(crate) const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// How much of a line is shown before and after the caret, in characters.
const BEFORE: usize = 70;
const AFTER: usize = 40;

/// A text with its lines.
#[derive(Debug)]
pub(super) struct Source {
    text: String,
    lines: Vec<Range<usize>>,
}

/// Why there is no text.
pub(super) struct Unreadable {
    pub(super) message: String,
    pub(super) fix: &'static str,
}

/// Reads a file as text, blocking.
pub(super) fn read(path: &Path) -> Result<String, Unreadable> {
    let about = std::fs::metadata(path);
    // Opening a pipe would wait for a writer; a folder is told by its own error.
    if about.as_ref().is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Err(Unreadable {
            message: "this is a pipe, a socket or a device, not a file".to_owned(),
            fix: "name a file",
        });
    }
    // With room for the whole file and a byte more, one read is enough.
    let size = about.map_or(0, |found| found.len().min(MOST_BYTES));
    let mut bytes = Vec::with_capacity(size as usize + 1);
    // One byte beyond the limit tells a file that is just small enough from one that is too large.
    let opened = std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    opened.map_err(|error| unopened(path, &error))?;
    if bytes.len() as u64 > MOST_BYTES {
        let message = format!("the file is larger than {} MiB", MOST_BYTES / (1024 * 1024));
        return Err(Unreadable { message, fix: "split it, or look whether this is the right file" });
    }
    String::from_utf8(bytes).map_err(|error| {
        let bytes = error.as_bytes();
        let line =
            1 + bytes[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        let message = format!("the file is not UTF-8 text (the first bad byte is in line {line})");
        Unreadable { message, fix: "save it as UTF-8" }
    })
}

fn unopened(path: &Path, error: &io::Error) -> Unreadable {
    let (message, fix) = match error.kind() {
        io::ErrorKind::NotFound if path.parent().is_some_and(|dir| dir != Path::new("") && !dir.exists()) => {
            ("the file is missing, and so is its folder".to_owned(), "check the path")
        }
        io::ErrorKind::NotFound => ("the file is missing".to_owned(), "create it, or check the path"),
        io::ErrorKind::PermissionDenied => {
            ("the file may not be read by this user".to_owned(), "change its permissions")
        }
        io::ErrorKind::IsADirectory => ("this is a folder, not a file".to_owned(), "name a file"),
        _ => (format!("the file cannot be read: {error}"), ""),
    };
    Unreadable { message, fix }
}

// === impl Source ===

impl Source {
    pub(super) fn new(text: String) -> Self {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            lines.push(start..start + line.trim_end_matches(['\n', '\r']).len());
            start += line.len();
        }
        Self { text, lines }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A line, counted from 1; empty when there is none.
    pub(super) fn line(&self, line: u32) -> &str {
        let index = (line as usize).checked_sub(1);
        index.and_then(|index| self.lines.get(index)).map_or("", |range| &self.text[range.clone()])
    }

    /// The line at a place and a caret below it; none for the file as a whole, and none beyond the end.
    pub(super) fn snippet(&self, at: At) -> Option<String> {
        if at.line == 0 || at.line as usize > self.lines.len() {
            return None;
        }
        let column = (at.column as usize).saturating_sub(1);
        let skipped = column.saturating_sub(BEFORE);
        let shown: String =
            self.line(at.line).chars().skip(skipped).take(column - skipped + AFTER).map(visible).collect();
        let number = at.line;
        let (gutter, indent) = (number.to_string().len().max(4), column - skipped);
        Some(format!("{number:>gutter$} | {shown}\n{:gutter$} | {:indent$}^", "", ""))
    }
}

/// Control characters (a terminal would obey them) become spaces, as do tabs (the caret would be off).
fn visible(c: char) -> char {
    let direction = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if c.is_control() || direction { ' ' } else { c }
}
