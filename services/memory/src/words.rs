//! Text → the set of its words, which is what likeness is measured on.

use std::collections::HashSet;

/// How much of a piece of code is kept and compared, in characters.
pub const COMPARED: usize = 1_000;

/// The part of `code` that is kept and compared: its first [`COMPARED`] characters.
pub fn excerpt(code: &str) -> &str {
    code.char_indices().nth(COMPARED).map_or(code, |(end, _)| &code[..end])
}

/// The distinct words of a text, sorted.
///
/// A word is a run of letters, digits and `_`, in lower case. Letters and digits are those of Unicode, so that
/// Arabic text has words too; on ASCII text this is the `\w+` of regular expressions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WordSet(Box<[Box<str>]>);

// === impl WordSet ===

impl WordSet {
    /// The words of `text`.
    pub fn of(text: &str) -> WordSet {
        let lower = text.to_lowercase();
        let runs = lower.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let distinct: HashSet<&str> = runs.filter(|run| !run.is_empty()).collect();
        let mut words: Box<[Box<str>]> = distinct.into_iter().map(Box::from).collect();
        words.sort_unstable();
        WordSet(words)
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the text had none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|word| &**word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        WordSet::of(text).iter().map(str::to_owned).collect()
    }

    #[test]
    fn words_are_lower_case_distinct_runs_of_letters_digits_and_underscore() {
        assert_eq!(words("let Foo_1 = foo_1 + FOO_1*2;"), ["2", "foo_1", "let"]);
        assert_eq!(words("a-b.c\tA\0d"), ["a", "b", "c", "d"]);
        assert!(WordSet::of("+++ {} ()").is_empty());
    }

    #[test]
    fn every_ascii_character_is_in_a_word_exactly_if_it_is_a_word_character() {
        for c in (0..128_u8).map(char::from) {
            let expected = c.is_ascii_alphanumeric() || c == '_';
            assert_eq!(WordSet::of(&c.to_string()).len(), usize::from(expected), "{c:?}");
        }
    }

    #[test]
    fn words_of_other_scripts_are_words() {
        assert_eq!(words("دالة جديدة، و Straße ٣"), ["straße", "جديدة", "دالة", "و", "٣"]);
        assert_eq!(words("ÉTÉ été"), ["été"]);
    }

    #[test]
    fn an_excerpt_is_a_thousand_characters_not_bytes() {
        let arabic = "ب".repeat(1_001);
        assert_eq!(excerpt(&arabic).chars().count(), COMPARED);
        assert_eq!(excerpt("short"), "short");
    }
}
