//! What is looked for, in the words of the index: analysed, and with other spellings where the index has none or they are
//! wanted.

use std::collections::{BTreeSet, HashSet};

use tantivy::{Score, Searcher, Term, query::FuzzyTermQuery, schema::Field};

use super::{
    analysis,
    fields::Fields,
    syntax::{Clause, Kind, Need},
};

/// How many other spellings stand for a word at most.
const MOST_SPELLINGS: usize = 50;

/// How much another spelling counts beside the one that was typed.
const SPELLED_OTHERWISE: Score = 0.5;

/// Words of so many letters may differ in one, in two; shorter ones would be other words.
const ONE_MAY_DIFFER: usize = 4;
const TWO_MAY_DIFFER: usize = 8;

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Wanted {
    pub(super) clauses: Vec<(Need, Sought)>,
    /// All words by which a passage may be found, for highlights.
    pub(super) words: HashSet<String>,
}

/// One thing that is looked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sought {
    /// One of these words; none: nothing has it.
    AnyOf(Vec<(String, Score)>),
    /// These words, one after the other; at least two.
    Phrase(Vec<String>),
}

/// Looks words up. `fuzzy`: how many letters may differ; none: as many as the length allows, in words that no passage has.
pub(super) fn resolve(
    searcher: &Searcher,
    fields: &Fields,
    clauses: &[Clause],
    fuzzy: Option<u8>,
) -> tantivy::Result<Wanted> {
    let mut wanted = Wanted::default();
    for clause in clauses {
        let mut words: Vec<String> =
            analysis::words(&clause.text).into_iter().map(|token| token.text).collect();
        let sought = match words.len() {
            0 => Sought::AnyOf(Vec::new()),
            1 => Sought::AnyOf(spellings(searcher, fields, words.remove(0), clause, fuzzy)?),
            _ => Sought::Phrase(words),
        };
        if clause.need != Need::MustNot {
            match &sought {
                Sought::AnyOf(words) => wanted.words.extend(words.iter().map(|(word, _)| word.clone())),
                Sought::Phrase(words) => wanted.words.extend(words.iter().cloned()),
            }
        }
        wanted.clauses.push((clause.need, sought));
    }
    Ok(wanted)
}

fn spellings(
    searcher: &Searcher,
    fields: &Fields,
    word: String,
    typed: &Clause,
    fuzzy: Option<u8>,
) -> tantivy::Result<Vec<(String, Score)>> {
    let distances: Vec<u8> = match (typed.kind, fuzzy) {
        (Kind::Phrase, _) => vec![],
        (Kind::Nearly(distance), _) | (Kind::Word, Some(distance)) => vec![distance],
        (Kind::Word, None) if is_known(searcher, fields, &word)? => vec![],
        (Kind::Word, None) => (1..=by_length(&typed.text)).collect(),
    };
    let mut others = BTreeSet::new();
    // The nearest that there are.
    for distance in distances.into_iter().filter(|distance| *distance > 0) {
        if others.is_empty() {
            others = nearly(searcher, fields, &word, distance)?;
        }
    }
    others.remove(&word);
    let others = others.into_iter().map(|other| (other, SPELLED_OTHERWISE));
    Ok([(word, 1.0)].into_iter().chain(others).collect())
}

fn by_length(word: &str) -> u8 {
    match word.chars().count() {
        TWO_MAY_DIFFER.. => 2,
        ONE_MAY_DIFFER.. => 1,
        _ => 0,
    }
}

/// Where words of passages stand. Those of headings stand in the text, too, or above a passage that has them.
fn places(fields: &Fields) -> [Field; 3] {
    [fields.body, fields.headings, fields.title]
}

fn is_known(searcher: &Searcher, fields: &Fields, word: &str) -> tantivy::Result<bool> {
    for field in places(fields) {
        if searcher.doc_freq(&Term::from_field_text(field, word))? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Words of the index that differ from this one in so many letters at most.
fn nearly(
    searcher: &Searcher,
    fields: &Fields,
    word: &str,
    distance: u8,
) -> tantivy::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for field in places(fields) {
        let automaton =
            FuzzyTermQuery::new(Term::from_field_text(field, word), distance, true).automaton()?;
        for segment in searcher.segment_readers() {
            let index = segment.inverted_index(field)?;
            let mut words = index.terms().search(&automaton).into_stream()?;
            while words.advance() {
                if found.len() == MOST_SPELLINGS {
                    return Ok(found);
                }
                found.extend(std::str::from_utf8(words.key()).ok().map(str::to_owned));
            }
        }
    }
    Ok(found)
}
