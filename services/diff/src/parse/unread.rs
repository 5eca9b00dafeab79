//! Lines between the parts of a diff: prose, or something that another reader of the text may take for a change.

use crate::hidden;

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// Before any diff, or in the words between two e-mails: there, what is not clearly a diff is prose.
    Outside,
    /// Behind a file's header.
    Diff,
}

/// True for the lines with which `git format-patch` and `git log` begin the words about a commit.
pub(super) fn begins_prose(line: &str) -> bool {
    let hash = line.strip_prefix("From ").or_else(|| line.strip_prefix("commit "));
    let hash = hash.and_then(|rest| rest.split(' ').next());
    hash.is_some_and(|hash| hash.len() >= 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What makes a line that was not read more than prose, as a sentence without its full stop; `next` is the line behind it.
pub(super) fn odd(line: &str, next: Option<&str>, at: Where) -> Option<&'static str> {
    // patch(1) also applies what is indented or quoted as RFC 934 does.
    let bare = line.trim_start();
    let bare = bare.strip_prefix("- ").unwrap_or(bare);
    let next = next.map_or("", |next| next.trim_start());
    anywhere(line, bare, next.strip_prefix("- ").unwrap_or(next)).or_else(|| match at {
        Where::Outside => None,
        Where::Diff => behind_header(line, bare),
    })
}

/// What is no prose wherever it stands.
fn anywhere(line: &str, bare: &str, next: &str) -> Option<&'static str> {
    let starts = |start: &str| bare.starts_with(start);
    if (starts("--- ") && next.starts_with("+++ ")) || (starts("diff --git ") && bare != line) {
        Some("a file's header without lines that can be read was left out")
    } else if starts("@@ -") {
        Some("a hunk that is indented was left out")
    } else if (starts("*** ") && next.starts_with("--- ")) || is_all(bare, b'*', 15) {
        Some("a context diff is not read; make a unified one")
    } else if is_command(bare) && (next.starts_with("< ") || next.starts_with("> ")) {
        Some("a diff without context is not read; make a unified one")
    } else if (starts("Only in ") && bare.contains(": "))
        || starts("* Unmerged path ")
        || (starts("Submodule ")
            && (bare.contains("..") || bare.contains("(") || bare.contains(" contains ")))
        || (starts("File ") && bare.contains(" is a "))
        || (starts("Files ") && bare.ends_with(" differ"))
        || starts("Binary file")
        || starts("GIT binary patch")
        || starts("Property changes on: ")
        || starts("Cannot display: ")
    {
        Some("a change is named here and not shown")
    } else {
        None
    }
}

/// What has no place behind the first header.
fn behind_header(line: &str, bare: &str) -> Option<&'static str> {
    let starts = |start: &str| line.starts_with(start);
    // "-- " is the signature of an e-mail, and "---" ends the words about a commit.
    if starts("+")
        || (starts("-") && line != "-- " && !is_all(line, b'-', 2))
        || starts("@@")
        || starts("***")
    {
        Some("lines that belong to no hunk were left out")
    } else if starts("Only in ") || starts("Submodule ") || starts("* Unmerged") || names_two_versions(line) {
        Some("a change is named here and not shown")
    } else if is_command(bare) {
        Some("a diff without context is not read; make a unified one")
    } else {
        hidden::is_split(line).then_some("a line that some editors show as several was left out")
    }
}

/// A command of a diff without context, `1,2c3`, or of ed.
fn is_command(line: &str) -> bool {
    let is_range = |range: &str| {
        let mut numbers = range.splitn(2, ',');
        numbers.all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    line.len() < 100
        && line
            .split_once(['a', 'c', 'd'])
            .is_some_and(|(old, new)| is_range(old) && (new.is_empty() || is_range(new)))
}

/// "These two files differ", in whatever language.
fn names_two_versions(line: &str) -> bool {
    if line.starts_with("diff ") {
        return false; // the command that made it, which stands before a header
    }
    // Not every language has blanks between its words.
    is_pair(line.split_whitespace())
        || (!line.is_ascii() && is_pair(line.split(|c: char| c.is_whitespace() || !c.is_ascii())))
}

/// Whether the first two paths among the words are versions of one file.
fn is_pair<'a>(words: impl Iterator<Item = &'a str>) -> bool {
    let bare = |word: &'a str| {
        word.trim_matches(|c: char| !c.is_alphanumeric() && !"/._-".contains(c)).trim_end_matches('.')
    };
    let mut paths = words.map(bare).filter(|word| word.contains('/') && !word.ends_with('/'));
    let (Some(old), Some(new)) = (paths.next(), paths.next()) else { return false };
    let name = |path: &'a str| path.rsplit('/').next();
    old != new && (name(old) == name(new) || old == "/dev/null" || new == "/dev/null")
}

fn is_all(line: &str, byte: u8, at_least: usize) -> bool {
    line.len() >= at_least && line.bytes().all(|other| other == byte)
}
