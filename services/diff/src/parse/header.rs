//! The lines that introduce a file: git's, diff(1)'s, and those of binary files.

use crate::cursor::Cursor;
use crate::model::{File, Status};
use crate::path;

/// True when a file's header begins at the cursor.
pub(super) fn starts(cursor: &Cursor<'_>) -> bool {
    let Some(line) = cursor.peek() else { return false };
    git_line(line).is_some()
        || combined_line(line).is_some()
        || binary_line(line).is_some()
        || is_plain(*cursor)
}

/// Reads the header that begins at the cursor.
pub(super) fn read(cursor: &mut Cursor<'_>) -> File {
    let start = cursor.pos();
    let line = cursor.peek().unwrap_or_default();
    let mut file = if let Some(rest) = git_line(line) {
        cursor.advance();
        git(rest, cursor)
    } else if let Some(path) = combined_line(line) {
        cursor.advance();
        combined(path, cursor)
    } else if let Some(names) = binary_line(line) {
        cursor.advance();
        binary(names)
    } else {
        plain(cursor)
    };
    file.span = start..cursor.pos();
    file
}

fn git_line(line: &str) -> Option<&str> {
    line.strip_prefix("diff --git ")
}

fn combined_line(line: &str) -> Option<&str> {
    line.strip_prefix("diff --cc ").or_else(|| line.strip_prefix("diff --combined "))
}

fn binary_line(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("Binary files ")?.strip_suffix(" differ")?.split_once(" and ")
}

/// `---`, `+++` and `@@` in a row: less could be anything.
fn is_plain(mut cursor: Cursor<'_>) -> bool {
    let mut next = |start: &str| cursor.next().is_some_and(|line| line.starts_with(start));
    next("--- ") && next("+++ ") && next("@@ -")
}

// === git ===

fn git(rest: &str, cursor: &mut Cursor<'_>) -> File {
    let pair = path::git_pair(rest);
    let mut file = File::default();
    let (mut old, mut new) = (None, None);
    while let Some(line) = cursor.peek() {
        if let Some(raw) = line.strip_prefix("--- ") {
            old = Some(path::header_path(raw));
        } else if let Some(raw) = line.strip_prefix("+++ ") {
            new = Some(path::header_path(raw));
        } else if line == "GIT binary patch" {
            binary_patch(&mut file, cursor);
            continue;
        } else if binary_line(line).is_some() {
            file.binary = true;
        } else if !extended(&mut file, line) {
            break;
        }
        cursor.advance();
    }
    let shown = (old.clone().flatten(), new.clone().flatten());
    name(&mut file, pair, path::without_prefixes(shown));
    absent(&mut file, old == Some(None), new == Some(None));
    file
}

/// One of git's extended header lines; false when `line` is none.
fn extended(file: &mut File, line: &str) -> bool {
    let words = [
        "old mode ",
        "new mode ",
        "deleted file mode ",
        "new file mode ",
        "rename from ",
        "rename to ",
        "copy from ",
        "copy to ",
        "index ",
        "similarity index ",
        "dissimilarity index ",
    ];
    let Some(word) = words.into_iter().find(|word| line.starts_with(word)) else { return false };
    let value = &line[word.len()..];
    match word {
        "old mode " => file.old_mode = mode(value),
        "new mode " => file.new_mode = mode(value),
        "deleted file mode " => (file.status, file.old_mode) = (Status::Deleted, mode(value)),
        "new file mode " => (file.status, file.new_mode) = (Status::Added, mode(value)),
        "rename from " => {
            (file.status, file.old_path) = (Status::Renamed, Some(path::plain_or_quoted(value)))
        }
        "rename to " => file.new_path = Some(path::plain_or_quoted(value)),
        "copy from " => (file.status, file.old_path) = (Status::Copied, Some(path::plain_or_quoted(value))),
        "copy to " => file.new_path = Some(path::plain_or_quoted(value)),
        "index " => {
            if let Some(same) = value.split_once(' ').and_then(|(_, mode_)| mode(mode_)) {
                (file.old_mode, file.new_mode) = (Some(same), Some(same));
            }
        }
        _ => {}
    }
    true
}

fn mode(octal: &str) -> Option<u32> {
    u32::from_str_radix(octal.trim(), 8).ok()
}

/// Names the file from the best source: `rename from/to`, then `diff --git`, then `---` and `+++`.
fn name(file: &mut File, pair: Option<(String, String)>, shown: path::Pair) {
    let (old, new) = match pair {
        Some((old, new)) => (Some(old), Some(new)),
        None => shown,
    };
    file.old_path = file.old_path.take().or(old);
    file.new_path = file.new_path.take().or(new);
}

/// Takes the path away from the side on which the file does not exist.
fn absent(file: &mut File, no_old: bool, no_new: bool) {
    if file.status == Status::Modified {
        match (no_old, no_new) {
            (true, false) => file.status = Status::Added,
            (false, true) => file.status = Status::Deleted,
            _ => {}
        }
    }
    match file.status {
        Status::Added => file.old_path = None,
        Status::Deleted => file.new_path = None,
        _ => {}
    }
}

/// `literal 120` or `delta 17` and lines of base 85 up to an empty one; then perhaps the way back.
fn binary_patch(file: &mut File, cursor: &mut Cursor<'_>) {
    file.binary = true;
    cursor.advance();
    while let Some(line) = cursor.peek() {
        let literal = line.strip_prefix("literal ").and_then(|size| size.parse().ok());
        if literal.is_none() && !line.starts_with("delta ") {
            return;
        }
        // The first block leads to the new content; the second is the way back.
        file.binary_size = file.binary_size.or(literal);
        while cursor.next().is_some_and(|line| !line.is_empty()) {}
    }
}

// === others ===

fn combined(path: &str, cursor: &mut Cursor<'_>) -> File {
    let path = path::plain_or_quoted(path);
    let known = ["index ", "mode ", "new file mode ", "deleted file mode ", "--- ", "+++ "];
    while cursor.peek().is_some_and(|line| known.iter().any(|start| line.starts_with(start))) {
        cursor.advance();
    }
    File { old_path: Some(path.clone()), new_path: Some(path), combined: true, ..File::default() }
}

fn binary((old, new): (&str, &str)) -> File {
    let shown = (path::header_path(old), path::header_path(new));
    let (no_old, no_new) = (shown.0.is_none(), shown.1.is_none());
    let (old_path, new_path) = path::without_prefixes(shown);
    let mut file = File { old_path, new_path, binary: true, ..File::default() };
    absent(&mut file, no_old, no_new);
    file
}

fn plain(cursor: &mut Cursor<'_>) -> File {
    let mut path = |start: &str| {
        let line = cursor.next().unwrap_or_default();
        path::header_path(line.strip_prefix(start).unwrap_or(line))
    };
    let shown = (path("--- "), path("+++ "));
    // diff(1) dates a missing file to 1970 and does not name /dev/null; the empty range tells.
    let range = cursor.peek().unwrap_or_default();
    let (no_old, no_new) = (range.starts_with("@@ -0,0 "), range.contains(" +0,0 @@"));
    let (no_old, no_new) = (no_old || shown.0.is_none(), no_new || shown.1.is_none());
    let (old_path, new_path) = path::without_prefixes(shown);
    let mut file = File { old_path, new_path, ..File::default() };
    absent(&mut file, no_old, no_new);
    file
}
