//! Texts like snippets of code, by a seed: about 125 words, frequent and rare ones as Zipf says, and near-duplicates.
//!
//! Snippets come from files, files from projects: a file has a vocabulary of its own, and one snippet in twenty is
//! followed by edited copies of itself.

use std::collections::HashSet;

/// Words that every project uses, and words of each project.
const COMMON: usize = 400_000;
const PROJECTS: usize = 300;
const OWN: usize = 4_000;

/// Splitmix64.
pub(crate) struct Random(u64);

/// Draws numbers by their weight.
struct Weighted {
    /// Of all up to each, ascending to 1.
    sums: Vec<f64>,
    /// By the first bits of a draw: where to begin to look.
    guide: Vec<u32>,
}

/// Makes one text after the other.
pub(crate) struct Corpus {
    random: Random,
    common: Weighted,
    own: Weighted,
    projects: Weighted,
    project: usize,
    file: Vec<u32>,
    snippets_left: usize,
    original: Vec<u32>,
    copies_left: usize,
}

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    pub(crate) fn normal(&mut self) -> f64 {
        let (a, b) = (self.unit().max(1e-12), self.unit());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

impl Weighted {
    fn new(weights: impl Iterator<Item = f64>) -> Weighted {
        let mut sums: Vec<f64> = weights
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let all = sums[sums.len() - 1];
        sums.iter_mut().for_each(|sum| *sum /= all);
        let start = |slot: usize| sums.partition_point(|sum| *sum < slot as f64 / 4096.0) as u32;
        let guide = (0..=4096).map(start).collect();
        Weighted { sums, guide }
    }

    fn draw(&self, random: &mut Random) -> usize {
        let unit = random.unit();
        let slot = (unit * 4096.0) as usize;
        let (low, high) = (self.guide[slot] as usize, self.guide[slot + 1] as usize + 1);
        let within = &self.sums[low..high.min(self.sums.len())];
        (low + within.partition_point(|sum| *sum <= unit)).min(self.sums.len() - 1)
    }
}

impl Corpus {
    pub(crate) fn new(seed: u64) -> Corpus {
        let common = (1..=COMMON).map(|rank| {
            let rank = rank as f64;
            (rank / 1_000.0).max(1.0).powf(-0.3) / (rank + 15.0)
        });
        Corpus {
            random: Random(seed),
            common: Weighted::new(common),
            own: Weighted::new((1..=OWN).map(|rank| (rank as f64 + 5.0).powf(-1.05))),
            projects: Weighted::new((1..=PROJECTS).map(|rank| (rank as f64).powf(-0.7))),
            project: 0,
            file: Vec::new(),
            snippets_left: 0,
            original: Vec::new(),
            copies_left: 0,
        }
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }

    /// The distinct words of the next text, as numbers.
    pub(crate) fn next(&mut self) -> Vec<u32> {
        if self.copies_left > 0 {
            self.copies_left -= 1;
            let changed = 0.05 + 0.30 * self.random.unit();
            let original = self.original.clone();
            return self.edited(&original, changed);
        }
        if self.snippets_left == 0 {
            self.snippets_left = 2 + self.random.below(20);
            self.project = self.projects.draw(&mut self.random);
            self.file = (0..120).map(|_| self.word()).collect();
        }
        self.snippets_left -= 1;
        let snippet = self.snippet();
        if self.random.unit() < 0.05 {
            self.original = snippet.clone();
            self.copies_left = 1 + self.random.below(6);
        }
        snippet
    }

    /// A copy in which this part of the words is replaced.
    pub(crate) fn edited(&mut self, original: &[u32], changed: f64) -> Vec<u32> {
        let mut words = original.to_vec();
        for _ in 0..(changed * original.len() as f64) as usize {
            words.swap_remove(self.random.below(words.len()));
        }
        self.project = self.projects.draw(&mut self.random);
        while words.len() < original.len() {
            let word = self.word();
            if !words.contains(&word) {
                words.push(word);
            }
        }
        words
    }

    /// A snippet of the current file, which no other text is a copy of.
    pub(crate) fn snippet(&mut self) -> Vec<u32> {
        let wanted = (125.0 + 15.0 * self.random.normal()).clamp(80.0, 180.0) as usize;
        let (mut words, mut seen, mut tries) = (Vec::new(), HashSet::new(), 0);
        while words.len() < wanted {
            tries += 1;
            let of_file = tries < 4_000 && self.random.unit() < 0.62;
            let word = if of_file { self.file[self.random.below(120)] } else { self.word() };
            if seen.insert(word) {
                words.push(word);
            }
        }
        words
    }

    fn word(&mut self) -> u32 {
        if self.random.unit() < 0.70 {
            self.common.draw(&mut self.random) as u32
        } else {
            (COMMON + self.project * OWN + self.own.draw(&mut self.random)) as u32
        }
    }

    /// The words as a text; frequent ones are short and occur more than once now and then.
    pub(crate) fn text(&mut self, words: &[u32]) -> String {
        let mut text = String::with_capacity(words.len() * 10);
        for word in words {
            let times = if self.random.unit() < 0.3 { 1 + self.random.below(4) } else { 1 };
            for _ in 0..times {
                spell(*word, &mut text);
                text.push(' ');
            }
        }
        text
    }
}

/// Letters by the number: 3 to 5, and a tail that makes them about as long as names in code are.
fn spell(mut word: u32, text: &mut String) {
    let tail = ["", "_id", "_count", "", "_of", "er"][word as usize % 6];
    for _ in 0..3 {
        text.push(char::from(b'a' + (word % 26) as u8));
        word /= 26;
    }
    while word > 0 {
        text.push(char::from(b'a' + (word % 26) as u8));
        word /= 26;
    }
    text.push_str(tail);
}
