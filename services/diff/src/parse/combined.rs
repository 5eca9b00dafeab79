//! A merge's hunk, `@@@ -1,3 -1,3 +1,4 @@@`: stepped over by its counts.

use crate::cursor::Cursor;
use crate::parse::hunk::start_and_count;

/// Moves the cursor behind the hunk that begins at it, or behind its first line if that cannot be read.
pub(super) fn skip(cursor: &mut Cursor<'_>) {
    let Some(mut counts) = cursor.next().and_then(counts) else { return };
    while let Some(line) = cursor.peek() {
        if !line.starts_with('\\') && !counts.take(line) {
            return;
        }
        cursor.advance();
    }
}

/// Lines that are still to come: in each parent, and in the result.
struct Counts {
    parents: Vec<u32>,
    result: u32,
}

fn counts(header: &str) -> Option<Counts> {
    let ranges = header.trim_start_matches('@').split("@@@").next()?;
    let mut counts = Counts { parents: Vec::new(), result: 0 };
    for range in ranges.split_whitespace() {
        if let Some(parent) = range.strip_prefix('-') {
            counts.parents.push(start_and_count(parent)?.1);
        } else {
            counts.result = start_and_count(range.strip_prefix('+')?)?.1;
        }
    }
    Some(counts)
}

// === impl Counts ===

impl Counts {
    /// Counts `line`, which has one column per parent; false when it is no line of the hunk.
    fn take(&mut self, line: &str) -> bool {
        let Some(columns) = line.as_bytes().get(..self.parents.len()) else { return false };
        let open = self.result > 0 || self.parents.iter().any(|left| *left > 0);
        if !open || columns.iter().any(|column| !b" +-".contains(column)) {
            return false;
        }
        // A line with a '-' is not in the result, and only in the parents so marked.
        let removed = columns.contains(&b'-');
        let here = if removed { b'-' } else { b' ' };
        self.result = self.result.saturating_sub(u32::from(!removed));
        for (left, column) in self.parents.iter_mut().zip(columns) {
            *left = left.saturating_sub(u32::from(*column == here));
        }
        true
    }
}
