//! Many strings ↔ small numbers, at about five bytes beside the letters of each.

use crate::bag::hash;

/// Distinct strings, numbered in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Strings {
    letters: String,
    /// Where each ends; it begins where the one before ends.
    ends: Vec<u32>,
    /// Open addressing: 0 is empty, otherwise one more than the number. A power of two long, at most ¾ full.
    table: Vec<u32>,
}

// === impl Strings ===

impl Strings {
    /// Room for `count` strings without growing.
    pub(crate) fn with_capacity(count: usize) -> Strings {
        let slots = if count == 0 { 0 } else { (count * 4 / 3 + 1).next_power_of_two() };
        Strings { letters: String::new(), ends: Vec::with_capacity(count), table: vec![0; slots] }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] as usize };
        &self.letters[start..self.ends[number] as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).map(|number| self.text(number))
    }

    /// The number of a string whose hash is `hash`.
    pub(crate) fn get(&self, hash: u64, text: &str) -> Option<u32> {
        if self.table.is_empty() {
            return None;
        }
        self.probe(hash, text).ok()
    }

    /// The number of a string, which is the next one if it is new.
    ///
    /// # Panics
    /// When the strings together reach 4 GiB.
    pub(crate) fn intern(&mut self, hash: u64, text: &str) -> u32 {
        if self.ends.len() * 4 >= self.table.len() * 3 {
            self.grow();
        }
        match self.probe(hash, text) {
            Ok(number) => number,
            Err(free) => {
                self.letters.push_str(text);
                self.ends
                    .push(u32::try_from(self.letters.len()).expect("a segment's strings are below 4 GiB"));
                self.table[free] = self.ends.len() as u32;
                self.ends.len() as u32 - 1
            }
        }
    }

    fn probe(&self, hash: u64, text: &str) -> Result<u32, usize> {
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        while self.table[slot] != 0 {
            let number = self.table[slot] - 1;
            if self.text(number) == text {
                return Ok(number);
            }
            slot = (slot + 1) & mask;
        }
        Err(slot)
    }

    fn grow(&mut self) {
        let slots = (self.table.len() * 2).max(16);
        self.table = table(self.iter(), slots);
    }

    /// Gives back memory that was kept for more strings.
    pub(crate) fn shrink(&mut self) {
        self.letters.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The memory it holds, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.letters.capacity() + (self.ends.capacity() + self.table.capacity()) * 4
    }

    /// The letters and where each string ends: all that has to be written down.
    pub(crate) fn parts(&self) -> (&str, &[u32]) {
        (&self.letters, &self.ends)
    }

    /// From what [`Strings::parts`] gave; `None` if that cannot be.
    pub(crate) fn from_parts(letters: String, ends: Vec<u32>) -> Option<Strings> {
        let mut start = 0;
        for end in &ends {
            letters.get(start..*end as usize)?;
            start = *end as usize;
        }
        let slots = Strings::with_capacity(ends.len()).table.len();
        let mut strings = Strings { letters, ends, table: Vec::new() };
        strings.table = table(strings.iter(), slots);
        (start == strings.letters.len()).then_some(strings)
    }
}

fn table<'a>(strings: impl Iterator<Item = &'a str>, slots: usize) -> Vec<u32> {
    let mut table = vec![0; slots];
    for (number, text) in (1..).zip(strings) {
        let mut slot = hash(text) as usize & (slots - 1);
        while table[slot] != 0 {
            slot = (slot + 1) & (slots - 1);
        }
        table[slot] = number;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_keeps_its_number_and_is_found_by_it() {
        let names: Vec<String> = (0..1_000).map(|n| format!("n{n}")).collect();
        let mut strings = Strings::with_capacity(3);
        assert_eq!(strings.get(hash("n0"), "n0"), None);
        for _ in 0..2 {
            for (number, name) in (0..).zip(&names) {
                assert_eq!(strings.intern(hash(name), name), number);
            }
        }
        let (letters, ends) = strings.parts();
        let again = Strings::from_parts(letters.to_owned(), ends.to_vec()).unwrap();
        for (number, name) in (0..).zip(&names) {
            assert_eq!((again.get(hash(name), name), again.text(number)), (Some(number), name.as_str()));
        }
        assert_eq!((again.len(), again.get(hash("x"), "x")), (1_000, None));
    }

    #[test]
    fn parts_that_cannot_be_are_refused() {
        for (letters, ends) in [("ab", vec![3]), ("ab", vec![2, 1]), ("é", vec![1, 2]), ("ab", vec![1])] {
            assert!(Strings::from_parts(letters.to_owned(), ends.clone()).is_none(), "{letters} {ends:?}");
        }
    }
}
