//! Words ↔ small numbers, so that a record keeps four bytes for each of its words.

use std::{collections::HashMap, sync::Arc};

/// The number of a word.
pub(super) type Term = u32;

/// The words in use. Numbers of words that nobody uses any more are given out again.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    terms: HashMap<Arc<str>, Term>,
    words: Vec<Arc<str>>,
    free: Vec<Term>,
}

// === impl Lexicon ===

impl Lexicon {
    /// The number of a word that is in use.
    pub(super) fn get(&self, word: &str) -> Option<Term> {
        self.terms.get(word).copied()
    }

    /// The number of a word, which is in use from now on.
    pub(super) fn intern(&mut self, word: &str) -> Term {
        if let Some(term) = self.get(word) {
            return term;
        }
        let word: Arc<str> = word.into();
        let term = match self.free.pop() {
            Some(term) => {
                self.words[term as usize] = Arc::clone(&word);
                term
            }
            None => {
                self.words.push(Arc::clone(&word));
                Term::try_from(self.words.len() - 1).expect("fewer than 2^32 words fit in memory")
            }
        };
        self.terms.insert(word, term);
        term
    }

    /// Forgets a word; its number may name another one from now on.
    pub(super) fn release(&mut self, term: Term) {
        let word = std::mem::take(&mut self.words[term as usize]);
        self.terms.remove(&word);
        self.free.push(term);
    }

    /// One more than the largest number ever given out.
    pub(super) fn bound(&self) -> usize {
        self.words.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_its_number_until_it_is_released() {
        let mut lexicon = Lexicon::default();
        let (a, b) = (lexicon.intern("a"), lexicon.intern("b"));
        assert_eq!((lexicon.intern("a"), lexicon.get("b")), (a, Some(b)));
        lexicon.release(a);
        assert_eq!(lexicon.get("a"), None);
        assert_eq!(lexicon.intern("c"), a, "the number is used again");
        assert_eq!((lexicon.get("b"), lexicon.bound()), (Some(b), 2));
    }
}
