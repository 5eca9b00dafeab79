//! What the knowledge base is asked about a subject: the words that tell it best. Pure.
//!
//! They come from outside, so nothing but letters and digits of them is kept: no text can make a search of its own.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::change::Change;

/// How many words, and bytes of them, a search has; the knowledge service takes 2,000 bytes.
const MOST_WORDS: usize = 64;
const MOST_BYTES: usize = 1_900;

/// How many words of what somebody wrote, of the paths, and of the added lines are taken.
const OF_PROSE: usize = 32;
const OF_PATHS: usize = 24;

/// How long a word is, in characters.
const SHORTEST: usize = 3;
const LONGEST: usize = 40;

/// What agents are asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) event: &'a str,
    pub(crate) payload: &'a Value,
    pub(crate) change: Option<&'a Change>,
    /// What a caller wrote; may be empty.
    pub(crate) input: &'a str,
}

/// The words to look for, those of people first: what was written, what the change is called, which files it touches,
/// and what is said most often in what it adds.
pub(crate) fn words(subject: Subject<'_>) -> String {
    let Subject { event, payload, change, input } = subject;
    let said = |field: &str| payload.get(field).and_then(Value::as_str).unwrap_or_default();
    let prose = [input, said("title"), said("body"), said("message")];
    let prose = prose.into_iter().flat_map(split).take(OF_PROSE);
    let paths =
        change.into_iter().flat_map(|change| &change.files).flat_map(|file| split(&file.path)).take(OF_PATHS);
    let added = change.map(|change| frequent(&change.diff)).unwrap_or_default();
    let all =
        prose.chain(paths).map(str::to_lowercase).chain(added).chain(split(event).map(str::to_lowercase));
    joined(all)
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| tells(word))
}

/// Numbers, letters alone and what is too long to be a word tell nothing.
fn tells(word: &str) -> bool {
    (SHORTEST..=LONGEST).contains(&word.chars().count()) && word.contains(char::is_alphabetic)
}

/// The words of the added lines, the most frequent first.
fn frequent(diff: &str) -> Vec<String> {
    let mut counts = HashMap::<String, usize>::new();
    let added = diff.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++"));
    for word in added.flat_map(split) {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.into_iter().map(|(word, _)| word).take(MOST_WORDS).collect()
}

/// Each once, within bounds.
fn joined(words: impl Iterator<Item = String>) -> String {
    let (mut seen, mut text) = (HashSet::new(), String::new());
    for word in words {
        if seen.len() == MOST_WORDS || text.len() + word.len() >= MOST_BYTES {
            break;
        }
        if seen.insert(word.clone()) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&word);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DIFF: &str = "--- a/app/Token_store.py\n+++ b/app/Token_store.py\n@@ -1 +1,3 @@\n keep\n+secret = vault()\n+log(secret)\n-gone\n";

    fn of(payload: &Value, input: &str) -> String {
        let change = Change::from_payload(payload).unwrap();
        words(Subject { event: "pull_request.opened", payload, change: change.as_ref(), input })
    }

    #[test]
    fn words_are_those_of_people_then_of_paths_then_of_what_is_added() {
        let payload = json!({"title": "Keep keys, safe!", "body": "See #12: الأسرار", "diff": DIFF});
        assert_eq!(
            of(&payload, "Is this safe?"),
            "this safe keep keys see الأسرار app token store secret log vault pull request opened"
        );
    }

    #[test]
    fn no_text_from_outside_is_a_search_of_its_own() {
        let words = of(&json!({"title": "\"-secrets\" +only~2 -(this)"}), "");
        assert_eq!(words, "secrets only this pull request opened");
    }

    #[test]
    fn a_search_is_bounded_and_never_empty() {
        let long: String = (0..5_000).map(|n| format!("+wörd{n:x}ly other{n}\n")).collect();
        let payload = json!({"title": "long ".repeat(5_000), "diff": format!("--- a/x.py\n+++ b/x.py\n@@ -0,0 +1,5000 @@\n{long}")});
        let words = of(&payload, &"input ".repeat(1_000));
        assert!(words.len() < 2_000 && words.split(' ').count() <= MOST_WORDS, "{}", words.len());
        assert_eq!(of(&json!({}), "42 a ..."), "pull request opened");
    }
}
