//! Paths as diffs write them: prefixed, C-quoted, followed by a tab and a date, or `/dev/null`.

/// The old and the new path, without prefixes.
pub(crate) type Pair = (Option<String>, Option<String>);

/// The two paths behind `diff --git `, prefixes included; `None` when spaces make the border between them unclear.
pub(crate) fn git_pair(rest: &str) -> Option<(String, String)> {
    if rest.starts_with('"') {
        let (old, tail) = unquote(rest)?;
        Some((old, whole(tail.strip_prefix(' ')?)?))
    } else if let Some((old, _)) = rest.split_once(" \"") {
        Some((old.to_owned(), whole(&rest[old.len() + 1..])?))
    } else {
        let (old, new) = equal_halves(rest).or_else(|| one_space(rest))?;
        Some((old.to_owned(), new.to_owned()))
    }
}

/// The path behind `--- ` or `+++ `, prefix included; `None` for `/dev/null`.
pub(crate) fn header_path(raw: &str) -> Option<String> {
    if raw.starts_with('"') {
        return Some(plain_or_quoted(raw));
    }
    // git ends a path that has spaces with a tab; diff(1) puts the date behind one.
    let path = raw.split_once('\t').map_or(raw, |(path, _)| path);
    (path != "/dev/null").then(|| path.to_owned())
}

/// A path that may be quoted, such as the one behind `rename from `.
pub(crate) fn plain_or_quoted(raw: &str) -> String {
    unquote(raw).map_or_else(|| raw.to_owned(), |(path, _)| path)
}

/// The same, unless something follows the closing quote.
fn whole(raw: &str) -> Option<String> {
    match unquote(raw) {
        Some((path, "")) => Some(path),
        Some(_) => None,
        None => Some(raw.to_owned()),
    }
}

/// Takes `a/` and `b/` away (and git's mnemonic `c/ i/ o/ w/`), unless both sides carry the same letter: that
/// is a folder of a diff made with `--no-prefix`.
pub(crate) fn without_prefixes((old, new): Pair) -> Pair {
    let letter = |path: &Option<String>| path.as_deref().map(|path| prefix(path).map(|(letter, _)| letter));
    let prefixed = match (letter(&old), letter(&new)) {
        (Some(Some(old)), Some(Some(new))) => old != new,
        (None, Some(Some(_))) | (Some(Some(_)), None) => true,
        _ => false,
    };
    let strip = |path: String| prefix(&path).map(|(_, rest)| rest.to_owned()).unwrap_or(path);
    if prefixed { (old.map(strip), new.map(strip)) } else { (old, new) }
}

fn prefix(path: &str) -> Option<(char, &str)> {
    let letter = path.chars().next().filter(|letter| "abciow".contains(*letter))?;
    Some((letter, path[1..].strip_prefix('/')?))
}

/// Splits `a/x y b/x y`, which is how git writes a path with spaces that did not change.
fn equal_halves(rest: &str) -> Option<(&str, &str)> {
    let middle = rest.len() / 2;
    if rest.len().is_multiple_of(2) || rest.as_bytes()[middle] != b' ' {
        return None;
    }
    let (old, new) = (&rest[..middle], &rest[middle + 1..]);
    let bare = |path| prefix(path).map_or(path, |(_, rest)| rest);
    (bare(old) == bare(new)).then_some((old, new))
}

fn one_space(rest: &str) -> Option<(&str, &str)> {
    rest.split_once(' ').filter(|(_, new)| !new.is_empty() && !new.contains(' '))
}

/// Reads a C-quoted string at the start of `raw`: the path, and what follows the closing quote.
///
/// Escapes are bytes, so that a path need not be UTF-8; what is not becomes U+FFFD.
fn unquote(raw: &str) -> Option<(String, &str)> {
    let bytes = raw.as_bytes();
    let mut path = Vec::new();
    let mut at = 1;
    if bytes.first() != Some(&b'"') {
        return None;
    }
    loop {
        match *bytes.get(at)? {
            b'"' => return Some((String::from_utf8_lossy(&path).into_owned(), raw.get(at + 1..)?)),
            b'\\' => {
                let (byte, length) = escape(bytes.get(at + 1..)?)?;
                path.push(byte);
                at += 1 + length;
            }
            byte => {
                path.push(byte);
                at += 1;
            }
        }
    }
}

/// The byte that the escape behind a backslash stands for, and the length of the escape.
fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    let byte = match rest.first()? {
        b'a' => 0x07,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'r' => b'\r',
        same @ (b'"' | b'\\') => *same,
        b'0'..=b'3' => {
            let digits = std::str::from_utf8(rest.get(..3)?).ok()?;
            return Some((u8::from_str_radix(digits, 8).ok()?, 3));
        }
        _ => return None,
    };
    Some((byte, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(rest: &str) -> Option<(String, String)> {
        let (old, new) = git_pair(rest)?;
        let (old, new) = without_prefixes((Some(old), Some(new)));
        old.zip(new)
    }

    fn both(path: &str) -> Option<(String, String)> {
        Some((path.to_owned(), path.to_owned()))
    }

    #[test]
    fn paths_behind_diff_git_are_split_where_they_must_be() {
        assert_eq!(pair("a/x b/x"), both("x"));
        assert_eq!(pair("a/x y.txt b/x y.txt"), both("x y.txt"));
        assert_eq!(pair("a/b b/b b/b b/b"), both("b b/b"));
        assert_eq!(pair("i/x w/x"), both("x"), "mnemonic prefixes");
        assert_eq!(pair("src/x src/x"), both("src/x"), "no prefixes");
        assert_eq!(pair("a/x a/x"), both("a/x"), "no prefixes, a folder called a");
        assert_eq!(pair("a/x y b/z"), None, "a rename with spaces: its own header lines say it");
        assert_eq!(pair(""), None);
    }

    #[test]
    fn quoted_paths_are_bytes_and_become_lossy_text() {
        assert_eq!(pair(r#""a/\303\251.txt" "b/\303\251.txt""#), both("é.txt"));
        assert_eq!(pair(r#"a/x "b/\"\t\\""#), Some(("x".into(), "\"\t\\".into())));
        assert_eq!(pair(r#""a/\377" "b/\377""#), both("\u{fffd}"));
        assert_eq!(pair(r#""a/x"#), None, "never closed");
        assert_eq!(pair(r#""a/\q" b/x"#), None, "no such escape");
    }

    #[test]
    fn a_date_behind_a_tab_is_not_part_of_a_path() {
        assert_eq!(header_path("a/x y\t2024-01-01 00:00:00 +0000").as_deref(), Some("a/x y"));
        assert_eq!(header_path("/dev/null"), None);
        assert_eq!(header_path("/dev/null\t1970-01-01"), None);
    }
}
