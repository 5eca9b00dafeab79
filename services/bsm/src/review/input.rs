//! The diff that is to be reviewed: read, bounded, and honest about what had to be left out.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    path::Path,
};

use bsm_diff::{Diff, bound, decode};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};

/// Bytes read at most: beyond this nobody wrote the change by hand.
const READ_LIMIT: u64 = 256 * 1024 * 1024;

/// Bytes sent to the agents at most, below the mesh's message limit.
const SEND_LIMIT: usize = 2 * 1024 * 1024;

/// What begins the code for a colour.
const ESCAPE: &str = "\u{1b}[";

/// A change as it can be sent.
#[derive(Debug)]
pub(crate) struct Change {
    /// The diff, whole files only.
    pub diff: String,
    /// Files that were left out to keep within the limit.
    pub left_out: Vec<String>,
    /// Whether anything was left out.
    pub truncated: bool,
    /// Things the user should know.
    pub notes: Vec<String>,
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// When it cannot be read, or holds no change.
pub(crate) fn read(path: &Path) -> anyhow::Result<Change> {
    let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let bytes = read_bytes(path, &name)?;
    from_bytes(&bytes, &name)
}

fn read_bytes(path: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let unreadable = |err: io::Error| Failure::error(Exit::NoInput, format!("{name} cannot be read: {err}"));
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        if io::stdin().is_terminal() {
            anstream::eprintln!("bsm: reading a diff from standard input; end with Ctrl-D");
        }
        io::stdin().lock().take(READ_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(READ_LIMIT + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > READ_LIMIT {
        let sentence = format!("{name} is larger than 256 MiB; review the change in parts");
        return Err(Failure::error(Exit::Data, sentence));
    }
    Ok(bytes)
}

fn from_bytes(bytes: &[u8], name: &str) -> anyhow::Result<Change> {
    let (text, lossy) = decode(bytes);
    let (text, coloured) = without_colours(text);
    if text.trim().is_empty() {
        return Err(Failure::error(Exit::Data, format!("{name} is empty: there is no change to review")));
    }
    if Diff::parse(&text).is_empty() {
        let sentence = format!("{name} holds no unified diff; make one with `git diff` or `diff -u`");
        return Err(Failure::error(Exit::Data, sentence));
    }
    let mut notes = Vec::new();
    if lossy {
        notes.push(format!("{name} is not all UTF-8; other bytes are shown as \u{FFFD}"));
    }
    if coloured {
        notes.push(format!(
            "{name} held colour codes, which are taken out; `git diff --no-color` leaves them away"
        ));
    }
    let bounded = bound(&text, SEND_LIMIT);
    if bounded.truncated {
        notes.push(format!(
            "the change is larger than {} MiB; {} files are reviewed and left out: {}. The decision cannot be an approval.",
            SEND_LIMIT / (1024 * 1024),
            bounded.kept,
            listed(&bounded.left_out)
        ));
    }
    Ok(Change { diff: bounded.text, left_out: bounded.left_out, truncated: bounded.truncated, notes })
}

/// `git diff` colours what it prints to a terminal or when told to; a coloured diff reads as no diff at all. Only
/// codes at the beginning of lines mean that: an escape within a line belongs to the change.
///
/// Nothing but colours is taken out: of other escapes a terminal hides the text within, which would hide it from the
/// reviewers, too.
fn without_colours(text: String) -> (String, bool) {
    if !text.lines().any(|line| colour(line).is_some()) {
        return (text, false);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(ESCAPE) {
        let (before, code) = rest.split_at(at);
        // An escape that is no colour stays.
        let (kept, behind) = colour(code).map_or_else(|| code.split_at(ESCAPE.len()), |behind| ("", behind));
        plain.extend([before, kept]);
        rest = behind;
    }
    plain.push_str(rest);
    (plain, true)
}

/// What follows the code for a colour, such as `ESC [ 1 ; 32 m`, with which `text` begins.
fn colour(text: &str) -> Option<&str> {
    let code = text.strip_prefix(ESCAPE)?;
    code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').strip_prefix(['m', 'K'])
}

fn listed(paths: &[String]) -> String {
    const SHOWN: usize = 5;
    if paths.is_empty() {
        return "lines that belong to no file".to_owned();
    }
    let shown = paths.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match paths.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl Change {
    /// The payload of the event.
    pub(crate) fn payload(&self, title: Option<&str>) -> Value {
        let mut payload = json!({"diff": self.diff});
        if self.truncated {
            payload["diffTruncated"] = true.into();
            payload["diffLeftOut"] = json!(self.left_out);
        }
        if let Some(title) = title {
            payload["title"] = title.into();
        }
        payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        from_bytes(bytes, "x").unwrap_err().to_string()
    }

    #[test]
    fn what_holds_no_change_is_refused_with_a_sentence() {
        assert_eq!(refusal(b" \n"), "x is empty: there is no change to review");
        assert!(refusal(b"hello").starts_with("x holds no unified diff"));
    }

    #[test]
    fn colours_are_taken_out_and_nothing_is_missed() {
        let plain = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -0,0 +1 @@\n+x\n";
        let coloured: String = plain.lines().map(|line| format!("\u{1b}[1m{line}\u{1b}[m\n")).collect();
        let change = from_bytes(coloured.as_bytes(), "x").unwrap();
        assert_eq!(change.diff, plain);
        assert!(change.notes[0].contains("--no-color"));
    }

    #[test]
    fn only_colours_are_taken_out() {
        let line = "+x = \"\u{1b}]0;\"; eval(input()) #\u{7}\u{1b}[2J\u{1b}[\n";
        let diff = format!("\u{1b}[1mdiff --git a/a b/a\u{1b}[m\n--- a/a\n+++ b/a\n@@ -0,0 +1 @@\n{line}");
        let change = from_bytes(diff.as_bytes(), "x").unwrap();
        assert!(change.diff.starts_with("diff --git a/a b/a\n") && change.diff.ends_with(line), "{change:?}");
    }

    #[test]
    fn a_change_beyond_the_limit_says_what_was_left_out() {
        let file = |name: &str, lines: usize| {
            let body = "+0123456789abcdef\n".repeat(lines);
            format!(
                "diff --git a/{name} b/{name}\nnew file mode 100644\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{lines} @@\n{body}"
            )
        };
        let text = file("small.txt", 3) + &file("large.txt", 200_000);
        let change = from_bytes(text.as_bytes(), "x").unwrap();
        assert!(change.diff.len() <= SEND_LIMIT && change.payload(None)["diffTruncated"] == true);
        assert!(change.notes[0].contains("large.txt"), "{:?}", change.notes);

        let text = file("small.txt", 3) + "\n" + &"+surplus\n".repeat(300_000);
        let change = from_bytes(text.as_bytes(), "x").unwrap();
        assert_eq!(change.payload(None)["diffTruncated"], true, "what could not be read is missing, too");
    }
}
