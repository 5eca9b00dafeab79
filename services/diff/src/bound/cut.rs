//! The beginning of one file's patch, as much as fits, still a readable patch.

use crate::cursor::Cursor;
use crate::model::{File, Hunk};

/// Room for `@@ -4294967295,4294967295 +4294967295,4294967295 @@` and its newline.
const HUNK_HEADER: usize = 56;
/// Room for the mark with the largest number in it.
const MARK: usize = 80;

/// The file's headers, its first hunks and the first lines of the next one, in at most `room` bytes, and a mark;
/// `None` when not one line of content fits.
pub(super) fn beginning(text: &str, file: &File, room: usize) -> Option<String> {
    let first = file.hunks.first()?;
    let mut room = room.checked_sub(MARK)?;
    let mut out = String::new();
    push(&mut out, &mut room, &text[file.span.start..first.span.start]).then_some(())?;
    let mut left: usize = file.hunks.iter().map(|hunk| hunk.lines.len()).sum();
    let all = left;
    for hunk in &file.hunks {
        if push(&mut out, &mut room, &text[hunk.span.clone()]) {
            left -= hunk.lines.len();
            continue;
        }
        let (lines, count) = shortened(text, hunk, room);
        out.push_str(&lines);
        left -= count;
        break;
    }
    (left < all).then(|| out + &mark(left))
}

/// The first lines of a hunk under a header that counts only them, and their number.
fn shortened(text: &str, hunk: &Hunk, room: usize) -> (String, usize) {
    let Some(mut room) = room.checked_sub(HUNK_HEADER) else { return Default::default() };
    let mut cursor = Cursor::within(text, &hunk.span);
    cursor.advance();
    let (mut body, mut old, mut new) = (String::new(), 0_usize, 0_usize);
    let mut count = 0;
    for line in cursor {
        if line.len() + 1 > room {
            break;
        }
        room -= line.len() + 1;
        body.push_str(line);
        body.push('\n');
        if line.starts_with('\\') {
            continue;
        }
        count += 1;
        old += usize::from(!line.starts_with('+'));
        new += usize::from(!line.starts_with('-'));
    }
    if count == 0 {
        return Default::default();
    }
    let header = format!("@@ -{},{old} +{},{new} @@\n", hunk.old_start, hunk.new_start);
    (header + &body, count)
}

fn mark(left: usize) -> String {
    format!("# The rest of this file, {left} lines, is left out here.\n")
}

fn push(out: &mut String, room: &mut usize, part: &str) -> bool {
    let size = part.len() + usize::from(!part.ends_with('\n'));
    let fits = size <= *room;
    if fits {
        *room -= size;
        super::push_line(out, part);
    }
    fits
}

/// At most `max` bytes of `text`, up to the end of a line if there is one.
pub(super) fn prefix(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let end = text[..end].rfind('\n').map_or(end, |newline| newline + 1);
    &text[..end]
}
