//! Text in which nothing is hidden: control, zero-width and bidirectional characters become visible escapes.
//!
//! What a person reads and what a model reads shall be the same. The escape `⟦U+202E⟧` keeps what was there
//! detectable, and leaves lines and columns of ordinary text alone.

use std::{borrow::Cow, fmt::Write};

/// `text` with every hidden character written as `⟦U+XXXX⟧`, and how many there were.
///
/// Newlines, tabs and the carriage return of a Windows line end stay as they are.
pub(crate) fn text(text: &str) -> (Cow<'_, str>, usize) {
    if !text.chars().any(is_suspect) {
        return (Cow::Borrowed(text), 0);
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut hidden = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let line_end = c == '\r' && chars.peek() == Some(&'\n');
        if is_suspect(c) && !line_end {
            hidden += 1;
            // Writing to a String cannot fail.
            let _ = write!(out, "⟦U+{:04X}⟧", u32::from(c));
        } else {
            out.push(c);
        }
    }
    (Cow::Owned(out), hidden)
}

/// `text` on one line, spaces made single, nothing hidden, at most `longest` characters.
pub(crate) fn line(text: &str, longest: usize) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = self::text(&joined).0;
    match shown.char_indices().nth(longest) {
        None => shown.into_owned(),
        Some((end, _)) => format!("{}…", &shown[..end]),
    }
}

/// Characters that take no room or change how others are shown. The carriage return is looked at by the caller.
fn is_suspect(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}'                        // soft hyphen
        | '\u{34f}'                     // combining grapheme joiner
        | '\u{61c}'                     // Arabic letter mark
        | '\u{115f}' | '\u{1160}'       // Hangul fillers
        | '\u{17b4}' | '\u{17b5}'       // Khmer inherent vowels
        | '\u{180b}'..='\u{180f}'       // Mongolian selectors and separator
        | '\u{200b}'..='\u{200f}'       // zero width, direction marks
        | '\u{2028}'..='\u{202e}'       // separators, embeddings and overrides
        | '\u{2060}'..='\u{206f}'       // word joiner, invisible operators, isolates
        | '\u{3164}' | '\u{ffa0}'       // Hangul fillers
        | '\u{fe00}'..='\u{fe0e}'       // variation selectors but that of emoji
        | '\u{feff}'                    // zero width no-break space
        | '\u{fff9}'..='\u{fffb}'       // interlinear annotation
        | '\u{1d173}'..='\u{1d17a}'     // musical formatting
        | '\u{e0000}'..='\u{e0fff}'     // tags, further variation selectors
        => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hidden_characters_become_visible_and_are_counted() {
        assert_eq!(text("a\u{202e}b\u{200b}c\u{7}"), ("a⟦U+202E⟧b⟦U+200B⟧c⟦U+0007⟧".into(), 3));
        assert_eq!(text("\u{e0041}\u{feff}"), ("⟦U+E0041⟧⟦U+FEFF⟧".into(), 2), "tags smuggle ASCII");
        assert_eq!(text("\u{1b}[31m"), ("⟦U+001B⟧[31m".into(), 1));
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for ordinary in
            ["+let x = 1;\n\tindented\n", "مراجعة التغيير", "日本語 é ❤\u{fe0f}", "line\r\nend\r\n"]
        {
            assert_eq!(text(ordinary), (ordinary.into(), 0));
        }
    }

    #[test]
    fn a_lone_carriage_return_is_shown() {
        assert_eq!(text("good\rbad\r\n"), ("good⟦U+000D⟧bad\r\n".into(), 1));
    }

    #[test]
    fn a_line_is_one_line_and_short() {
        assert_eq!(line("  two\n\n lines\u{202e} ", 80), "two lines⟦U+202E⟧");
        assert_eq!(line("abcdef", 3), "abc…");
    }

    proptest! {
        #[test]
        fn doing_it_twice_changes_nothing_more(input in any::<String>()) {
            let (once, _) = text(&input);
            prop_assert_eq!(text(&once), (once.clone(), 0));
        }
    }
}
