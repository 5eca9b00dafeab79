//! Text of others inside Markdown: one line, nothing hidden, no markup.

use crate::visible;

/// The longest text, in characters; what is longer is cut.
const LONGEST: usize = 4_000;

/// Characters that can begin markup somewhere within a line, in CommonMark or what GitHub adds to it.
const MARKUP: &str = "\\`*_[]<>|~&#!$@";

/// `text` as it can stand within a line or a cell. It must not stand at the beginning of a line, unless it begins
/// with what cannot be a list or a heading: there a prefix is needed.
pub(super) fn escaped(text: &str) -> String {
    let line = visible::line(text, LONGEST);
    let mut out = String::with_capacity(line.len() + 16);
    for (at, c) in line.char_indices() {
        // Without its colon or dot, an address is not made a link.
        let link = c == ':' && line[at..].starts_with("://")
            || c == '.' && line[..at].to_ascii_lowercase().ends_with("www");
        // At the very beginning: a list, a rule or a numbered item.
        let numbered = at > 0 && ".)".contains(c) && line[..at].bytes().all(|byte| byte.is_ascii_digit());
        let item = numbered && line[at + 1..].chars().next().is_none_or(|next| next == ' ');
        let first = item || at == 0 && "+-=".contains(c);
        if link || first || MARKUP.contains(c) && !(c == '_' && within_a_word(&line, at)) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// An underscore between letters or digits is never emphasis in CommonMark, and `block_pr` reads better bare.
fn within_a_word(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    let after = line[at + 1..].chars().next();
    [before, after].iter().all(|c| c.is_some_and(|c| c.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_text_stays_readable() {
        for text in [
            "2.4 s",
            "block_pr",
            "AWS access key in config/prod.env line 3.",
            "a (b) - c + d: e, 7.5/10",
            "مراجعة",
        ] {
            assert_eq!(escaped(text), text);
        }
    }

    #[test]
    fn markup_is_only_text() {
        for (text, expected) in [
            ("# Approved", "\\# Approved"),
            ("x\n# Approved\n", "x \\# Approved"),
            ("<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"),
            ("![i](http://x)", "\\!\\[i\\](http\\://x)"),
            ("see www.evil.example", "see www\\.evil.example"),
            ("a | b", "a \\| b"),
            (
                "`code` *b* _i_ ~~s~~ &lt; $m$ @team",
                "\\`code\\` \\*b\\* \\_i\\_ \\~\\~s\\~\\~ \\&lt; \\$m\\$ \\@team",
            ),
            ("\\", "\\\\"),
            ("- item", "\\- item"),
            ("1. item", "1\\. item"),
            ("23)", "23\\)"),
            ("===", "\\==="),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }

    proptest! {
        #[test]
        fn every_character_of_markup_is_escaped_and_nothing_is_lost(text in any::<String>()) {
            let escaped = escaped(&text);
            let mut plain = String::new();
            let mut chars = escaped.chars();
            while let Some(c) = chars.next() {
                let c = if c == '\\' { chars.next() } else {
                    prop_assert!(c == '_' || !MARKUP.contains(c), "{:?} in {:?}", c, escaped);
                    Some(c)
                };
                plain.extend(c);
            }
            prop_assert_eq!(plain, visible::line(&text, LONGEST));
            prop_assert!(!escaped.contains(['\n', '\r']));
        }
    }
}
