//! Text → a vector without a model: each word, and each three characters of it, adds to a number that its hash picks.
//!
//! Texts that share words, or parts of words, have vectors that point to nearly the same side. The same text gives the
//! same vector in every process and release.

use crate::bag::Bag;

/// How many numbers a vector has.
pub const DIMENSION: usize = 384;

/// How much three characters count beside the word that they are of.
const PART: f32 = 0.5;

/// The vector of a text, of length 1; `None` if the text has no word.
pub fn embed(words: &Bag) -> Option<Vec<f32>> {
    let mut vector = vec![0.0; DIMENSION];
    for word in words.words() {
        let count = f32::from(word.count).sqrt(); // the second time a word says less than the first
        add(&mut vector, word.text.as_bytes(), count);
        let starts: Vec<usize> =
            word.text.char_indices().map(|(start, _)| start).chain([word.text.len()]).collect();
        for part in starts.windows(4) {
            add(&mut vector, &word.text.as_bytes()[part[0]..part[3]], count * PART);
        }
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    // No length despite of words: they have cancelled each other out.
    (length > 0.0).then(|| vector.into_iter().map(|number| number / length).collect())
}

fn add(vector: &mut [f32], bytes: &[u8], amount: f32) {
    let hash = stable(bytes);
    let place = ((u128::from(hash) * DIMENSION as u128) >> 64) as usize;
    vector[place] += if hash & 1 == 0 { amount } else { -amount };
}

/// FNV-1a with its bits mixed. It must never change: vectors are kept.
fn stable(bytes: &[u8]) -> u64 {
    let mut hash = 0xCBF2_9CE4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(text: &str) -> Vec<f32> {
        embed(&Bag::of(text)).unwrap()
    }

    fn cosine(a: &str, b: &str) -> f32 {
        vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn texts_with_more_in_common_have_nearer_vectors() {
        let text = "fn parse_header(input: &str) -> Result<Header, ParseError>";
        let renamed = "fn parse_headers(inputs: &str) -> Result<Headers, ParseErrors>";
        let other = "SELECT name FROM customers WHERE city = 'Cairo'";
        assert!((cosine(text, text) - 1.0).abs() < 1e-5);
        assert!(cosine(text, renamed) > cosine(text, other) + 0.2);
    }

    #[test]
    fn the_numbers_that_words_pick_never_change() {
        assert_eq!(stable(b""), 0xF52A_15E9_A9B5_E89B);
        assert_eq!(stable(b"parse"), 0x9BC9_8F27_9489_8406);
        assert_eq!(vector("a").iter().filter(|number| **number != 0.0).count(), 1);
    }

    #[test]
    fn a_text_without_a_word_has_no_vector() {
        assert_eq!(embed(&Bag::of("+++")), None);
    }
}
