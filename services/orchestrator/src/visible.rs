//! Text of others on one line, with nothing hidden in it. What is hidden, and how it is shown, `bsm_diff::hidden` knows.

use bsm_diff::hidden;

/// `text` on one line, spaces made single, nothing hidden, at most `longest` characters.
pub(crate) fn line(text: &str, longest: usize) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = hidden::show(&joined).0;
    match shown.char_indices().nth(longest) {
        None => shown.into_owned(),
        Some((end, _)) => format!("{}…", &shown[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_short() {
        assert_eq!(line("  two\n\n lines\u{202e} ", 80), "two lines⟦U+202E⟧");
        assert_eq!(line("abcdef", 3), "abc…");
    }
}
