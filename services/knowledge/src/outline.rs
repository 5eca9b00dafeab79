//! A document as its reader found it: the text, where its headings are, and where it may be cut.

/// The longest text of a document, in bytes.
pub const MOST_TEXT_BYTES: usize = 1024 * 1024;

/// The longest heading that is kept, in characters; what follows is left out.
const LONGEST_HEADING: usize = 200;

/// The text of a document and its structure. Offsets are bytes of `text`, in ascending order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// What the format itself says it is called, such as HTML's `<title>`.
    pub(crate) title: Option<String>,
    pub(crate) text: String,
    pub(crate) headings: Vec<Heading>,
    /// Where a paragraph, a list, a table or the like begins.
    pub(crate) blocks: Vec<usize>,
}

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// 1 is the highest.
    pub(crate) level: u8,
    pub(crate) text: String,
    /// Where its line begins.
    pub(crate) at: usize,
}

/// The text has grown beyond [`MOST_TEXT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

// === impl Outline ===

impl Outline {
    /// Adds a heading, written as Markdown writes one. Nothing for a blank one.
    pub(crate) fn push_heading(&mut self, level: u8, text: &str) -> Result<(), TooLong> {
        let text = one_line(text);
        if text.is_empty() {
            return Ok(());
        }
        let at = self.begin();
        let marks = "#".repeat(usize::from(level.clamp(1, 6)));
        self.text.push_str(&format!("{marks} {text}\n"));
        self.headings.push(Heading { level, text, at });
        self.fits()
    }

    /// Adds a block. Nothing for a blank one.
    pub(crate) fn push_block(&mut self, text: &str) -> Result<(), TooLong> {
        let text = text.trim_end();
        if text.trim().is_empty() {
            return Ok(());
        }
        let at = self.begin();
        self.blocks.push(at);
        self.text.extend(text.chars().filter(|c| is_shown(*c)));
        self.text.push('\n');
        self.fits()
    }

    /// A blank line before all but the first; returns where the next begins.
    fn begin(&mut self) -> usize {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.len()
    }

    fn fits(&self) -> Result<(), TooLong> {
        if self.text.len() > MOST_TEXT_BYTES { Err(TooLong) } else { Ok(()) }
    }
}

/// The text on one line, without control characters, of a bounded length.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_HEADING) {
        Some((end, _)) => line[..end].trim_end().to_owned(),
        None => line,
    }
}

/// Control characters mean nothing in text but for these two.
fn is_shown(c: char) -> bool {
    !c.is_control() || c == '\n' || c == '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_blocks_are_apart_by_blank_lines_and_known_by_their_places() {
        let mut outline = Outline::default();
        outline.push_heading(2, " A \n title ").unwrap();
        outline.push_block("one\u{0}\ntwo\n\n").unwrap();
        outline.push_block(" \n").unwrap();
        outline.push_block("three").unwrap();
        assert_eq!(outline.text, "## A title\n\none\ntwo\n\nthree\n");
        assert_eq!(outline.headings, [Heading { level: 2, text: "A title".into(), at: 0 }]);
        assert_eq!(outline.blocks, [12, 21]);
    }

    #[test]
    fn a_text_that_grows_too_long_is_refused_and_a_long_heading_is_cut() {
        let mut outline = Outline::default();
        assert_eq!(outline.push_block(&"x".repeat(MOST_TEXT_BYTES)), Err(TooLong));
        assert_eq!(one_line(&"د".repeat(500)).chars().count(), LONGEST_HEADING);
    }
}
