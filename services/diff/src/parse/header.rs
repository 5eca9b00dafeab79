//! The lines that introduce a file: git's, diff(1)'s, and those of binary files.

use crate::cursor::Cursor;
use crate::model::{File, Status};
use crate::path;

use super::names::{self, Differs, Names};

/// What git calls a file without content, by SHA-1 and by SHA-256.
const EMPTY: [&str; 2] = [
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
];

/// True when a file's header begins at the cursor.
pub(super) fn starts(cursor: &Cursor<'_>) -> bool {
    let Some(line) = cursor.peek() else { return false };
    git_line(line).is_some()
        || combined_line(line).is_some()
        || binary_line(line).is_some()
        || is_plain(*cursor)
}

/// A file's header.
#[derive(Default)]
pub(super) struct Header {
    pub(super) file: File,
    /// What is odd about it, each a sentence without its full stop.
    pub(super) odd: Vec<&'static str>,
    /// Whether it promises lines: those that show nothing leave out what they should show.
    pub(super) announces: bool,
    /// Whether a header of diff(1) names two files.
    pub(super) differs: Differs,
    /// Whether git wrote it.
    pub(super) git: bool,
}

/// Reads the header that begins at the cursor.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Header {
    let start = cursor.pos();
    let line = cursor.peek().unwrap_or_default();
    let mut header = if let Some(rest) = git_line(line) {
        cursor.advance();
        git(rest, cursor)
    } else if let Some(path) = combined_line(line) {
        cursor.advance();
        Header { file: combined(path, cursor), git: true, ..Header::default() }
    } else if let Some(names) = binary_line(line) {
        cursor.advance();
        Header { file: binary(names), ..Header::default() }
    } else {
        plain(cursor)
    };
    header.file.span = start..cursor.pos();
    header
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

fn git(rest: &str, cursor: &mut Cursor<'_>) -> Header {
    let mut header = Header { git: true, ..Header::default() };
    let mut names = Names { line: rest.to_owned(), ..Names::default() };
    while let Some(line) = cursor.peek() {
        // A second pair belongs to another file.
        if let Some(raw) = line.strip_prefix("--- ").filter(|_| names.old.is_none() && names.new.is_none()) {
            names.old = Some(path::header_path(raw));
        } else if let Some(raw) = line.strip_prefix("+++ ").filter(|_| names.new.is_none()) {
            names.new = Some(path::header_path(raw));
        } else if line == "GIT binary patch" {
            binary_patch(&mut header.file, cursor);
            continue;
        } else if line.starts_with("Binary file") {
            header.file.binary = true;
        } else if !extended(&mut header, &mut names, line) {
            break;
        }
        cursor.advance();
    }
    header.announces |= names.old.is_some() || names.new.is_some();
    let (no_old, no_new) = (names.old == Some(None), names.new == Some(None));
    let (old, new) = names.settle(&mut header.odd);
    (header.file.old_path, header.file.new_path) = (old, new);
    absent(&mut header.file, no_old, no_new);
    header
}

/// One of git's extended header lines; false when `line` is none.
fn extended(header: &mut Header, names: &mut Names, line: &str) -> bool {
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
    let file = &mut header.file;
    match word {
        "old mode " => file.old_mode = mode(value),
        "new mode " => file.new_mode = mode(value),
        "deleted file mode " => (file.status, file.old_mode) = (Status::Deleted, mode(value)),
        "new file mode " => (file.status, file.new_mode) = (Status::Added, mode(value)),
        "rename from " => {
            (file.status, names.from) = (Status::Renamed, Some(path::plain_or_quoted(value)));
        }
        "copy from " => (file.status, names.from) = (Status::Copied, Some(path::plain_or_quoted(value))),
        "rename to " | "copy to " => names.to = Some(path::plain_or_quoted(value)),
        "index " => {
            header.announces |= content_differs(value);
            if let Some(same) = value.split_once(' ').and_then(|(_, same)| mode(same)) {
                (file.old_mode, file.new_mode) = (Some(same), Some(same));
            }
        }
        _ => {}
    }
    if word.ends_with("mode ") && mode(value).is_none() {
        header.odd.push("the mode of this file cannot be read");
    }
    true
}

/// The octal number that begins `text`: git does not mind what follows it.
fn mode(text: &str) -> Option<u32> {
    u32::from_str_radix(text.split_whitespace().next()?, 8).ok()
}

/// Whether `index a..b` tells of content that lines must show: not when both are the same or nothing.
fn content_differs(value: &str) -> bool {
    let hashes = value.split_whitespace().next().and_then(|hashes| hashes.split_once(".."));
    let Some((old, new)) = hashes else { return true };
    let nothing = |hash: &str| {
        let absent = hash.bytes().all(|byte| byte == b'0');
        absent || (hash.len() >= 4 && EMPTY.iter().any(|empty| empty.starts_with(hash)))
    };
    old != new && !(nothing(old) && nothing(new))
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
        cursor.advance();
        while cursor.peek().is_some_and(is_base85) {
            cursor.advance();
        }
        if cursor.peek() == Some("") {
            cursor.advance();
        }
    }
}

/// A letter for the length, then git's digits, of which a blank is none: so that no patch swallows what follows it.
fn is_base85(line: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&()*+-;<=>?@^_`{|}~".contains(&byte);
    line.starts_with(|first: char| first.is_ascii_alphabetic()) && line.bytes().all(digit)
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

fn plain(cursor: &mut Cursor<'_>) -> Header {
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
    let differs = names::differ(old_path.as_deref(), new_path.as_deref());
    let mut file = File { old_path, new_path, ..File::default() };
    absent(&mut file, no_old, no_new);
    Header { file, differs, ..Header::default() }
}
