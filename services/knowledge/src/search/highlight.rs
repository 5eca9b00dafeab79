//! Where in a passage the words stand that it was found by.

use std::collections::HashSet;

use super::analysis;

/// A word that was looked for: from and up to which character of the passage's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Highlight {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Every place of `text` at which one of these words stands; words are as the index knows them.
pub(super) fn of(text: &str, words: &HashSet<String>) -> Vec<Highlight> {
    let tokens = analysis::words(text).into_iter().filter(|token| words.contains(&token.text));
    let (mut bytes, mut chars) = (0, 0);
    let mut count_to = |byte: usize| {
        chars += text[bytes..byte].chars().count();
        bytes = byte;
        u32::try_from(chars).unwrap_or(u32::MAX)
    };
    tokens
        .map(|token| Highlight { start: count_to(token.offset_from), end: count_to(token.offset_to) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_are_highlighted_by_characters() {
        let words: HashSet<String> = analysis::words("secret مفتاح").into_iter().map(|t| t.text).collect();
        let text = "لا تحفظ المفتاح: Secrets are secret";
        let shown: Vec<String> = of(text, &words)
            .into_iter()
            .map(|h| text.chars().skip(h.start as usize).take((h.end - h.start) as usize).collect())
            .collect();
        assert_eq!(shown, ["المفتاح", "Secrets", "secret"]);
        assert_eq!(of("nothing", &words), []);
    }
}
