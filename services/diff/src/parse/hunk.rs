//! One hunk: `@@ -old,count +new,count @@ section` and as many lines as it counts.

use crate::cursor::Cursor;
use crate::hidden;
use crate::model::{Hunk, Line, LineKind};

/// What the `@@` line says.
struct Range {
    old_start: u32,
    new_start: u32,
    old_left: u32,
    new_left: u32,
}

/// A hunk, and what is odd about it.
pub(super) struct Read {
    pub(super) hunk: Hunk,
    /// A sentence without its full stop.
    pub(super) odd: Option<String>,
    /// Line of the text, from 1: the first added line that some take for several.
    pub(super) split: Option<usize>,
}

/// Reads the hunk at the cursor; `None`, and the cursor unmoved, when its `@@` line cannot be read.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Read> {
    let start = cursor.pos();
    let (mut range, section) = range(cursor.peek()?)?;
    cursor.advance();
    let mut hunk = Hunk {
        old_start: range.old_start,
        new_start: range.new_start,
        section: section.to_owned(),
        ..Hunk::default()
    };
    let mut split = None;
    while let Some(text) = cursor.peek() {
        if text.starts_with('\\') {
            // "\ No newline at end of file" speaks of the line before it.
            if let Some(last) = hunk.lines.last_mut() {
                last.no_newline = true;
            }
        } else if let Some(line) = range.take(text) {
            if split.is_none() && line.kind == LineKind::Added && hidden::is_split(&line.text) {
                split = Some(cursor.number());
            }
            hunk.lines.push(line);
        } else {
            break;
        }
        cursor.advance();
    }
    hunk.span = start..cursor.pos();
    let odd = range.odd(cursor.peek());
    Some(Read { hunk, odd, split })
}

/// Parses `@@ -1,2 +3,4 @@ section`.
fn range(line: &str) -> Option<(Range, &str)> {
    let (old, rest) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let (new, section) = rest.split_once(" @@")?;
    let (old_start, old_left) = start_and_count(old)?;
    let (new_start, new_left) = start_and_count(new)?;
    Some((Range { old_start, new_start, old_left, new_left }, section.trim_start()))
}

/// `7,2` is two lines from line 7; `7` is one.
pub(super) fn start_and_count(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

// === impl Range ===

impl Range {
    /// The next line of the hunk, if `text` is one and the counts leave room for it.
    fn take(&mut self, text: &str) -> Option<Line> {
        let kind = match text.as_bytes().first() {
            Some(b'+') if self.new_left > 0 => LineKind::Added,
            Some(b'-') if self.old_left > 0 => LineKind::Removed,
            // Mail and editors cut the blank of an empty unchanged line.
            Some(b' ') | None if self.old_left > 0 && self.new_left > 0 => LineKind::Context,
            _ => return None,
        };
        let old = (kind != LineKind::Added).then(|| next(&mut self.old_start, &mut self.old_left));
        let new = (kind != LineKind::Removed).then(|| next(&mut self.new_start, &mut self.new_left));
        let text = text.get(1..).unwrap_or_default().to_owned();
        Some(Line { kind, old, new, text, no_newline: false })
    }

    /// What is wrong with the counts, `next` being the line behind the hunk.
    fn odd(&self, next: Option<&str>) -> Option<String> {
        if self.old_left > 0 || self.new_left > 0 {
            let (old, new) = (self.old_left, self.new_left);
            return Some(format!("this hunk ends {old} old and {new} new lines early"));
        }
        // "-- " is the signature of an e-mail, and "--- " begins the next file.
        let surplus =
            |line: &str| line.starts_with('+') || (line.starts_with('-') && !line.starts_with("--"));
        next.filter(|line| surplus(line)).map(|_| {
            "this hunk is followed by lines that its header does not count; they were not read".to_owned()
        })
    }
}

fn next(number: &mut u32, left: &mut u32) -> u32 {
    let this = *number;
    *number = number.saturating_add(1);
    *left -= 1;
    this
}
