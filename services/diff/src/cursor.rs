//! A place in a text, moved line by line.

use std::ops::Range;

/// The next line to read; copying it is how one looks ahead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    pos: usize,
    number: usize,
}

// === impl Cursor ===

impl<'a> Cursor<'a> {
    /// At the first line of `text`, behind a byte order mark if there is one.
    pub(crate) fn new(text: &'a str) -> Self {
        let pos = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, pos, number: 1 }
    }

    /// At the first line of the part `span` of `text`.
    pub(crate) fn within(text: &'a str, span: &Range<usize>) -> Self {
        Self { text: &text[..span.end], pos: span.start, number: 1 }
    }

    /// Byte offset of the next line.
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    /// Number of the next line, from 1.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// The next line without its end; `None` at the end of the text.
    pub(crate) fn peek(&self) -> Option<&'a str> {
        let line = &self.text[self.pos..self.line_end()?];
        let line = line.strip_suffix('\n').unwrap_or(line);
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// Moves behind the next line.
    pub(crate) fn advance(&mut self) {
        if let Some(end) = self.line_end() {
            self.pos = end;
            self.number += 1;
        }
    }

    fn line_end(&self) -> Option<usize> {
        let rest = &self.text[self.pos..];
        if rest.is_empty() {
            return None;
        }
        Some(rest.find('\n').map_or(self.text.len(), |at| self.pos + at + 1))
    }
}

impl<'a> Iterator for Cursor<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let line = self.peek()?;
        self.advance();
        Some(line)
    }
}
