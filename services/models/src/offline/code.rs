//! A line as a rule sees it: comments, and perhaps the contents of strings, blanked.
//!
//! One line at a time, because a diff shows only parts of a file; so a line in the middle of a block comment or of
//! a long string is taken for code unless it begins with `*`.

use super::language::Language;
use super::rule::Sees;

/// The bytes of `line` with what `sees` hides replaced by blanks, so that offsets stay.
pub(crate) fn view(line: &str, language: Language, sees: Sees) -> Vec<u8> {
    let bytes = line.as_bytes();
    if sees == Sees::All || language == Language::Other {
        return bytes.to_vec();
    }
    let start = line.trim_start();
    let starred = start == "*" || start.starts_with("* ") || start.starts_with("*/");
    if language.has_block_comments() && starred {
        return vec![b' '; bytes.len()];
    }
    blank(bytes, language, sees)
}

fn blank(bytes: &[u8], language: Language, sees: Sees) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        at += if begins_comment(bytes, at, language) {
            out[at..].fill(b' ');
            rest.len()
        } else if language.has_block_comments() && rest.starts_with(b"/*") {
            let length = find(rest, b"*/").map_or(rest.len(), |end| end + 2);
            out[at..at + length].fill(b' ');
            length
        } else if begins_string(rest, language) {
            let length = string_length(rest);
            if sees == Sees::Code {
                let inner = at + 1..(at + length).saturating_sub(1).max(at + 1);
                out[inner].fill(b' ');
            }
            length
        } else {
            1
        };
    }
    out
}

fn begins_comment(bytes: &[u8], at: usize, language: Language) -> bool {
    let Some(leader) = language.comment() else { return false };
    // `$#`, `a#b` and `http://` are no comments.
    let before = at.checked_sub(1).map(|before| bytes[before]);
    let free = match leader {
        "#" => before.is_none_or(|byte| byte.is_ascii_whitespace()),
        _ => before != Some(b':'),
    };
    free && bytes[at..].starts_with(leader.as_bytes())
}

fn begins_string(rest: &[u8], language: Language) -> bool {
    match rest.first() {
        Some(b'"') => true,
        Some(b'`') => matches!(language, Language::JavaScript | Language::Go),
        // A lifetime in Rust, an apostrophe in YAML, a digit separator in C++.
        Some(b'\'') => match language {
            Language::Rust | Language::C => rest.get(1) == Some(&b'\\') || rest.get(2) == Some(&b'\''),
            _ => rest[1..].contains(&b'\''),
        },
        _ => false,
    }
}

/// Length of the string that begins `rest`, quotes included; it ends with the line at the latest.
fn string_length(rest: &[u8]) -> usize {
    let quote = rest[0];
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str, language: Language, sees: Sees) -> String {
        let text = String::from_utf8(view(line, language, sees)).unwrap();
        assert_eq!(text.len(), line.len(), "offsets stay");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_hidden_in_their_language() {
        let cases = [
            ("x(); // eval()", Language::JavaScript, "x();"),
            ("x(); # eval()", Language::Python, "x();"),
            ("echo $# a#b", Language::Shell, "echo $# a#b"),
            ("/* eval() */ x()", Language::C, "x()"),
            (" * eval() in a block", Language::Java, ""),
            ("*p = eval(x);", Language::C, "*p = eval(x);"),
            ("select 1 -- drop", Language::Sql, "select 1"),
            ("u = 'http://x' // y", Language::Go, "u = 'http://x'"),
        ];
        for (line, language, expected) in cases {
            assert_eq!(shown(line, language, Sees::Uncommented), expected, "{line}");
        }
    }

    #[test]
    fn strings_are_emptied_for_rules_about_code() {
        let cases = [
            ("say(\"eval(\\\"x\\\")\")", Language::Rust, "say(\" \")"),
            ("fn f<'a>(x: &'a str) { '\"' }", Language::Rust, "fn f<'a>(x: &'a str) { ' ' }"),
            ("f(`eval(${x})`)", Language::JavaScript, "f(` `)"),
            ("x = 'it''s' + y", Language::Sql, "x = ' '' ' + y"),
            ("open \"never closed", Language::Python, "open \" d"),
        ];
        for (line, language, expected) in cases {
            assert_eq!(shown(line, language, Sees::Code), expected, "{line}");
        }
        assert_eq!(shown("say(\"x\")", Language::Rust, Sees::Uncommented), "say(\"x\")");
    }
}
