//! Characters that nobody sees: shown as `⟦U+202E⟧`, counted, and seen through.
//!
//! What a person reads, what a model reads and what a machine runs shall be the same. The escape keeps what was
//! there detectable and leaves lines and columns of ordinary text alone; whoever looks for a word sees through
//! characters that are hidden within it, in either form. A text that holds such an escape from the start is taken
//! for one that was shown: better one finding too many.

use std::borrow::Cow;
use std::fmt::Write;

const OPEN: &str = "⟦U+";
const CLOSE: char = '⟧';

/// `text` with every hidden character written as `⟦U+XXXX⟧`, and how many there were.
///
/// Newlines, tabs and the carriage return of a Windows line end stay as they are. Doing it twice changes nothing
/// more.
pub fn show(text: &str) -> (Cow<'_, str>, usize) {
    if !text.chars().any(is_hidden) {
        return (Cow::Borrowed(text), 0);
    }
    let mut out = String::with_capacity(text.len() + 64);
    let mut hidden = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let line_end = c == '\r' && chars.peek() == Some(&'\n');
        if is_hidden(c) && !line_end {
            hidden += 1;
            write!(out, "{OPEN}{:04X}{CLOSE}", u32::from(c)).expect("a String takes any text");
        } else {
            out.push(c);
        }
    }
    (Cow::Owned(out), hidden)
}

/// How many hidden characters `text` [shows](show).
pub fn shown(text: &str) -> usize {
    text.match_indices(OPEN).filter(|(at, _)| escaped(&text[*at..]).is_some()).count()
}

/// What a line is to whoever does not see its hidden characters: without them, and in as many lines as its
/// separators make of it. `None` when it hides nothing.
///
/// Takes a character and its escape for the same.
pub fn see_through(line: &str) -> Option<Vec<String>> {
    // Nearly every line is plain ASCII, and this is asked of every line.
    if line.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
        return None;
    }
    let mut lines = vec![String::new()];
    let mut found = false;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let (c, length) = escaped(rest).unwrap_or((c, c.len_utf8()));
        rest = &rest[length..];
        found |= is_hidden(c);
        match lines.last_mut() {
            Some(last) if !is_hidden(c) => last.push(c),
            _ if separates(c) => lines.push(String::new()),
            _ => {}
        }
    }
    found.then_some(lines)
}

/// Whether some editors show `line` as several lines, each with something in it.
pub(crate) fn is_split(line: &str) -> bool {
    see_through(line)
        .is_some_and(|lines| lines.iter().filter(|line| !line.trim().is_empty()).nth(1).is_some())
}

/// The hidden character whose escape begins `text`, and the length of the escape.
fn escaped(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix(OPEN)?;
    // No more than six digits are looked at, so that a text full of openings is not read over and over.
    let digits = rest.bytes().take(7).take_while(u8::is_ascii_hexdigit).count();
    rest[digits..].strip_prefix(CLOSE).filter(|_| digits <= 6)?;
    let c = char::from_u32(u32::from_str_radix(&rest[..digits], 16).ok()?).filter(|c| is_hidden(*c))?;
    Some((c, OPEN.len() + digits + CLOSE.len_utf8()))
}

/// Characters that some take for the end of a line and diffs do not.
fn separates(c: char) -> bool {
    matches!(c, '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Characters that take no room or change how others are shown.
fn is_hidden(c: char) -> bool {
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
        assert_eq!(show("a\u{202e}b\u{200b}c\u{7}"), ("a⟦U+202E⟧b⟦U+200B⟧c⟦U+0007⟧".into(), 3));
        assert_eq!(show("\u{e0041}\u{feff}"), ("⟦U+E0041⟧⟦U+FEFF⟧".into(), 2), "tags smuggle ASCII");
        assert_eq!(show("\u{1b}[31m"), ("⟦U+001B⟧[31m".into(), 1));
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for ordinary in
            ["+let x = 1;\n\tindented\n", "مراجعة التغيير", "日本語 é ❤\u{fe0f}", "line\r\nend\r\n"]
        {
            assert_eq!(show(ordinary), (ordinary.into(), 0));
        }
        assert_eq!(see_through("مراجعة ⟦x⟧ é ⟦U+0041⟧ ⟦U+2"), None);
    }

    #[test]
    fn a_lone_carriage_return_is_shown() {
        assert_eq!(show("good\rbad\r\n"), ("good⟦U+000D⟧bad\r\n".into(), 1));
    }

    #[test]
    fn raw_or_shown_a_hidden_character_does_not_part_a_word() {
        for line in ["AK\u{200b}IA\u{202e}é", "AK⟦U+200B⟧IA⟦U+202E⟧é"] {
            assert_eq!(see_through(line).unwrap(), ["AKIAé"], "{line}");
        }
        assert_eq!(see_through("a\u{2028}b⟦U+0085⟧c").unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn a_line_is_split_by_what_stands_between_two_words() {
        assert!(is_split("x\u{2028}+y") && is_split("x⟦U+000B⟧y") && is_split("x\u{85}y"));
        assert!(!is_split("\u{c}") && !is_split("⟦U+000C⟧") && !is_split("x\u{200b}y") && !is_split("x y"));
    }

    proptest! {
        #[test]
        fn doing_it_twice_changes_nothing_more(input in any::<String>()) {
            let (once, _) = show(&input);
            prop_assert_eq!(show(&once), (once.clone(), 0));
        }

        #[test]
        fn what_is_shown_is_counted_and_seen_through_like_what_was_hidden(
            line in "([a-z]|\u{202e}|\u{200b}|\u{2028}|\u{1b}|⟧|⟦){0,20}",
        ) {
            let (visible, count) = show(&line);
            prop_assert_eq!(shown(&visible), count);
            prop_assert_eq!(see_through(&visible), see_through(&line));
        }
    }
}
