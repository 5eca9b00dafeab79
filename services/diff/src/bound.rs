//! A diff made small enough: whole files first, then the beginning of one.

mod cut;
#[cfg(test)]
mod tests;

use crate::model::{Diff, File};

/// A diff that fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounded {
    /// The text, never longer than was asked for, still a readable diff.
    pub text: String,
    /// Number of files that are in it whole.
    pub kept: usize,
    /// Paths of the files that are not in it whole, in the order of the diff.
    pub left_out: Vec<String>,
    /// The one of `left_out` of which the beginning is in the text.
    pub cut: Option<String>,
    /// True when anything is missing that may belong to the change, be it unreadable.
    pub truncated: bool,
}

/// Bounds `text` to `max_bytes`.
///
/// A text that fits comes back as it is. Otherwise files are taken whole, in their order, and those too large
/// for what room is left are passed over; the room that remains at the end goes to the beginning of the first file
/// passed over, cut behind a hunk or a line and marked. What stands around the files is dropped, and where
/// [notes](Diff::notes) say that it may be more than prose, that counts as missing. A text without any file is cut behind
/// a line. Takes time linear in `text`.
pub fn bound(text: &str, max_bytes: usize) -> Bounded {
    let diff = Diff::parse(text);
    if text.len() <= max_bytes {
        return Bounded { text: text.to_owned(), kept: diff.files.len(), ..Bounded::default() };
    }
    if diff.is_empty() {
        let text = cut::prefix(text, max_bytes).to_owned();
        return Bounded { text, truncated: true, ..Bounded::default() };
    }
    assemble(text, &diff, max_bytes)
}

fn assemble(text: &str, diff: &Diff, max_bytes: usize) -> Bounded {
    let files = &diff.files;
    let mut room = max_bytes;
    let fits: Vec<bool> = files.iter().map(|file| take(&mut room, size(text, file))).collect();
    let mut bounded = Bounded { truncated: true, ..Bounded::default() };
    for (file, fits) in files.iter().zip(fits) {
        if fits {
            bounded.kept += 1;
            push_line(&mut bounded.text, &text[file.span.clone()]);
            continue;
        }
        if bounded.left_out.is_empty()
            && let Some(beginning) = cut::beginning(text, file, room)
        {
            bounded.text.push_str(&beginning);
            bounded.cut = Some(file.path().to_owned());
        }
        bounded.left_out.push(file.path().to_owned());
    }
    // Perhaps only words around the files were too much.
    bounded.truncated = !(bounded.left_out.is_empty() && diff.notes.is_empty());
    bounded
}

fn take(room: &mut usize, size: usize) -> bool {
    let fits = size <= *room;
    if fits {
        *room -= size;
    }
    fits
}

/// Bytes that the file takes, with the newline that its last line may lack.
fn size(text: &str, file: &File) -> usize {
    file.span.len() + usize::from(!text[file.span.clone()].ends_with('\n'))
}

fn push_line(out: &mut String, part: &str) {
    out.push_str(part);
    if !part.ends_with('\n') {
        out.push('\n');
    }
}
