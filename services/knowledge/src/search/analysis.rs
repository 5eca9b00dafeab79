//! A text as the index knows it: words of English and Arabic brought to their stems, so that `secrets` finds `secret` and
//! `الأسرار` finds `اسرار`.
//!
//! Every word is lower case; Arabic ones lose their vowel marks and stretching, and the letters that writers use for one
//! another become one. Which language a word is of is told by its script, word by word: texts mix them.

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{
    RemoveLongFilter, SimpleTokenizer, TextAnalyzer, Token, TokenFilter, TokenStream, Tokenizer,
};

/// The name under which the index knows this analysis.
pub(super) const NAME: &str = "words";

/// To be changed with every change of what a text becomes: an index of another analysis is made anew.
pub(super) const VERSION: u32 = 1;

/// Words that are longer, in bytes, are not kept: nobody types them.
const LONGEST: usize = 80;

/// The analysis of texts and of what is asked.
pub(super) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(LONGEST))
        .filter(Stems)
        .build()
}

/// The words of a text as they are indexed, each with the bytes it stands at.
pub(super) fn words(text: &str) -> Vec<Token> {
    let mut analyzer = analyzer();
    let mut stream = analyzer.token_stream(text);
    let mut words = Vec::new();
    while let Some(token) = stream.next() {
        words.push(token.clone());
    }
    words
}

/// The filter that brings words to their stems.
#[derive(Debug, Clone, Copy)]
struct Stems;

#[derive(Debug, Clone)]
struct Stemming<T>(T);

struct StemStream<T> {
    inner: T,
    arabic: Stemmer,
    english: Stemmer,
}

impl TokenFilter for Stems {
    type Tokenizer<T: Tokenizer> = Stemming<T>;

    fn transform<T: Tokenizer>(self, tokenizer: T) -> Stemming<T> {
        Stemming(tokenizer)
    }
}

impl<T: Tokenizer> Tokenizer for Stemming<T> {
    type TokenStream<'a> = StemStream<T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        let (arabic, english) = (Stemmer::new(Algorithm::Arabic), Stemmer::new(Algorithm::English));
        StemStream { inner: self.0.token_stream(text), arabic, english }
    }
}

impl<T: TokenStream> TokenStream for StemStream<T> {
    fn advance(&mut self) -> bool {
        if !self.inner.advance() {
            return false;
        }
        let token = self.inner.token_mut();
        let folded: String = token.text.chars().filter_map(folded).flat_map(char::to_lowercase).collect();
        let is_arabic = folded.chars().any(is_arabic);
        let stem = if is_arabic { self.arabic.stem(bare(&folded)) } else { self.english.stem(&folded) };
        token.text = stem.into_owned();
        true
    }

    fn token(&self) -> &Token {
        self.inner.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.inner.token_mut()
    }
}

/// A letter as it is compared; none for marks that writers leave out.
fn folded(c: char) -> Option<char> {
    match c {
        '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' => None, // stretching, vowel marks
        'أ' | 'إ' | 'آ' | 'ٱ' => Some('ا'),
        'ى' => Some('ي'),
        'ة' => Some('ه'),
        'ؤ' => Some('و'),
        'ئ' => Some('ي'),
        '٠'..='٩' => char::from_digit(c as u32 - '٠' as u32, 10),
        '۰'..='۹' => char::from_digit(c as u32 - '۰' as u32, 10),
        c => Some(c),
    }
}

/// The articles, and what is written together with them.
const ARTICLES: [&str; 6] = ["وال", "بال", "كال", "فال", "ال", "لل"];

/// An Arabic word without its article, where a word is left: the stemmer treats definite nouns otherwise, and would leave
/// them with endings that it takes from others.
fn bare(word: &str) -> &str {
    let rests = ARTICLES.into_iter().find_map(|article| word.strip_prefix(article));
    rests.filter(|rest| rest.chars().nth(2).is_some()).unwrap_or(word)
}

fn is_arabic(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(text: &str) -> Vec<String> {
        words(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn forms_of_a_word_are_one_word_in_english_and_in_arabic() {
        for (forms, what) in [
            (&["secret", "Secrets", "SECRETS"][..], "number and case"),
            (&["review", "reviewed", "reviewing", "reviews"], "forms of a verb"),
            (
                &["مُرَاجَعَة", "مراجعة", "مـراجـعـة", "المراجعة", "مراجعه"],
                "marks, stretching, article, ta marbuta",
            ),
            (&["أمان", "امان", "إمان", "آمان"], "forms of alif"),
            (&["١٢٣", "123", "۱۲۳"], "digits"),
        ] {
            let first = stems(forms[0]);
            assert_eq!(first.len(), 1, "{what}: {first:?}");
            for form in forms {
                assert_eq!(stems(form), first, "{what}: {form}");
            }
        }
        assert_ne!(stems("secret"), stems("public"));
    }

    #[test]
    fn words_know_where_they_stand_whatever_became_of_them() {
        let text = "Never commit مفاتيح!";
        let places: Vec<&str> = words(text).iter().map(|t| &text[t.offset_from..t.offset_to]).collect();
        assert_eq!(places, ["Never", "commit", "مفاتيح"]);
    }

    #[test]
    fn what_nobody_types_is_not_kept() {
        assert_eq!(stems(&"x".repeat(200)), Vec::<String>::new());
        assert_eq!(stems("snake_case-and/paths.rs"), ["snake", "case", "and", "path", "rs"]);
    }
}
