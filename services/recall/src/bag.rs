//! Text → its words and how often each occurs, which is what records are found by.

use std::{fmt, hash::Hasher, ops::Range};

use foldhash::{SharedSeed, quality::FoldHasher};

/// How often a word counts in one text, at most.
#[cfg(test)]
const MOST_COUNTED: u8 = u8::MAX;

/// The distinct words of a text in the order of their first occurrence, each with its count.
///
/// A word is a run of letters, digits and `_`, in lower case. Letters and digits are those of Unicode; on ASCII text
/// this is the `\w+` of regular expressions.
#[derive(Clone, Default)]
pub struct Bag {
    /// The words, one after the other.
    letters: String,
    words: Vec<Spot>,
    /// Open addressing over `words`: 0 is empty, otherwise one more than the place. A power of two long.
    table: Vec<u32>,
    total: u32,
}

#[derive(Debug, Clone, Copy)]
struct Spot {
    hash: u64,
    start: u32,
    end: u32,
    count: u8,
}

/// A word of a [`Bag`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    /// As [`hash`] gives it: differs from process to process.
    pub(crate) hash: u64,
    /// From 1 to 255, where counting ends.
    pub(crate) count: u8,
}

/// The number by which words and ids are looked up. Seeded at random in each process, so that nobody can prepare
/// texts whose words all collide; never written to disk.
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = FoldHasher::with_seed(0, SharedSeed::global_random());
    hasher.write(text.as_bytes());
    hasher.finish()
}

// === impl Bag ===

impl Bag {
    /// The words of `text`.
    ///
    /// # Panics
    /// When the text is 4 GiB or longer.
    pub fn of(text: &str) -> Bag {
        let mut bag = Bag::default();
        if text.is_ascii() {
            bag.letters.reserve(text.len() / 2);
            bag.add_runs(text, |c| c.is_ascii_alphanumeric() || c == '_', true);
        } else {
            bag.add_runs(&text.to_lowercase(), |c| c.is_alphanumeric() || c == '_', false);
        }
        bag
    }

    fn add_runs(&mut self, text: &str, is_letter: impl Fn(char) -> bool, lower: bool) {
        for run in text.split(|c| !is_letter(c)).filter(|run| !run.is_empty()) {
            let start = self.letters.len();
            self.letters.push_str(run);
            if lower {
                self.letters[start..].make_ascii_lowercase();
            }
            self.count(start);
        }
    }

    /// Counts the word that stands at the end of `letters`, and takes it away again if it is known.
    fn count(&mut self, start: usize) {
        if self.words.len() * 2 >= self.table.len() {
            self.grow();
        }
        self.total = self.total.saturating_add(1);
        let hash = hash(&self.letters[start..]);
        match self.probe(hash, &self.letters[start..]) {
            Ok(known) => {
                self.letters.truncate(start);
                let spot = &mut self.words[known];
                spot.count = spot.count.saturating_add(1);
            }
            Err(free) => {
                let at = |place: usize| u32::try_from(place).expect("a text is shorter than 4 GiB");
                self.words.push(Spot { hash, start: at(start), end: at(self.letters.len()), count: 1 });
                self.table[free] = at(self.words.len());
            }
        }
    }

    fn grow(&mut self) {
        let mut table = vec![0; (self.table.len() * 2).max(64)];
        for (place, spot) in (1..).zip(&self.words) {
            let mut slot = spot.hash as usize & (table.len() - 1);
            while table[slot] != 0 {
                slot = (slot + 1) & (table.len() - 1);
            }
            table[slot] = place;
        }
        self.table = table;
    }

    /// The place of a word, or the free slot where it belongs.
    fn probe(&self, hash: u64, text: &str) -> Result<usize, usize> {
        let mut slot = hash as usize & (self.table.len() - 1);
        while self.table[slot] != 0 {
            let place = self.table[slot] as usize - 1;
            if self.words[place].hash == hash && self.text(place) == text {
                return Ok(place);
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
        Err(slot)
    }

    fn text(&self, place: usize) -> &str {
        let Spot { start, end, .. } = self.words[place];
        &self.letters[Range { start: start as usize, end: end as usize }]
    }

    /// How often the word occurs, at most 255; 0 if it does not.
    pub(crate) fn count_of(&self, hash: u64, text: &str) -> u8 {
        if self.table.is_empty() {
            return 0;
        }
        self.probe(hash, text).map_or(0, |place| self.words[place].count)
    }

    /// How many distinct words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether the text had none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How many words there are, repeated ones included.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// The distinct words in the order of their first occurrence.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.words().map(|word| word.text)
    }

    pub(crate) fn words(&self) -> impl ExactSizeIterator<Item = Word<'_>> + Clone {
        let word = |(place, spot): (usize, &Spot)| (place, spot.hash, spot.count);
        self.words.iter().enumerate().map(word).map(|(place, hash, count)| {
            let text = self.text(place);
            Word { text, hash, count }
        })
    }

    /// The memory it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.letters.capacity() + self.words.capacity() * size_of::<Spot>() + self.table.capacity() * 4
    }
}

impl fmt::Debug for Bag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.words().map(|word| (word.text, word.count))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(String, u8)> {
        Bag::of(text).words().map(|word| (word.text.to_owned(), word.count)).collect()
    }

    fn counted(words: &[(&str, u8)]) -> Vec<(String, u8)> {
        words.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    }

    #[test]
    fn words_are_lower_case_runs_of_letters_digits_and_underscore_with_their_counts() {
        assert_eq!(words("let Foo_1 = foo_1 + FOO_1*2;"), counted(&[("let", 1), ("foo_1", 3), ("2", 1)]));
        assert_eq!(
            words("دالة جديدة، دالة Straße ٣"),
            counted(&[("دالة", 2), ("جديدة", 1), ("straße", 1), ("٣", 1)])
        );
        assert!(Bag::of("+++ {} ()").is_empty());
    }

    #[test]
    fn every_ascii_character_is_in_a_word_exactly_if_it_is_a_word_character() {
        for c in (0..128_u8).map(char::from) {
            let expected = c.is_ascii_alphanumeric() || c == '_';
            assert_eq!(Bag::of(&c.to_string()).len(), usize::from(expected), "{c:?}");
        }
    }

    #[test]
    fn a_count_ends_at_its_limit_and_the_total_does_not() {
        let bag = Bag::of(&"again ".repeat(300));
        assert_eq!(bag.words().map(|word| word.count).collect::<Vec<_>>(), [MOST_COUNTED]);
        assert_eq!(bag.total(), 300);
    }

    #[test]
    fn every_word_of_a_long_text_is_found_and_no_other() {
        let text: String = (0..5_000).map(|n| format!("w{n} ")).collect();
        let bag = Bag::of(&text);
        assert_eq!(bag.len(), 5_000);
        assert!((0..5_000).map(|n| format!("w{n}")).all(|word| bag.count_of(hash(&word), &word) == 1));
        assert_eq!(bag.count_of(hash("w5000"), "w5000"), 0);
        assert_eq!(Bag::default().count_of(hash("a"), "a"), 0);
    }
}
