//! What is typed into a search, taken apart. Everything is a search: what is no syntax is a word.
//!
//! `secret key` any of them, the more the better · `"exact phrase"` · `+must` · `-must-not` · `wrod~`, `wrod~2` spelled
//! nearly so

/// One of the things that are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) need: Need,
    /// One word, or several that stand side by side. Not empty; not analysed yet.
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

/// Whether a passage must have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Should,
    Must,
    MustNot,
}

/// How it is to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Phrase,
    /// So many letters may differ.
    Nearly(u8),
}

/// The furthest two spellings can be apart.
pub(crate) const MOST_FUZZY: u8 = 2;

/// Takes a search apart.
pub(crate) fn parse(text: &str) -> Vec<Clause> {
    let mut clauses = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (need, after) = need(rest);
        let (clause, after) = match after.strip_prefix('"') {
            Some(quoted) => phrase(need, quoted),
            None => word(need, after),
        };
        clauses.extend(clause);
        rest = after.trim_start();
    }
    clauses
}

/// A sign means something right before a word or a phrase only.
fn need(text: &str) -> (Need, &str) {
    let signs = [('+', Need::Must), ('-', Need::MustNot)];
    let begins = |rest: &&str| rest.starts_with(|c: char| c == '"' || c.is_alphanumeric());
    let signed =
        signs.into_iter().find_map(|(sign, need)| Some((need, text.strip_prefix(sign).filter(begins)?)));
    signed.unwrap_or((Need::Should, text))
}

/// Up to the next quote, or to the end.
fn phrase(need: Need, quoted: &str) -> (Option<Clause>, &str) {
    let (text, after) = quoted.split_once('"').unwrap_or((quoted, ""));
    let has_words = text.contains(char::is_alphanumeric);
    (has_words.then(|| Clause { need, text: text.trim().to_owned(), kind: Kind::Phrase }), after)
}

fn word(need: Need, text: &str) -> (Option<Clause>, &str) {
    let end = text.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    let (text, kind) = nearly(word).unwrap_or((word, Kind::Word));
    let has_words = text.contains(char::is_alphanumeric);
    (has_words.then(|| Clause { need, text: text.to_owned(), kind }), after)
}

/// A word that ends in `~`, `~1` or `~2`.
fn nearly(word: &str) -> Option<(&str, Kind)> {
    let (text, distance) = word.rsplit_once('~')?;
    let distance =
        if distance.is_empty() { 1 } else { distance.parse().ok().filter(|d| *d <= MOST_FUZZY)? };
    (!text.is_empty()).then_some((text, Kind::Nearly(distance)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clause(need: Need, text: &str, kind: Kind) -> Clause {
        Clause { need, text: text.to_owned(), kind }
    }

    #[test]
    fn words_phrases_and_signs_are_told_apart() {
        use Kind::{Nearly, Phrase, Word};
        use Need::{Must, MustNot, Should};
        assert_eq!(
            parse("secret +key -test \"exact phrase\" +\"and this\" -\"not that\" wrod~ wrods~2 مفاتيح"),
            [
                clause(Should, "secret", Word),
                clause(Must, "key", Word),
                clause(MustNot, "test", Word),
                clause(Should, "exact phrase", Phrase),
                clause(Must, "and this", Phrase),
                clause(MustNot, "not that", Phrase),
                clause(Should, "wrod", Nearly(1)),
                clause(Should, "wrods", Nearly(2)),
                clause(Should, "مفاتيح", Word),
            ]
        );
    }

    #[test]
    fn odd_syntax_is_words_or_nothing() {
        for odd in ["", " \t\n", "\"", "\"\"", "+", "-", "~", "~~2", "+-\"", "*?()[]{}^:\\/", "+ -", "\u{0}"]
        {
            assert_eq!(parse(odd), [], "{odd:?}");
        }
        let words = |text: &str| parse(text).into_iter().map(|clause| clause.text).collect::<Vec<_>>();
        assert_eq!(words("title:x AND (y OR z)"), ["title:x", "AND", "(y", "OR", "z)"]);
        assert_eq!(words("a~9 --x \"open to the end"), ["a~9", "--x", "open to the end"]);
        assert_eq!(words("say\"quoted\"more"), ["say", "quoted", "more"]);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_ends_and_every_clause_has_a_word(text in any::<String>()) {
            for clause in parse(&text) {
                prop_assert!(clause.text.contains(char::is_alphanumeric));
            }
        }
    }
}
